"""Checks of the exercises of chapter 19: measures by hand, MaxSim, a pairwise loss."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ravm_course.checks.compare import check, check_value


def check_measures(reciprocal: float, precision: float, gain: float) -> None:
    """Check three measures of the ranking 0, 1, 1, 0, 0 with two relevant items.

    Parameters
    ----------
    reciprocal
        Reciprocal rank.
    precision
        Average precision.
    gain
        nDCG over all five.

    Examples
    --------
    >>> check_measures(1 / 2, (1 / 2 + 2 / 3) / 2, ...)
    Right: reciprocal agrees.
    Right: precision agrees.
    Not attempted yet: write gain above, then run this cell again.
    """
    check_value(
        reciprocal,
        1 / 2,
        name="reciprocal",
        tolerance=1e-4,
        hint="One over the rank of the first relevant item; ranks begin at 1.",
    )
    check_value(
        precision,
        (1 / 2 + 2 / 3) / 2,
        name="precision",
        tolerance=1e-4,
        hint="At each relevant item: relevant items so far over its rank. The mean is over the "
        "relevant items.",
    )
    check_value(
        gain,
        (1 / math.log2(3) + 1 / math.log2(4)) / (1 + 1 / math.log2(3)),
        name="gain",
        tolerance=1e-3,
        hint="A relevant item at rank r adds 1 / log2(r + 1); divide by the sum that the best "
        "order, 1, 1, 0, 0, 0, would have.",
    )


def _max_sim(query: np.ndarray, document: np.ndarray, mask: np.ndarray) -> float:
    similarity = np.where(mask, query @ document.T, -np.inf)
    return float(similarity.max(axis=1).mean())


def check_max_sim(student: Callable) -> None:
    """Check ``max_sim(query, document, mask)``.

    Parameters
    ----------
    student
        Takes parts ``(P, D)`` and ``(R, D)`` and booleans ``(R,)``, False for filling; returns a
        number.

    Examples
    --------
    >>> check_max_sim(_max_sim)
    Right: 7 cases agree.
    """
    draw = np.random.default_rng(19)
    cases = []
    for parts, others, size, filling in ((1, 1, 3, 0), (2, 5, 3, 0), (5, 2, 4, 0), (4, 6, 2, 3)):
        mask = np.arange(others) < others - filling
        cases.append((draw.normal(size=(parts, size)), draw.normal(size=(others, size)), mask))
    # all similarities are far below zero: neither zero nor a small number may stand for filling
    query, document = 100 * np.ones((2, 3)), -np.ones((3, 3))
    document[2] = 0
    cases.append((query, document, np.array([True, True, False])))
    # filling in the middle, and similarities below any number that one might choose
    cases.append((1e6 * query, 1e6 * document[[0, 2, 1]], np.array([True, False, True])))
    # a part that is found twice counts once for each part that asks
    cases.append((np.eye(3)[[0, 0, 1]], np.eye(3)[[0, 2]], np.array([True, True])))
    check(
        student,
        _max_sim,
        cases,
        hint="For each part of the query, the largest inner product with a part of the document "
        "that is no filling; then the mean over the parts of the query.",
    )


def _pairwise(scores: np.ndarray, relevance: np.ndarray) -> float:
    better = relevance[:, None] > relevance[None, :]
    return float(np.logaddexp(0, scores[None, :] - scores[:, None])[better].mean())


def check_pairwise(student: Callable) -> None:
    """Check ``pairwise(scores, relevance)``.

    Parameters
    ----------
    student
        Takes scores and relevance of one query's candidates, both ``(K,)``; returns a number.

    Examples
    --------
    >>> check_pairwise(_pairwise)
    Right: 5 cases agree.
    """
    draw = np.random.default_rng(91)
    cases = [
        (np.array([2.0, 0.0, 1.0]), np.array([1, 0, 0])),
        (draw.normal(size=5), np.array([0, 1, 0, 1, 0])),
        (draw.normal(size=6), np.array([3, 0, 1, 2, 0, 1])),
        (np.zeros(4), np.array([0, 0, 1, 0])),
        # scores far apart: e to the power of the difference must not overflow
        (np.array([-900.0, 900.0]), np.array([1, 0])),
    ]
    check(
        student,
        _pairwise,
        cases,
        hint="Over all pairs in which i is more relevant than j: ln(1 + exp(s_j - s_i)), and the "
        "mean of these. Pairs that are equally relevant do not count. np.logaddexp(0, x) is "
        "ln(1 + exp(x)) without overflow.",
    )
