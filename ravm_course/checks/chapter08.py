"""Checks of the exercises of chapter 8: costs of a Transformer, causal heads, top-p."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ravm_course.checks.compare import check, check_value
from ravm_course.nn import attention, causal_mask

_LAYERS, _CHANNELS, _CONTEXT = 12, 768, 1024  # the smallest GPT-2


def check_costs(weights: int, cache_bytes: int, crossing: int) -> None:
    """Check three costs of a model with the shape of the smallest GPT-2.

    Parameters
    ----------
    weights
        Numbers in the matrices of all blocks.
    cache_bytes
        Bytes of a cache for the whole context, at two bytes a number.
    crossing
        Tokens at which the quadratic part of a block, without what the mask hides, needs as many
        FLOPs as its linear part.

    Examples
    --------
    >>> check_costs(12 * 12 * 768**2, 2 * 2 * 12 * 1024 * 768, ...)
    Right: weights agrees.
    Right: cache_bytes agrees.
    Not attempted yet: write crossing above, then run this cell again.
    """
    check_value(
        weights,
        12 * _LAYERS * _CHANNELS**2,
        name="weights",
        tolerance=0,
        hint="Attention has four matrices of C times C, the network two of C times 4 C; and there "
        "are 12 blocks. Leave out biases, norms and the tables of tokens and positions.",
    )
    check_value(
        cache_bytes,
        2 * 2 * _LAYERS * _CONTEXT * _CHANNELS,
        name="cache_bytes",
        tolerance=0,
        hint="A key and a value, each of C numbers, for each layer and position; two bytes a "
        "number. The number of heads does not matter.",
    )
    check_value(
        crossing,
        12 * _CHANNELS,
        name="crossing",
        tolerance=0,
        hint="Half of 4 T^2 C, for the scores and the means, equals 24 T C^2, for the linear maps.",
    )


def _causal_heads(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    parts = (x.unflatten(1, (heads, -1)).transpose(0, 1) for x in (q, k, v))
    return attention(*parts, causal_mask(len(q)))[0].transpose(0, 1).flatten(1)


def check_causal_heads(student: Callable[[Tensor, Tensor, Tensor, int], Tensor]) -> None:
    """Check ``causal_heads(q, k, v, heads)`` for one text.

    Parameters
    ----------
    student
        Takes queries, keys and values ``(T, C)`` and a number of heads; returns ``(T, C)``.

    Examples
    --------
    >>> check_causal_heads(_causal_heads)
    Right: 6 cases agree.
    """
    draw = torch.Generator().manual_seed(8)
    cases = [
        (*(torch.randn(time, channels, generator=draw) for _ in range(3)), heads)
        for time, channels, heads in ((1, 4, 1), (3, 4, 1), (5, 4, 2), (4, 8, 4), (6, 6, 3))
    ]
    # scores so large that the exponential overflows unless the largest is subtracted first
    cases.append((*(30 * torch.randn(4, 4, generator=draw) for _ in range(3)), 2))
    check(
        student,
        _causal_heads,
        cases,
        tolerance=1e-4,
        hint="Head h has the channels from h C / heads to (h + 1) C / heads of every token. Divide "
        "by the root of the channels of one head; mask before the softmax, which runs over keys; "
        "a token sees itself; put the heads' outputs side by side. If only case 6 fails: its "
        "scores are too large for the exponential; subtract the largest visible one first.",
    )


def _keep_top_p(probabilities: Tensor, p: float) -> Tensor:
    ordered, tokens = probabilities.double().sort(descending=True, stable=True)
    kept = ordered.where(ordered.cumsum(0) - ordered < p, 0.0)
    result = torch.zeros_like(ordered)
    result[tokens] = kept / kept.sum()
    return result.to(probabilities.dtype)


def check_keep_top_p(student: Callable[[Tensor, float], Tensor]) -> None:
    """Check ``keep_top_p(probabilities, p)``.

    Parameters
    ----------
    student
        Takes a distribution ``(V,)`` and a share; returns the distribution that is drawn from.

    Examples
    --------
    >>> check_keep_top_p(_keep_top_p)
    Right: 8 cases agree.
    """
    mixed = torch.tensor([0.05, 0.4, 0.1, 0.25, 0.2])
    cases = [
        (mixed, 0.7),
        (mixed, 0.3),
        (mixed, 0.01),
        (mixed, 1.0),
        (torch.tensor([0.01, 0.97, 0.02]), 0.9),
        (torch.tensor([0.3, 0.1, 0.35, 0.05, 0.2]), 0.84),
        (torch.tensor([0.125, 0.5, 0.125, 0.25]), 0.75),  # exact in binary: two reach it
        (torch.full((4,), 0.25), 0.5),  # all alike: two are enough
    ]
    check(
        student,
        _keep_top_p,
        cases,
        tolerance=1e-5,
        hint="Sort from the greatest; a token stays if those before it hold less than p together, "
        "so the one that reaches p stays, and at least one always does; of equal ones the first "
        "stay (a stable sort). Put the probabilities "
        "back in their places, and let them sum to one.",
    )
