"""Each check of chapter 7 accepts right answers and rejects plausible mistakes."""

import math

import pytest
import torch

from ravm_course.checks import chapter07
from ravm_course.checks.compare import CheckFailed

WEIGHTS = [1 / 8, 2 / 8, 5 / 8]


@pytest.mark.parametrize("weights", [WEIGHTS, tuple(WEIGHTS), [0.125, 0.25, 0.625]])
def test_paper_accepts(weights, capsys):
    chapter07.check_paper(weights, 3.5)
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ([1 / 30, 4 / 30, 25 / 30], 3.5),  # not divided by the root
        ([1 / (1 + 2**0.5 + 5**0.5)] * 3, 3.5),
        ([0.0, math.log(2) / math.log(10), math.log(5) / math.log(10)], 3.5),  # no exponential
        ([5 / 8, 2 / 8, 1 / 8], 3.5),
        (WEIGHTS[:2], 3.5),
        (0.125, 3.5),
        (WEIGHTS, 4.0),  # the plain mean
        (WEIGHTS, 28.0),  # not divided by the sum
        (WEIGHTS, 8 / 30 + 100 / 30),
    ],
)
def test_paper_rejects(weights, found):
    with pytest.raises(CheckFailed):
        chapter07.check_paper(weights, found)


def attend(query, keys, values, present):
    scores = (query[:, None] * keys).sum(2) / math.sqrt(query.shape[1])
    weights = torch.where(present, scores, -math.inf).softmax(1)
    return (weights[:, :, None] * values).sum(1), weights


def test_attend_accepts(capsys):
    chapter07.check_attend(attend)
    assert "Right: 5" in capsys.readouterr().out


def variant(scale=True, mask="before", axis=1, averaged="values", swap=False, places=False):
    def wrong(query, keys, values, present):
        scores = torch.einsum("bd,bsd->bs", query, keys)
        if scale:
            scores = scores / query.shape[1] ** 0.5
        if mask == "before":
            scores = scores.masked_fill(~present, -math.inf)
        if mask == "zero score":
            scores = scores * present
        if mask == "inverted":
            scores = scores.masked_fill(present, -math.inf)
        weights = scores.softmax(axis)
        if mask == "after":
            weights = weights * present
        found = torch.einsum("bs,bse->be", weights, keys if averaged == "keys" else values)
        if places:
            weights = weights.argmax(1)
        return (weights, found) if swap else (found, weights)

    return wrong


@pytest.mark.parametrize(
    "options",
    [
        {"scale": False},
        {"mask": None},
        {"mask": "zero score"},
        {"mask": "inverted"},
        {"mask": "after"},  # weights no longer sum to one
        {"axis": 0},
        {"averaged": "keys"},
        {"swap": True},
        {"places": True},
    ],
)
def test_attend_rejects(options):
    with pytest.raises(CheckFailed):
        chapter07.check_attend(variant(**options))


def test_attend_must_leave_its_arguments_alone():
    def careless(query, keys, values, present):
        answer = attend(query, keys, values, present)
        keys[~present] = 0.0
        return answer

    with pytest.raises(CheckFailed, match="changed"):
        chapter07.check_attend(careless)


def extend(beam, log_probs, width):
    longer = []
    for text, score in beam:
        for symbol, gained in log_probs(text).items():
            longer.append(([*text, symbol], score + gained))
    longer.sort(key=lambda pair: pair[1], reverse=True)
    return longer[:width]


def test_extend_accepts(capsys):
    chapter07.check_extend(extend)
    assert "Right: 6" in capsys.readouterr().out


def each_its_best(beam, log_probs, width):
    """Let each text keep one extension: beams that never compete."""
    return sorted((extend([one], log_probs, 1)[0] for one in beam), key=lambda p: -p[1])[:width]


def last_only(beam, log_probs, width):
    """Compare by the probability of the last symbol."""
    longer = extend(beam, log_probs, 10**6)
    return sorted(longer, key=lambda p: -log_probs(tuple(p[0][:-1]))[p[0][-1]])[:width]


def forgets_score(beam, log_probs, width):
    """Return the gain instead of the sum."""
    longer = extend(beam, log_probs, width)
    return [(text, log_probs(tuple(text[:-1]))[text[-1]]) for text, _ in longer]


def multiplies(beam, log_probs, width):
    """Multiply logarithms."""
    longer = [((*t, s), v * g) for t, v in beam for s, g in log_probs(t).items()]
    return sorted(longer, key=lambda p: -p[1])[:width]


def worst_first(beam, log_probs, width):
    """Sort upwards."""
    return extend(beam, log_probs, width)[::-1]


def keeps_short(beam, log_probs, width):
    """Keep the texts that were there, too."""
    return sorted([*beam, *extend(beam, log_probs, width)], key=lambda p: -p[1])[:width]


def greedy(beam, log_probs, width):
    """Extend the best text only."""
    return extend(beam[:1], log_probs, width)


def in_place(beam, log_probs, width):
    """Change the beam that was given."""
    beam[:] = extend(beam, log_probs, width)
    return beam


@pytest.mark.parametrize(
    "wrong",
    [
        each_its_best, last_only, forgets_score, multiplies, worst_first, keeps_short, greedy,
        in_place,
    ],
)  # fmt: skip
def test_extend_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter07.check_extend(wrong)


def test_stubs_are_not_attempted(capsys):
    chapter07.check_paper(..., ...)
    chapter07.check_attend(lambda query, keys, values, present: ...)
    chapter07.check_attend(...)
    chapter07.check_extend(lambda beam, log_probs, width: ...)
    chapter07.check_extend(...)
    assert capsys.readouterr().out.count("Not attempted yet") == 6
