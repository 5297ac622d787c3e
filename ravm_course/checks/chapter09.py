"""Checks of the exercises of chapter 9: counting, hiding tokens, putting stretches back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ravm_course.checks.compare import check, check_value
from ravm_course.lm.objectives import IGNORED, cut_spans


def check_counts(masked: float, source_length: int, target_length: int, learned: int) -> None:
    """Check how many tokens show the mask, how long source and target are, and LoRA's numbers.

    Parameters
    ----------
    masked
        Of 512 tokens, on average, by BERT's recipe.
    source_length, target_length
        Of T5's exercise, 77 tokens cut from 512 in 26 stretches.
    learned
        By LoRA of rank 8 on a matrix of 768 × 3,072.

    Examples
    --------
    >>> check_counts(61.44, 461, 104, ...)
    Right: masked agrees.
    Right: source_length agrees.
    Right: target_length agrees.
    Not attempted yet: write learned above, then run this cell again.
    """
    check_value(
        masked, 512 * 0.15 * 0.8, name="masked", tolerance=0.01,
        hint="15 % are asked for, but not all of these show the mask.",
    )  # fmt: skip
    check_value(
        source_length, 512 - 77 + 26, name="source_length",
        hint="What was cut is gone, and each stretch leaves one sentinel.",
    )  # fmt: skip
    check_value(
        target_length, 77 + 26 + 1, name="target_length",
        hint="Each stretch stands after its sentinel, and one more sentinel ends the target.",
    )  # fmt: skip
    check_value(
        learned, 8 * (768 + 3072), name="learned",
        hint="The difference is a product of two matrices, with 8 rows and 8 columns.",
    )  # fmt: skip


def _hide(
    ids: Tensor, chance: Tensor, others: Tensor, mask: int, share: float
) -> tuple[Tensor, Tensor]:
    targets = torch.where(chance < share, ids, IGNORED)
    inputs = torch.where(chance < 0.9 * share, others, ids)
    return torch.where(chance < 0.8 * share, mask, inputs), targets


def check_hide(student: Callable) -> None:
    """Check ``hide(ids, chance, others, mask, share)``, BERT's exercise from given chances.

    Parameters
    ----------
    student
        Returns inputs and targets.

    Examples
    --------
    >>> check_hide(_hide)
    Right: 4 cases agree.
    """
    generator = torch.Generator().manual_seed(0)
    cases = []
    for shape, share in (((40,), 0.15), ((3, 50), 0.4), ((2, 30), 1.0)):
        ids = torch.randint(1, 100, shape, generator=generator)
        others = torch.randint(1, 100, shape, generator=generator)
        cases.append((ids, torch.rand(shape, generator=generator), others, 0, share))
    # every fate, and the borders between them
    edges = torch.tensor([0.0, 0.39, 0.41, 0.44, 0.46, 0.49, 0.51, 0.99])
    cases.append((torch.arange(8), edges, torch.arange(20, 28), 99, 0.5))

    def unchanged(*case: object) -> object:
        before = [part.clone() if isinstance(part, Tensor) else part for part in case]
        answer = student(*case)
        if answer is not ... and not all(
            torch.equal(a, b) for a, b in zip(case[:3], before[:3], strict=True)
        ):
            return "a tensor that was given was changed"
        parts = answer if isinstance(answer, tuple) else ()
        if any(isinstance(part, Tensor) and part.is_floating_point() for part in parts):
            return "tokens as floating-point numbers, which a loss cannot use as classes"
        return answer

    unchanged.__name__ = getattr(student, "__name__", "hide")
    check(
        unchanged if student is not ... else student,
        _hide,
        cases,
        hint="Targets are the tokens themselves where chance < share, and -100 elsewhere. Inputs "
        "show the mask below 0.8 share, the other token from there to 0.9 share, and the token "
        "itself above; no token that is not asked for changes.",
    )


def _restore(source: Sequence[int], target: Sequence[int], first: int) -> list[int]:
    spans: dict[int, list[int]] = {}
    mark = None
    for token in target:
        if token >= first:
            mark = token
            spans[mark] = []
        elif mark is not None:
            spans[mark].append(token)
    return [t for token in source for t in (spans.get(token, []) if token >= first else [token])]


def check_restore(student: Callable[[Sequence[int], Sequence[int], int], Sequence[int]]) -> None:
    """Check ``restore(source, target, first)``, which fills the holes of span corruption.

    Parameters
    ----------
    student
        Takes two lists of tokens and the first sentinel; returns the whole text.

    Examples
    --------
    >>> check_restore(_restore)
    Right: 10 cases agree.
    """
    generator = torch.Generator().manual_seed(0)
    cases = []
    for length, share in ((12, 0.2), (40, 0.15), (40, 0.5)):
        ids = torch.randint(1, 90, (1, length), generator=generator)
        source, target = cut_spans(ids, generator, sentinels=range(90, 120), share=share)
        cases.append((source[0].tolist(), target[0].tolist(), 90))
    cases += [
        ([1, 90, 2, 91, 3], [90, 7, 8, 91, 9], 90),  # the last sentinel is missing
        ([1, 90, 2, 91, 3], [90, 7, 8], 90),  # nothing was written for a hole
        ([90, 1, 91], [90, 5, 91, 6, 6, 92], 90),  # holes at both ends
        ([1, 2], [90], 90),  # no hole
        ([1, 90, 2, 91, 3], [91, 9], 90),  # the first hole was left out
        ([1, 90, 2, 91, 3], [91, 9, 90, 7], 90),  # written in another order
        ([500, 2049, 6, 2050], [2050, 8, 2049, 700], 2049),  # another first sentinel
    ]
    check(
        student,
        _restore,
        cases,
        hint="First collect, for each sentinel of the target, the tokens up to the next sentinel. "
        "Then go through the source: a token stays, a sentinel is replaced by what was collected "
        "for it, by its number and not by its turn, or by nothing.",
    )
