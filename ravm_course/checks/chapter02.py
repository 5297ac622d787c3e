"""Checks of the exercises of chapter 2: perplexity and the discounts of Kneser-Ney smoothing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ravm_course import metrics
from ravm_course.checks.compare import check, check_value
from ravm_course.text.smoothing import estimate_discounts


def check_hand_perplexity(answer: float) -> None:
    """Check the bigram perplexity of "the people" under the three sentences of the chapter.

    Parameters
    ----------
    answer
        The perplexity, rounded to at least three decimals.

    Examples
    --------
    >>> check_hand_perplexity(...)
    Not attempted yet: write hand_perplexity above, then run this cell again.
    """
    check_value(
        answer,
        (1 / 3 * 2 / 3 * 1 / 2) ** (-1 / 3),
        name="hand_perplexity",
        tolerance=6e-4,
        hint="Perplexity is one over the geometric mean of the probabilities. Three things are "
        "predicted: the, people and </s>. The start symbol <s> is given, not predicted, so it is "
        "no factor and does not count in N.",
    )


def check_hand_smoothing(add_one: float, interpolated: float, by_contexts: float) -> None:
    """Check three smoothed values of p(states | the) under the three sentences of the chapter.

    Parameters
    ----------
    add_one
        With every count one larger, V = 6.
    interpolated
        Half of the bigram and half of the unigram relative frequency.
    by_contexts
        Discount 1/2, what was taken going to the share of contexts.

    Examples
    --------
    >>> check_hand_smoothing(..., ..., ...)
    Not attempted yet: write add_one above, then run this cell again.
    Not attempted yet: write interpolated above, then run this cell again.
    Not attempted yet: write by_contexts above, then run this cell again.
    """
    check_value(
        add_one,
        (1 + 1) / (3 + 6),
        name="add_one",
        tolerance=6e-4,
        hint="Add one to the count of the pair, and V = 6 to the count of the context.",
    )
    check_value(
        interpolated,
        0.5 * 1 / 3 + 0.5 * 1 / 12,
        name="interpolated",
        tolerance=6e-4,
        hint="Half of 1/3, and half of how often 'states' is among the predicted tokens; every "
        "</s> is one of them.",
    )
    check_value(
        by_contexts,
        (1 - 0.5) / 3 + (2 * 0.5 / 3) * 1 / 9,
        name="by_contexts",
        tolerance=6e-4,
        hint="Two different words follow 'the', and each gives up 1/2 of its count. Below, count "
        "distinct pairs: how many are there, and how many of them end in 'states'?",
    )


def _perplexity(
    probability: Mapping[tuple[str, str], float], sentences: Sequence[Sequence[str]]
) -> float:
    pairs = [
        pair
        for sentence in sentences
        for pair in zip(["<s>", *sentence], [*sentence, "</s>"], strict=True)
    ]
    with np.errstate(divide="ignore"):
        return metrics.perplexity(np.log([probability.get(pair, 0.0) for pair in pairs]))


def check_perplexity(student: Callable[[Mapping, Sequence], float]) -> None:
    """Check ``perplexity(probability, sentences)`` of a bigram model.

    Parameters
    ----------
    student
        Takes a dictionary from ``(previous word, word)`` to a probability, in which impossible
        pairs are missing, and a list of sentences, each a list of words without ``<s>`` and
        ``</s>``; returns the perplexity, ``math.inf`` if something impossible happens.

    Examples
    --------
    >>> check_perplexity(_perplexity)
    Right: 6 cases agree.
    """
    probability = {
        ("<s>", "we"): 0.5,
        ("<s>", "the"): 0.25,
        ("<s>", "</s>"): 0.25,
        ("we", "the"): 0.8,
        ("we", "</s>"): 0.2,
        ("the", "people"): 0.9,
        ("people", "</s>"): 0.6,
        ("people", "we"): 0.4,
    }
    cases = [
        (probability, [["we", "the", "people"]]),
        (probability, [["we"], ["the", "people", "we", "the", "people"]]),
        (probability, [[]]),
        (probability, [["the", "people"], [], ["we"]]),
        (probability, [["we"], ["the", "we"]]),
        (probability, [["we", "the", "people"] * 2000]),  # a product of these underflows
    ]
    check(
        student,
        _perplexity,
        cases,
        tolerance=1e-9,
        hint="exp(-mean ln p) over all words of all sentences together, each with its </s>. A "
        "pair that is not in the dictionary has probability 0: return math.inf.",
    )


def _discounts(counts: Sequence[int]) -> list[float]:
    return estimate_discounts(np.asarray(counts), n=2).tolist()


def check_discounts(student: Callable[[Sequence[int]], Sequence[float]]) -> None:
    """Check ``discounts(counts)``: D1, D2 and D3+ from the adjusted counts of one order.

    Parameters
    ----------
    student
        Takes a list with the adjusted count of each distinct n-gram; returns three numbers.

    Examples
    --------
    >>> check_discounts(_discounts)
    Right: 3 cases agree.
    """

    def repeated(*of: int) -> list[int]:
        return [j for j, n in enumerate(of, 1) for _ in range(n)]

    cases = [
        (repeated(60, 20, 10, 5),),
        (repeated(100, 31, 17, 9, 8, 3),),
        (repeated(12, 5, 3, 0, 0, 0, 40),),
    ]

    @functools.wraps(student)
    def as_list(counts: Sequence[int]) -> object:
        answer = student(counts)
        return answer.tolist() if isinstance(answer, np.ndarray) else answer

    check(
        as_list,
        _discounts,
        cases,
        hint="n_j is how many n-grams have an adjusted count of exactly j. With "
        "Y = n_1 / (n_1 + 2 n_2), the discount is D_j = j - (j + 1) Y n_(j+1) / n_j.",
    )
