"""Each check of chapter 16 accepts right answers and rejects plausible mistakes."""

import pytest
import torch
import torch.nn.functional as F

from ravm_course.checks import chapter16
from ravm_course.checks.compare import CheckFailed

LAYERS = (8, 5856, 9, 12_582_912)


def test_layers_accepts(capsys):
    chapter16.check_layers(*LAYERS)
    assert capsys.readouterr().out.count("Right") == 4


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, 7),  # padding forgotten in the second layer
        (0, 16),  # one layer only
        (0, 32),  # no stride
        (1, 16 * 75 + 32 * 144),  # no biases
        (1, 16 * 25 + 16 + 32 * 9 + 32),  # patterns without depth
        (1, 16 * 75 + 16 + 32 * 27 + 32),  # the second as deep as the picture
        (2, 7),  # stride of the first forgotten
        (2, 8),  # fields added
        (2, 15),  # fields multiplied
        (3, 3 * 32 * 32 * 16),  # one number a map
        (3, 32 * 32 * 16 * 16 * 16),  # one channel
    ],
)
def test_layers_rejects(place, answer):
    answers = [*LAYERS]
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter16.check_layers(*answers)


def by_torch(picture, patterns, stride, padding):
    return F.conv2d(picture[None], patterns, stride=stride, padding=padding)[0]


def by_loop(picture, patterns, stride, padding):
    k = patterns.shape[2]
    padded = F.pad(picture, [padding] * 4)
    height = (padded.shape[1] - k) // stride + 1
    width = (padded.shape[2] - k) // stride + 1
    out = torch.zeros(len(patterns), height, width)
    for y in range(height):
        for x in range(width):
            seen = padded[:, y * stride : y * stride + k, x * stride : x * stride + k]
            out[:, y, x] = (patterns * seen).sum((1, 2, 3))
    return out


@pytest.mark.parametrize("right", [by_torch, by_loop])
def test_lay_on_accepts(right, capsys):
    chapter16.check_lay_on(right)
    assert "Right: 6" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        lambda p, w, s, d: by_torch(p, w.flip(2, 3), s, d),  # a true convolution
        lambda p, w, s, d: by_torch(p, w.transpose(2, 3), s, d),
        lambda p, w, s, d: by_torch(p, w, 1, d),  # stride ignored
        lambda p, w, s, d: by_torch(p, w, s, 0),  # padding ignored
        lambda p, w, s, d: by_torch(p, w, s, d) / w[0].numel(),  # a mean
        lambda p, w, s, d: by_torch(p, w, s, d)[:1],  # the first pattern only
        lambda p, w, s, d: by_torch(p[:1], w[:, :1], s, d),  # the first channel only
        lambda p, w, s, d: by_torch(p, w, s, d).transpose(1, 2),
        lambda p, w, s, d: by_torch(F.pad(p, [0, d, 0, d]), w, s, 0),  # zeros on two sides
        lambda p, w, s, d: by_torch(p, w, s, d).relu(),
        lambda p, w, s, d: by_torch(F.pad(p[None], [d] * 4, mode="replicate")[0], w, s, 0),
    ],
)
def test_lay_on_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter16.check_lay_on(wrong)


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return common / (sum(areas) - common)


def keep_best(
    boxes, scores, threshold, *, measure=overlap, against_all=False, ascending=False, strict=False
):
    boxes = boxes.tolist()
    order = scores.argsort(descending=not ascending).tolist()
    kept, seen = [], []
    for i in order:
        rivals = seen if against_all else kept
        overlaps = [measure(boxes[i], boxes[j]) for j in rivals]
        if all(value < threshold or (value == threshold and not strict) for value in overlaps):
            kept.append(i)
        seen.append(i)
    return kept


def test_keep_best_accepts(capsys):
    chapter16.check_keep_best(keep_best)
    assert "Right: 8" in capsys.readouterr().out


def common_of_smaller(a, b):
    smaller = min((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    union = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    value = overlap(a, b)
    return value * union / (1 + value) / smaller


def over_both_areas(a, b):
    value = overlap(a, b)
    return value / (1 + value)  # common / (area a + area b)


def without_clamp(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = width * height  # two negatives make a common area
    return common / (sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - common)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda b, s, t: keep_best(b, s, t, against_all=True),
        lambda b, s, t: keep_best(b, s, t, ascending=True),
        lambda b, s, t: sorted(keep_best(b, s, t)),
        lambda b, s, t: keep_best(b, s, t, measure=common_of_smaller),
        lambda b, s, t: keep_best(b, s, t, measure=over_both_areas),
        lambda b, s, t: keep_best(b, s, t, measure=without_clamp),
        lambda b, s, t: keep_best(b, s, t, strict=True),
        lambda b, s, t: keep_best(b, s, 1 - t),
        lambda b, s, t: s.argsort(descending=True).tolist(),
        lambda b, s, t: keep_best(b, s, t)[:1],
        lambda b, s, t: keep_best(b[:, [0, 1, 3, 2]], s, t),  # right and bottom exchanged
    ],
)
def test_keep_best_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter16.check_keep_best(wrong)


def test_stubs_are_not_attempted(capsys):
    chapter16.check_layers(..., ..., ..., ...)
    chapter16.check_lay_on(lambda picture, patterns, stride, padding: ...)
    chapter16.check_keep_best(lambda boxes, scores, threshold: ...)
    chapter16.check_keep_best(...)
    assert capsys.readouterr().out.count("Not attempted yet") == 7
