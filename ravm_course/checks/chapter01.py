"""Checks of the exercises of chapter 1: entropy by hand, Bayes' rule, mutual information."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable, Sequence

import numpy as np

from ravm_course.checks.compare import CheckFailed, check, check_value
from ravm_course.text.information import mutual_information


def check_by_hand(entropy_in_bits: float, posterior_of_20th: float) -> None:
    """Check an entropy and a posterior probability worked out on paper.

    Parameters
    ----------
    entropy_in_bits
        Of probabilities 1/2, 1/4, 1/8, 1/8.
    posterior_of_20th
        After prior 1/5 and a likelihood ratio of 12.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        If an answer is not right, or not a number.

    Examples
    --------
    >>> check_by_hand(..., ...)
    Not attempted yet: write entropy_in_bits above, then run this cell again.
    Not attempted yet: write posterior_of_20th above, then run this cell again.
    >>> check_by_hand(..., "1/2")
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: posterior_of_20th is '1/2': give a number, as 1 / 2.
    """
    _require_number("entropy_in_bits", entropy_in_bits)
    _require_number("posterior_of_20th", posterior_of_20th)
    check_value(
        entropy_in_bits,
        1.75,
        name="entropy_in_bits",
        tolerance=6e-4,
        hint="What does each symbol cost, -log2 of its probability? Weigh the four costs by how "
        "often each is paid.",
    )
    check_value(
        posterior_of_20th,
        0.75,
        name="posterior_of_20th",
        tolerance=6e-4,
        hint="One in five is odds of 1 : 4, not 1 : 5. Multiply the odds by 12, and turn them back "
        "into a probability.",
    )


def _posterior(prior: Sequence[float], log_likelihood: Sequence[float]) -> list[float]:
    with np.errstate(divide="ignore"):
        logs = np.log(prior) + np.asarray(log_likelihood)
    weights = np.exp(logs - logs.max())
    return (weights / weights.sum()).tolist()


def check_posterior(student: Callable[[Sequence[float], Sequence[float]], Sequence]) -> None:
    """Check ``posterior(prior, log_likelihood)``.

    Parameters
    ----------
    student
        Takes a list with the prior probability of each candidate and a list with the natural
        logarithm of the likelihood under each; returns the posterior probabilities.

    Examples
    --------
    >>> check_posterior(_posterior)
    Right: 7 cases agree.
    """
    cases = [
        ([0.5, 0.5], [math.log(0.2), math.log(0.6)]),
        ([0.9, 0.1], [math.log(0.2), math.log(0.6)]),
        ([0.2, 0.3, 0.5], [-7.0, -6.0, -9.0]),
        ([0.6, 0.4], [-5003.0, -5001.5]),  # exp of these is zero,
        ([0.5, 0.5], [-5000.0, -3000.0]),  # of distances from the mean infinite,
        ([0.6, 0.4], [1003.0, 1001.5]),  # and of these too, as densities may be
        ([0.0, 0.7, 0.3], [-10.0, -900.0, -901.0]),  # the likeliest candidate is ruled out
    ]

    check(
        _as_list(student),
        _posterior,
        cases,
        hint="Add the logarithm of the prior, subtract the largest sum from all of them, take the "
        "exponential, and divide by the total. A candidate with prior 0 keeps probability 0, and "
        "must not be the largest.",
    )


def check_information(student: Callable[[Sequence[Sequence[int]]], float]) -> None:
    """Check ``information(table)``: the mutual information in bits of a table of counts.

    Parameters
    ----------
    student
        Takes a list of rows of counts, of which some may be zero; returns a number.

    Examples
    --------
    >>> check_information(mutual_information)
    Right: 6 cases agree.
    """
    check(
        student,
        mutual_information,
        [
            ([[1, 0], [0, 1]],),
            ([[1104, 7534], [7534, 3828]],),
            ([[1, 2, 4], [3, 6, 12]],),
            ([[5, 1, 0], [0, 2, 9]],),
            ([[4, 0, 3], [0, 0, 0], [1, 0, 7]],),
            ([[7, 3]],),
        ],
        tolerance=1e-9,
        hint="The sum over cells of p(x, y) log2( p(x, y) / (p(x) p(y)) ), with the whole table as "
        "1. An empty cell adds nothing: leave it out before you take the logarithm.",
    )


def _require_number(name: str, answer: object) -> None:
    """Say so where an answer is a string, None or a list: it may be right in all but its type."""
    if answer is ... or isinstance(answer, numbers.Number) or hasattr(answer, "item"):
        return
    raise CheckFailed(f"{name} is {answer!r}: give a number, as 1 / 2.")


def _as_list(function: Callable) -> Callable:
    """Let an array stand for a list."""

    @functools.wraps(function)
    def listed(*arguments: object) -> object:
        answer = function(*arguments)
        return answer.tolist() if isinstance(answer, np.ndarray) else answer

    return listed
