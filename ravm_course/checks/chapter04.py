"""Checks of the exercises of chapter 4: byte-pair encoding and MinHash."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from ravm_course.checks.compare import CheckFailed, check, check_value


def check_merges(merges: Sequence[tuple[str, str]], tenth: Sequence[str]) -> None:
    """Check the first three merges of the little corpus of the exercise, and the cut of "tenth".

    Parameters
    ----------
    merges
        Three pairs of strings.
    tenth
        The pieces of the word.

    Examples
    --------
    >>> check_merges(..., ["t", "e", "n", "t", "h"])
    Not attempted yet: write merges above, then run this cell again.
    >>> check_merges([("e", "n"), ("h", "en"), ("t", "hen")], ...)
    Right: merges agrees.
    Not attempted yet: write tenth above, then run this cell again.
    """
    if merges is ...:
        check_value(..., None, name="merges")
        return
    if isinstance(merges, str) or not all(
        isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in merges
    ):
        raise CheckFailed(
            f"merges is {merges!r}: give three pairs of strings, such as [('a', 'b'), ...]."
        )
    check_value(
        [tuple(pair) for pair in merges],
        [("e", "n"), ("h", "en"), ("t", "hen")],
        name="merges",
        hint="Each word counts as often as it occurs. After each merge, count all pairs anew: "
        "'e n' has become one piece, and its neighbours have become neighbours of 'en'.",
    )
    if isinstance(tenth, str):
        raise CheckFailed(f"tenth is the string {tenth!r}: give the list of its pieces.")
    check_value(
        tenth if tenth is ... else list(tenth),
        ["t", "en", "t", "h"],
        name="tenth",
        hint="Apply the merges in the order in which they were learned. A piece can only be "
        "used if both of its halves stand side by side.",
    )


def check_minhash(standard_error: float, similar: float, dissimilar: float) -> None:
    """Check the standard error of a MinHash estimate and two probabilities of meeting.

    Parameters
    ----------
    standard_error
        Of the estimate of 0.8 from 100 numbers.
    similar, dissimilar
        Probability of sharing one of 20 bands of 5, at similarity 0.8 and 0.4.

    Examples
    --------
    >>> check_minhash(..., ..., ...)
    Not attempted yet: write standard_error above, then run this cell again.
    Not attempted yet: write similar above, then run this cell again.
    Not attempted yet: write dissimilar above, then run this cell again.
    """
    check_value(
        standard_error,
        (0.8 * 0.2 / 100) ** 0.5,
        name="standard_error",
        tolerance=6e-4,
        hint="Each number is a toss of a coin with probability 0.8: the standard error of a share "
        "of 100 tosses is a square root.",
    )
    for name, answer, similarity in (("similar", similar, 0.8), ("dissimilar", dissimilar, 0.4)):
        check_value(
            answer,
            1 - (1 - similarity**5) ** 20,
            name=name,
            tolerance=6e-4,
            hint="All 5 numbers of a band must agree, and that in at least one of 20 bands: one "
            "minus the probability that it happens in none.",
        )


def _bpe(pieces: Sequence[str], ranks: Mapping[tuple[str, str], int]) -> list[str]:
    pieces = list(pieces)
    while True:
        found = [
            (ranks[pair], i) for i, pair in enumerate(itertools.pairwise(pieces)) if pair in ranks
        ]
        if not found:
            return pieces
        _, i = min(found)
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]


def check_bpe(student: Callable[[Sequence[str], Mapping], Sequence[str]]) -> None:
    """Check ``bpe(pieces, ranks)``, which encodes one word.

    Parameters
    ----------
    student
        Takes a list of strings and a dictionary from pairs to ranks; returns a new list.

    Examples
    --------
    >>> check_bpe(_bpe)
    Right: 8 cases agree.
    """
    words = {("e", "n"): 0, ("h", "en"): 1, ("t", "hen"): 2, ("t", "h"): 3, ("en", "s"): 4}
    runs = {("a", "a"): 0, ("aa", "a"): 1, ("aa", "aa"): 2}
    order = {("b", "c"): 0, ("a", "b"): 1, ("ab", "c"): 2, ("c", "d"): 3, ("bc", "d"): 4}
    late = {("x", "y"): 1, ("xy", "z"): 0}  # a merge that is possible only after a later one
    cases = [
        ([], words),
        (["q"], words),
        (list("then"), words),
        (list("thenthens"), words),
        (list("aaaaa"), runs),
        (list("abcd"), order),
        (list("ababcbcd"), order),
        (list("xyzxy"), late),
    ]

    def unchanged(pieces: list[str], ranks: dict) -> list[str] | str:
        before = list(pieces)
        answer = student(pieces, ranks)
        if answer is not ... and pieces != before:
            return "the list that was given was changed"
        return answer

    unchanged.__name__ = getattr(student, "__name__", "bpe")
    check(
        unchanged if student is not ... else student,
        _bpe,
        cases,
        hint="Of all neighbours that can be merged take the pair with the lowest rank, not the "
        "first and not the longest; merge it in one place, and look again at everything. Work on "
        "a copy.",
    )
