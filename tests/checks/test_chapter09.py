"""Each check of chapter 9 accepts right answers and rejects plausible mistakes."""

from itertools import pairwise

import pytest
import torch

from ravm_course.checks import chapter09
from ravm_course.checks.compare import CheckFailed

COUNTS = (61.44, 461, 104, 30720)


def test_counts_accepts(capsys):
    chapter09.check_counts(*COUNTS)
    assert capsys.readouterr().out.count("Right") == 4


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, 76.8),  # all that are asked for
        (0, 512 * 0.8),
        (1, 435),  # sentinels forgotten
        (1, 462),  # the last sentinel counted in the source
        (2, 103),  # the last sentinel forgotten
        (2, 77),
        (3, 768 * 3072),  # the matrix itself
        (3, 8 * 768 * 3072),
        (3, 8 * 768),  # one of the two
    ],
)
def test_counts_rejects(place, answer):
    answers = list(COUNTS)
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter09.check_counts(*answers)


def right_hide(ids, chance, others, mask, share):
    targets = ids.clone()
    targets[chance >= share] = -100
    inputs = ids.clone()
    inputs[chance < 0.8 * share] = mask
    replaced = (chance >= 0.8 * share) & (chance < 0.9 * share)
    inputs[replaced] = others[replaced]
    return inputs, targets


def always_mask(ids, chance, others, mask, share):
    asked = chance < share
    return torch.where(asked, mask, ids), torch.where(asked, ids, -100)


def targets_leak(ids, chance, others, mask, share):
    return right_hide(ids, chance, others, mask, share)[0], ids


def only_masked_are_targets(ids, chance, others, mask, share):
    inputs, _ = right_hide(ids, chance, others, mask, share)
    return inputs, torch.where(inputs == mask, ids, -100)


def random_and_mask_exchanged(ids, chance, others, mask, share):
    inputs, targets = right_hide(ids, chance, others, mask, share)
    inputs = torch.where(chance < 0.8 * share, others, ids)
    return torch.where((chance >= 0.8 * share) & (chance < 0.9 * share), mask, inputs), targets


def wrong_order(ids, chance, others, mask, share):
    inputs = torch.where(chance < 0.8 * share, mask, ids)
    inputs = torch.where(chance < 0.9 * share, others, inputs)  # overwrites the masks
    return inputs, torch.where(chance < share, ids, -100)


def share_forgotten(ids, chance, others, mask, share):
    return right_hide(ids, chance, others, mask, 0.15)


def zero_ignored(ids, chance, others, mask, share):
    inputs, targets = right_hide(ids, chance, others, mask, share)
    return inputs, targets.clamp(min=0)


def in_place(ids, chance, others, mask, share):
    targets = torch.where(chance < share, ids, -100)
    ids[chance < 0.8 * share] = mask
    replaced = (chance >= 0.8 * share) & (chance < 0.9 * share)
    ids[replaced] = others[replaced]
    return ids, targets


def floating(ids, chance, others, mask, share):
    return tuple(part.double() for part in right_hide(ids, chance, others, mask, share))


def test_hide_accepts(capsys):
    chapter09.check_hide(right_hide)
    assert "Right" in capsys.readouterr().out
    chapter09.check_hide(...)
    chapter09.check_hide(lambda *_: ...)
    assert capsys.readouterr().out.count("Not attempted") == 2


@pytest.mark.parametrize(
    "wrong",
    [
        always_mask, targets_leak, only_masked_are_targets, random_and_mask_exchanged,
        wrong_order, share_forgotten, zero_ignored, in_place, floating,
    ],
)  # fmt: skip
def test_hide_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter09.check_hide(wrong)


def right_restore(source, target, first):
    spans, mark = {}, None
    for token in target:
        if token >= first:
            mark = token
        else:
            spans.setdefault(mark, []).append(token)
    whole = []
    for token in source:
        whole.extend(spans.get(token, []) if token >= first else [token])
    return whole


def keeps_sentinels(source, target, first):
    return [t for token in source for t in [token, *right_restore([token], target, first)][:1]]


def one_token_each(source, target, first):
    after = dict(pairwise(target))
    return [after.get(t, t) if t >= first else t for t in source]


def needs_the_end(source, target, first):
    places = [i for i, t in enumerate(target) if t >= first]
    spans = {target[a]: target[a + 1 : b] for a, b in pairwise(places)}
    return [t for token in source for t in spans.get(token, [token])]


def appended(source, target, first):
    return [t for t in [*source, *target] if t < first]


def off_by_one(source, target, first):
    return right_restore(source, target, first + 1)


def by_turn(source, target, first):
    spans = []
    for token in target:
        if token >= first:
            spans.append([])
        elif spans:
            spans[-1].append(token)
    turns = iter(spans)
    return [t for token in source for t in (next(turns, []) if token >= first else [token])]


def by_another_first(source, target, first):
    return right_restore(source, target, 90)


def test_restore_accepts(capsys):
    chapter09.check_restore(right_restore)
    assert "Right" in capsys.readouterr().out
    chapter09.check_restore(lambda *_: ...)
    assert "Not attempted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        keeps_sentinels,
        one_token_each,
        needs_the_end,
        appended,
        off_by_one,
        by_turn,
        by_another_first,
    ],
)
def test_restore_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter09.check_restore(wrong)
