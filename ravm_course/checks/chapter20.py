"""Checks of the exercises of chapter 20: weighing passages, choosing a span, the whole system."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ravm_course.checks.compare import check, check_value


def check_two_passages(answer: float) -> None:
    """Check the probability of "Oslo" after two passages were read.

    Their cosine similarities are 0.9 and 0.8, the temperature is 0.1; the first reading says "Oslo"
    with probability 0.5 and "not here" with 0.5, the second "Bern" with 0.9 and "Oslo" with 0.1.

    Parameters
    ----------
    answer
        The probability, to three decimals or more.

    Examples
    --------
    >>> check_two_passages(...)
    Not attempted yet: write oslo above, then run this cell again.
    """
    first = math.e / (1 + math.e)
    check_value(
        answer,
        first * 0.5 + (1 - first) * 0.1,
        name="oslo",
        tolerance=6e-4,
        hint="Give three decimals. Divide the similarities by 0.1 first: their softmax is e/(1+e) "
        "and 1/(1+e). Then add the probability of Oslo under both passages, each times its weight. "
        'What "not here" has is not divided among the others.',
    )


def _best_span(start: np.ndarray, end: np.ndarray, longest: int) -> tuple[int, int]:
    scores = {
        (i, j): start[i] + end[j]
        for i in range(len(start))
        for j in range(i, min(i + longest, len(start)))
    }
    return max(scores, key=scores.__getitem__)


def check_best_span(student: Callable[[np.ndarray, np.ndarray, int], tuple[int, int]]) -> None:
    """Check ``best_span(start, end, longest)``.

    Parameters
    ----------
    student
        Takes start and end logits, arrays of shape ``(L,)``, and the greatest number of words of a
        span; returns the first and the last word of the best span, counted from 0.

    Examples
    --------
    >>> check_best_span(_best_span)
    Right: 10 cases agree.
    """
    rng = np.random.default_rng(20)
    cases = [
        (np.array([0.0, 2.0, 0.5]), np.array([3.0, 0.0, 1.0]), 3),  # best end before best start
        (np.array([3.0, 0.0, 0.0, 1.0]), np.array([0.0, 0.5, 0.0, 3.0]), 2),  # best is too long
        (np.array([3.0, 0.0, 0.0]), np.array([-9.0, 0.0, 3.0]), 3),  # exactly as long as allowed
        (np.array([3.0, 0.0, 0.5]), np.array([-9.0, 0.0, 3.0]), 2),  # one word longer than allowed
        (np.array([3.0, 0.0, 0.0]), np.array([2.0, 0.0, 2.5]), 1),  # best end has no good start
        (np.array([1.0, 0.0]), np.array([0.2, 0.1]), 1),
        (np.array([-4.0]), np.array([-5.0]), 4),
        *((rng.normal(size=n), rng.normal(size=n), longest) for n, longest in [(7, 3), (12, 4)]),
        (-5 - rng.random(6), -5 - rng.random(6), 2),  # all logits negative
    ]
    check(
        student,
        _best_span,
        cases,
        hint="A span (i, j) needs i <= j, and has j - i + 1 words, at most `longest`. The best "
        "start and the best end, each by itself, need not form a span.",
    )


def _answer(
    query: np.ndarray,
    vectors: np.ndarray,
    readings: Sequence[tuple[str, float]],
    k: int,
    temperature: float,
) -> tuple[str, float, int]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = unit @ (query / np.linalg.norm(query))
    nearest = np.argsort(-similar)[:k]
    weights = np.exp((similar[nearest] - similar[nearest].max()) / temperature)
    weights /= weights.sum()
    shares = {int(z): w * readings[z][1] for z, w in zip(nearest, weights, strict=True)}
    total: dict[str, float] = {}
    for z, share in shares.items():
        total[readings[z][0]] = total.get(readings[z][0], 0.0) + share
    best = max(total, key=total.__getitem__)
    source = max((z for z in shares if readings[z][0] == best), key=shares.__getitem__)
    return best, float(total[best]), source


def check_answer(student: Callable[..., tuple[str, float, int]]) -> None:
    """Check ``answer(query, vectors, readings, k, temperature)``.

    Parameters
    ----------
    student
        Takes a vector ``(D,)``, the vectors of a store ``(N, D)``, none of unit length, what the
        reader says about each passage as N pairs of text and probability, and two numbers; returns
        the best text, its probability summed over the k nearest passages, and the row of the
        passage that spoke loudest for it.

    Examples
    --------
    >>> check_answer(_answer)
    Right: 7 cases agree.
    """
    rng = np.random.default_rng(20)
    vectors = rng.normal(size=(6, 3)) * rng.uniform(0.2, 5, (6, 1))
    texts = ["Oslo", "Bern", "Oslo", "Rome", "Bern", "Lima"]
    readings = list(zip(texts, [0.5, 0.6, 0.4, 0.95, 0.7, 0.3], strict=True))
    query = 3 * vectors[0] / np.linalg.norm(vectors[0]) + 0.4 * rng.normal(size=3)
    # two hits agree and outvote the nearest, and the second speaks louder than the first
    voting = np.array([[10.0, 0.0], [9.8, 2.0], [9.6, 2.8], [0.0, 10.0]])
    votes = [("Bern", 0.5), ("Oslo", 0.3), ("Oslo", 0.6), ("Lima", 1.0)]
    cases = [
        (query, vectors, readings, 1, 0.1),
        (query, vectors, readings, 3, 0.1),
        (query, vectors, readings, 6, 0.5),
        (-query, vectors, readings, 4, 0.3),
        (np.array([2.0, 0.0]), voting, votes, 3, 0.2),
        (np.array([2.0, 0.0]), voting, votes, 4, 5.0),
        # the nearer of two hits with one text speaks louder, although it is read less surely
        (
            np.array([1.0, 0.0]),
            np.array([[3.0, 0.0], [0.8, 0.6]]),
            [("Oslo", 0.6), ("Oslo", 0.9)],
            2,
            0.1,
        ),
    ]
    check(
        student,
        _answer,
        cases,
        hint="Nearest means largest cosine, so divide by the lengths first. The weights are a "
        "softmax over the k hits of cosine / temperature. Add up weight times probability of hits "
        "with the same text; the source is one of the hits with the text that won.",
    )
