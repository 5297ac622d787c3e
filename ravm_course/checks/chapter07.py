"""Checks of the exercises of chapter 7: attention on paper and with a mask, a step of a beam."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ravm_course.checks.compare import CheckFailed, check, check_value
from ravm_course.nn import attention


def check_paper(weights: Sequence[float], found: float) -> None:
    """Check the weights of three entries and what is found.

    Parameters
    ----------
    weights
        Three numbers.
    found
        The mean of the values.

    Examples
    --------
    >>> check_paper(..., ...)
    Not attempted yet: write weights above, then run this cell again.
    Not attempted yet: write found above, then run this cell again.
    """
    if weights is not ... and (not isinstance(weights, Sequence) or len(weights) != 3):
        raise CheckFailed(f"weights is {weights!r}: give a list of three numbers.")
    check_value(
        weights if weights is ... else list(weights),
        [1 / 8, 2 / 8, 5 / 8],
        name="weights",
        tolerance=6e-4,
        hint="Dot product of query and key, divided by the root of the number of channels; then "
        "exponentials, divided by their sum.",
    )
    check_value(
        found,
        3.5,
        name="found",
        tolerance=6e-4,
        hint="Each value times its own weight, and all added up.",
    )


def _attend(query: Tensor, keys: Tensor, values: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    found, weights = attention(query[:, None], keys, values, present[:, None])
    return found[:, 0], weights[:, 0]


def check_attend(student: Callable[[Tensor, Tensor, Tensor, Tensor], tuple]) -> None:
    """Check ``attend(query, keys, values, present)``, attention of one query for each text.

    Parameters
    ----------
    student
        Takes ``(B, d)``, ``(B, S, d)``, ``(B, S, e)`` and boolean ``(B, S)``; returns ``(B, e)``
        and ``(B, S)``.

    Examples
    --------
    >>> check_attend(_attend)
    Right: 5 cases agree.
    """
    generator = torch.Generator().manual_seed(7)

    def case(batch: int, size: int, d: int, e: int, lengths: Sequence[int], factor: float = 1.0):
        draw = [
            factor * torch.randn(shape, generator=generator)
            for shape in ((batch, d), (batch, size, d), (batch, size, e))
        ]
        return (*draw, torch.arange(size) < torch.tensor(lengths)[:, None])

    cases = [
        case(1, 1, 4, 4, [1]),
        case(2, 3, 4, 4, [3, 3]),
        case(3, 5, 9, 2, [5, 1, 3]),
        case(4, 4, 4, 4, [2, 4, 1, 3]),  # square, so that a wrong axis is no error
        case(2, 6, 3, 5, [6, 2], factor=3.0),
    ]

    def as_pair(*arguments: Tensor) -> object:
        before = [argument.clone() for argument in arguments]
        answer = student(*arguments)
        if answer is not ... and not all(map(torch.equal, before, arguments)):
            return "an argument was changed"
        return answer

    as_pair.__name__ = getattr(student, "__name__", "attend")
    check(
        as_pair if student is not ... else student,
        _attend,
        cases,
        tolerance=1e-5,
        hint="Divide by the root of d before the softmax; give absent entries the score minus "
        "infinity, also before the softmax; the weights of one text sum to one over its entries; "
        "they average the values. Return both, in this order.",
    )


def _extend(
    beam: Sequence[tuple[tuple, float]], log_probs: Callable[[tuple], Mapping], width: int
) -> list[tuple[tuple, float]]:
    longer = [
        ((*text, symbol), score + gained)
        for text, score in beam
        for symbol, gained in log_probs(text).items()
    ]
    return sorted(longer, key=lambda pair: -pair[1])[:width]


#: distributions that depend on the whole text so far; no two texts are equally probable
_LANGUAGE = {
    (): {"a": 0.55, "b": 0.44, "c": 0.01},
    ("a",): {"a": 0.35, "b": 0.34, "c": 0.31},
    ("b",): {"a": 0.93, "b": 0.06, "c": 0.01},
    ("c",): {"a": 1.0},
}


def _log_probs(text: tuple) -> dict[str, float]:
    """Return what may follow a text, by its last symbol."""
    return {symbol: math.log(p) for symbol, p in _LANGUAGE[text[-1:]].items()}


def check_extend(student: Callable[[list, Callable, int], list]) -> None:
    """Check ``extend(beam, log_probs, width)``, one step of a beam.

    Parameters
    ----------
    student
        Takes a list of pairs (text, score), a function from a text to the logarithms of the
        probabilities of what may follow, and a number; returns a list of such pairs.

    Examples
    --------
    >>> check_extend(_extend)
    Right: 6 cases agree.
    """
    begin = [((), 0.0)]
    two = _extend(begin, _log_probs, 2)
    cases = [
        (begin, _log_probs, 1),
        (begin, _log_probs, 2),
        (two, _log_probs, 2),  # both places go to different beginnings than greedy keeps
        (two, _log_probs, 4),
        (two, _log_probs, 20),  # wider than there are extensions
        ([(("c",), -4.0), (("b", "a"), -1.0), (("a", "c"), -1.7)], _log_probs, 3),
    ]

    def as_pairs(beam: list, log_probs: Callable, width: int) -> object:
        before = list(beam)
        answer = student(beam, log_probs, width)
        if answer is ... or answer is None:
            return answer
        if beam != before:
            return "the beam that was given was changed"
        return [(tuple(text), score) for text, score in answer]

    as_pairs.__name__ = getattr(student, "__name__", "extend")
    check(
        as_pairs if student is not ... else student,
        _extend,
        cases,
        hint="Put the extensions of all texts into one list; a score grows by the logarithm of the "
        "new symbol's probability; keep the best of the whole list, best first.",
    )
