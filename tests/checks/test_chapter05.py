"""Each check of chapter 5 accepts right answers and rejects plausible mistakes."""

import math

import numpy as np
import pytest

from ravm_course.checks import chapter05
from ravm_course.checks.compare import CheckFailed

PMI = (math.log(1.875), math.log(2 / 4.8), 0.0)


def test_pmi_accepts(capsys):
    chapter05.check_pmi(*PMI)
    chapter05.check_pmi(0.629, -0.875, 0)
    assert capsys.readouterr().out.count("Right") == 6


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, math.log2(1.875)),  # in bits
        (0, 1.875),  # without the logarithm
        (0, 0.3 * math.log(1.875)),  # the summand of the mutual information
        (0, math.log(6 / 64)),  # counts in place of probabilities
        (0, math.log(6 / 8)),  # the conditional probability
        (1, math.log(2 / 4)),  # the row total for the column's
        (1, 0.0),  # cut off already
        (1, -PMI[1]),  # upside down
        (2, PMI[1]),  # not cut off
        (2, -PMI[1]),  # the absolute value
    ],
)
def test_pmi_rejects(place, answer):
    answers = [*PMI]
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter05.check_pmi(*answers)


def analogy(unit, a, b, c):
    scores = unit @ (unit[b] - unit[a] + unit[c])
    return max((s, row) for row, s in enumerate(scores) if row not in (a, b, c))[1]


def test_analogy_accepts(capsys):
    chapter05.check_analogy(analogy)
    assert "Right: 12" in capsys.readouterr().out


def in_place(unit, a, b, c):
    best = analogy(unit, a, b, c)
    unit[[a, b, c]] = 0
    return best


def not_excluded(unit, a, b, c):
    return int((unit @ (unit[b] - unit[a] + unit[c])).argmax())


def only_c_excluded(unit, a, b, c):
    scores = unit @ (unit[b] - unit[a] + unit[c])
    scores[c] = -np.inf
    return int(scores.argmax())


def reversed_offset(unit, a, b, c):
    return analogy(unit, b, a, c)


def no_offset(unit, a, b, c):
    scores = unit @ unit[c]
    scores[[a, b, c]] = -np.inf
    return int(scores.argmax())


def farthest(unit, a, b, c):
    return int((unit @ (unit[b] - unit[a] + unit[c])).argmin())


def excluded_by_zero(unit, a, b, c):
    """Fails where all other scores are below zero."""
    scores = unit @ (unit[b] - unit[a] + unit[c])
    scores[[a, b, c]] = 0
    return int(scores.argmax())


def a_left_in(unit, a, b, c):
    scores = unit @ (unit[b] - unit[a] + unit[c])
    scores[[b, c]] = -np.inf
    return int(scores.argmax())


@pytest.mark.parametrize(
    "wrong",
    [
        in_place,
        not_excluded,
        only_c_excluded,
        reversed_offset,
        no_offset,
        farthest,
        excluded_by_zero,
        a_left_in,
        lambda unit, a, b, c: unit[analogy(unit, a, b, c)],
    ],
)
def test_analogy_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter05.check_analogy(wrong)


def cosines(p, q):
    p = p / np.linalg.norm(p, axis=1, keepdims=True)
    q = q / np.linalg.norm(q, axis=1, keepdims=True)
    return p @ q.T


def effect(x, y, a, b, *, similarity=cosines, ddof=1, pooled=True):
    s, t = (
        similarity(group, a).mean(axis=1) - similarity(group, b).mean(axis=1) for group in (x, y)
    )
    both = np.concatenate([s, t]).std(ddof=ddof)
    spread = both if pooled else (s.std(ddof=1) + t.std(ddof=1)) / 2
    return (s.mean() - t.mean()) / spread


def test_effect_size_accepts(capsys):
    chapter05.check_effect_size(effect)
    assert "Right: 6" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x, y, a, b: effect(x, y, a, b, similarity=lambda p, q: p @ q.T),  # no unit vectors
        lambda x, y, a, b: effect(x, y, a, b, ddof=0),
        lambda x, y, a, b: effect(x, y, a, b, pooled=False),
        lambda x, y, a, b: effect(y, x, a, b),
        lambda x, y, a, b: effect(x, y, b, a),
        lambda x, y, a, b: effect(a, b, x, y),  # targets and attributes exchanged
        lambda x, y, a, b: cosines(x, a).mean() - cosines(y, a).mean(),
    ],
)
def test_effect_size_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter05.check_effect_size(wrong)


def test_stubs_are_not_attempted(capsys):
    chapter05.check_pmi(..., ..., ...)
    chapter05.check_analogy(lambda unit, a, b, c: ...)
    chapter05.check_analogy(...)
    chapter05.check_effect_size(lambda x, y, a, b: ...)
    chapter05.check_effect_size(...)
    assert capsys.readouterr().out.count("Not attempted yet") == 7
