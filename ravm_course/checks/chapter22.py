"""Checks of the exercises of chapter 22: F1 by hand, a vote over sources, when to be silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ravm_course.checks.compare import check, check_value
from ravm_course.ravlm.abstain import threshold_for


def check_f1(answer: float) -> None:
    """Check the token F1 of "Denmark, Sweden and the UK" where "Denmark" is right.

    Parameters
    ----------
    answer
        The F1, to three decimals or more, or as a fraction.

    Examples
    --------
    >>> check_f1(...)
    Not attempted yet: write f1 above, then run this cell again.
    """
    check_value(
        answer,
        0.4,
        name="f1",
        tolerance=6e-4,
        hint="Take the article away first; then count the words that both have, and divide once "
        "by the words of the answer and once by those of the right answer. F1 is the harmonic "
        "mean of the two.",
    )


def _vote(readings: Sequence[tuple[str, float, float]]) -> tuple[str, float]:
    shares: dict[str, float] = {}
    total = sum(weight for _, _, weight in readings)
    for text, score, weight in readings:
        shares[text.lower()] = shares.get(text.lower(), 0.0) + weight * score / total
    best = max(shares, key=shares.__getitem__)
    return best, shares[best]


def check_vote(student: Callable[[Sequence[tuple[str, float, float]]], tuple[str, float]]) -> None:
    """Check ``vote(readings)``.

    Parameters
    ----------
    student
        Takes readings (text, probability, weight), one for each passage, with weights that need
        not sum to one; returns the best answer in lower case and its share of the weighted
        probability, all weights together being one.

    Examples
    --------
    >>> check_vote(_vote)
    Right: 6 cases agree.
    """
    cases = [
        ([("Oslo", 0.9, 1.0), ("Bergen", 0.8, 1.0), ("oslo", 0.4, 1.0)],),
        ([("Springfield", 1.0, 1.0), ("Kampala", 0.6, 1.0), ("Kampala", 0.6, 1.0)],),
        ([("Springfield", 0.9, 5.0), ("Kampala", 0.9, 2.0), ("Kampala", 0.9, 2.0)],),
        ([("", 0.9, 1.0), ("Oslo", 0.8, 1.5)],),
        ([("", 0.9, 2.0), ("Oslo", 0.8, 1.5)],),  # silence wins
        ([("Oslo", 0.3, 4.0)],),
    ]
    check(
        student,
        _vote,
        cases,
        hint="Equal answers add up, whatever their letter case; each counts with its weight times "
        "its probability, divided by the sum of all weights. The empty text is an answer "
        "like others.",
    )


def check_threshold(student: Callable[[np.ndarray, np.ndarray, float], float]) -> None:
    """Check ``threshold(confidence, right, risk)``.

    Parameters
    ----------
    student
        Takes the confidences of N answers, whether each is right, and the greatest risk allowed;
        returns the lowest confidence at which the answers given are wrong at most in that share,
        or infinity.

    Examples
    --------
    >>> check_threshold(threshold_for)
    Right: 7 cases agree.
    """
    rng = np.random.default_rng(22)
    confidence = rng.random(40).round(2)
    cases = [
        (np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False]), 0.34),
        (np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]), 0.25),
        (np.array([0.2, 0.9, 0.5]), np.array([False, True, True]), 0.0),  # not in order
        (np.array([0.8, 0.8, 0.3]), np.array([True, False, True]), 0.0),  # a tie is not cut
        (np.array([0.9, 0.8]), np.array([False, True]), 0.1),  # none will do
        (np.array([0.9, 0.8]), np.array([True, True]), 0.1),
        (confidence, rng.random(40) < confidence, 0.2),
    ]
    check(
        student,
        threshold_for,
        cases,
        hint="Sort by confidence, largest first. After each answer, risk is the share wrong "
        "so far. Risk may rise and fall again: the lowest threshold that keeps it counts. Answers "
        "with equal confidence are given together or not at all.",
    )
