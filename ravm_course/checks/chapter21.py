"""Checks of the exercises of chapter 21: a pointer on paper and in code, and a consensus."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ravm_course.checks.compare import check, check_value
from ravm_course.retrieval.consensus import consensus

_RIGHT = 0.3 * 0.2 + 0.7 * (0.5 + 0.1)
_CLOSE = 6e-3  # two decimals, rounded either way

# answers that a known slip leads to, and what to say about each
_SLIPS = (
    (0.7 * 0.2 + 0.3 * 0.6, "The gate is the share of copying, and this gives it to the rest."),
    (0.3 * 0.2 + 0.7 * 0.5, "The word stands in two captions: both of its places count."),
    (0.3 * 0.2 + 0.7 * 0.3, "This is the mean over the two places: probabilities add up."),
    (0.2 + 0.6, "This adds both ways in full: the gate divides one probability between them."),
    (0.7 * 0.6, "This is the copied part alone: the word can be written by heart as well."),
)


def check_pointer_on_paper(answer: float) -> None:
    """Check the probability of a word that two captions have and the vocabulary knows.

    By heart it has .2; it is looked at with .5 in one caption and .1 in another; the gate is .7.

    Parameters
    ----------
    answer
        To at least two decimals.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what a known slip forgot, or a general hint.

    Examples
    --------
    >>> check_pointer_on_paper(...)
    Not attempted yet: write probability above, then run this cell again.
    >>> check_pointer_on_paper(0.41)
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: probability is not right: 0.41. The word stands in two \
captions: both of its places count.
    """
    hint = "By heart with 1 minus the gate; copied with the gate, from every place it stands at."
    check_value(answer, _RIGHT, name="probability", tolerance=_CLOSE, hint=hint, slips=_SLIPS)


def _mix(by_heart: Tensor, attention: Tensor, words: Tensor, gate: Tensor) -> Tensor:
    """Return the right mixture."""
    copied = torch.zeros_like(by_heart).scatter_add(1, words, attention)
    return (1 - gate)[:, None] * by_heart + gate[:, None] * copied


def _mix_case(batch: int, vocabulary: int, words: int, seed: int, repeated: bool) -> tuple:
    generator = torch.Generator().manual_seed(seed)

    def rows(n: int) -> Tensor:
        random = torch.randn(batch, n, generator=generator, dtype=torch.float64)
        return random.softmax(1)

    high = 3 if repeated else vocabulary
    return (
        rows(vocabulary),
        rows(words),
        torch.randint(high, (batch, words), generator=generator),
        torch.rand(batch, generator=generator, dtype=torch.float64),
    )


def check_mix(student: Callable[..., Tensor]) -> None:
    """Check ``mix(by_heart, attention, words, gate)``.

    Parameters
    ----------
    student
        Takes probabilities of V words ``(B, V)``, attention to S retrieved words ``(B, S)``, their
        numbers ``(B, S)`` and the gate ``(B,)``; returns probabilities ``(B, V)``.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what differs, and what to think about.

    Examples
    --------
    >>> check_mix(_mix)
    Right: 4 cases agree.
    """
    cases = [
        _mix_case(2, 5, 4, seed=0, repeated=False),
        _mix_case(3, 6, 7, seed=1, repeated=True),
        _mix_case(1, 4, 1, seed=2, repeated=False),
        _mix_case(4, 9, 5, seed=3, repeated=True),
    ]
    check(
        student,
        _mix,
        cases,
        tolerance=1e-9,
        hint="A word may stand at several places: its attention must add up (scatter_add, not "
        "scatter or plain indexing). The gate is the probability of copying, one for each row.",
    )


def check_consensus(student: Callable[..., int]) -> None:
    """Check ``choose(likeness, weights)``.

    Parameters
    ----------
    student
        Takes how good answer i is if j is right ``(k, k)``, and weights ``(k,)``; returns the
        place of the answer that the others agree with most, as an integer.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what differs, and what to think about.

    Examples
    --------
    >>> check_consensus(consensus)
    Right: 12 cases agree.
    """
    rng, cases = np.random.default_rng(0), []
    for k in (2, 3, 4, 6, 8, 3, 4, 5, 6, 7):
        likeness = rng.random((k, k)) * 10
        np.fill_diagonal(likeness, 10)
        cases.append((likeness, rng.random(k)))
    cases.append((np.array([[99.0, 0, 0], [0, 10, 8], [0, 8, 10]]), np.ones(3)))
    cases.append((np.array([[10.0, 0, 0], [4, 10, 0], [9, 0, 10]]), np.array([0.9, 0.05, 0.05])))
    check(
        student,
        consensus,
        cases,
        hint="Row i says how good answer i is for each possible truth j, so weights belong to "
        "columns. An answer does not vote for itself.",
    )
