"""Checks of the exercises of chapter 5: pointwise mutual information, analogies and WEAT."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ravm_course.checks.compare import check, check_value
from ravm_course.text.vectors.association import weat


def check_pmi(pmi_gold: float, pmi_corn: float, ppmi_corn: float) -> None:
    """Check three entries of the little table of the exercise.

    Parameters
    ----------
    pmi_gold, pmi_corn
        PMI of (carry, gold) and (carry, corn), in nats.
    ppmi_corn
        Positive PMI of (carry, corn).

    Examples
    --------
    >>> check_pmi(..., ..., ...)
    Not attempted yet: write pmi_gold above, then run this cell again.
    Not attempted yet: write pmi_corn above, then run this cell again.
    Not attempted yet: write ppmi_corn above, then run this cell again.
    """
    hint = "Divide p(w, c) by p(w) p(c). All three are sums of counts divided by the total, 20."
    for name, answer, expected in (
        ("pmi_gold", pmi_gold, math.log((6 / 20) / (8 / 20 * 8 / 20))),
        ("pmi_corn", pmi_corn, math.log((2 / 20) / (8 / 20 * 12 / 20))),
        ("ppmi_corn", ppmi_corn, 0.0),
    ):
        check_value(answer, expected, name=name, hint=hint, tolerance=6e-4)


def _analogy(unit: np.ndarray, a: int, b: int, c: int) -> int:
    scores = unit @ (unit[b] - unit[a] + unit[c])
    scores[[a, b, c]] = -np.inf
    return int(scores.argmax())


def check_analogy(student: Callable[[np.ndarray, int, int, int], int]) -> None:
    """Check ``analogy(unit, a, b, c)``, the row that completes an analogy.

    Parameters
    ----------
    student
        Takes unit vectors ``(V, D)`` and three rows; returns a row.

    Examples
    --------
    >>> check_analogy(_analogy)
    Right: 12 cases agree.
    """
    rng = np.random.default_rng(5)
    cases = []
    for case in range(12):
        unit = rng.normal(size=(40, 6)) + (case % 3)  # the last two kinds have a common direction
        given = rng.choice(40, 3, replace=False)
        if case >= 9:  # a, b and c alike, all others turned away: every other score is negative
            unit[given] = unit[given[0]] + 0.1 * rng.normal(size=(3, 6))
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        if case >= 9:
            scores = unit @ (unit[given[1]] - unit[given[0]] + unit[given[2]])
            scores[given] = -1
            unit[scores > 0] *= -1
        cases.append((unit, *map(int, given)))

    def as_int(unit: np.ndarray, a: int, b: int, c: int) -> object:
        before = unit.copy()
        answer = student(unit, a, b, c)
        if not np.array_equal(unit, before):
            return "the vectors that were given were changed"
        return int(answer) if isinstance(answer, np.integer) else answer

    as_int.__name__ = getattr(student, "__name__", "analogy")
    check(
        as_int if student is not ... else student,
        _analogy,
        cases,
        hint="a is to b as c is to ?: the target is b - a + c. All three are left out before the "
        "largest dot product is taken, and the number of a row is returned.",
    )


def _effect_size(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    return weat(x, y, a, b).effect


def check_effect_size(student: Callable[..., float]) -> None:
    """Check ``effect_size(x, y, a, b)`` of the word embedding association test.

    Parameters
    ----------
    student
        Takes the vectors of targets X, Y and attributes A, B, not of unit length; returns a number.

    Examples
    --------
    >>> check_effect_size(_effect_size)
    Right: 6 cases agree.
    """
    rng = np.random.default_rng(6)
    cases = [
        tuple(rng.normal(size=(n, 5)) * rng.uniform(0.5, 3, size=(n, 1)) for n in sizes)
        for sizes in (
            (4, 4, 3, 3),
            (5, 5, 2, 4),
            (3, 6, 4, 4),
            (6, 3, 3, 2),
            (8, 8, 8, 8),
            (2,) * 4,
        )
    ]
    check(
        student,
        _effect_size,
        cases,
        hint="The association of a word is its mean cosine with A minus that with B; a cosine "
        "needs unit vectors. Divide the difference of the two means by the standard deviation "
        "(ddof=1) over all targets of X and Y together.",
    )
