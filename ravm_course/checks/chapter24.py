"""Checks of the exercises of chapter 24: a cache on paper, in code, and prototypes."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.checks.compare import CheckFailed, check, check_value
from ravm_course.ravlm.cache_adapter import CacheAdapter, prototype_scores

_NEAR, _FAR = math.exp(-2 * 0.1), math.exp(-2 * 0.3)
_LEAD = 0.5 + 3 * (2 * _FAR - _NEAR)
_CLOSE = 6e-4  # three decimals, rounded either way

# answers that a known slip leads to, and what to say about each
_SLIPS = (
    (round(_LEAD, 2), "This is right to two decimals: asked are three."),
    (-_LEAD, "This is how far A leads: asked is B minus A."),
    (0.5 + 2 * _FAR - _NEAR, "This leaves out alpha: the whole cache is multiplied by 3."),
    (3 * (2 * _FAR - _NEAR), "This is the cache alone: the names speak as well."),
    (0.5 + 3 * (_FAR - _NEAR), "This counts one key of B, or their mean: the cache adds up."),
    (
        0.5 + 3 * (2 / _FAR - 1 / _NEAR),
        "The sign of the exponent is wrong: a far key must be heard less than a near one.",
    ),
    (
        0.5 + 3 * (2 * math.exp(2 * 0.7) - math.exp(2 * 0.9)),
        "This has exp(beta cos): the published form is exp(-beta (1 - cos)), which is 1 at most.",
    ),
    (
        0.5 + 3 * (2 * 0.7 - 0.9),
        "This adds the cosines themselves: each goes through the exponential first.",
    ),
)


def check_cache_on_paper(answer: float) -> None:
    """Check how far class B leads class A once the cache has spoken.

    The names give A 1.0 and B 1.5; one key of A has the cosine .9, two keys of B have .7; alpha is
    3 and beta 2.

    Parameters
    ----------
    answer
        Logit of B minus logit of A, to at least three decimals.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what a known slip forgot, or a general hint.

    Examples
    --------
    >>> check_cache_on_paper(...)
    Not attempted yet: write lead above, then run this cell again.
    >>> check_cache_on_paper(0.779)
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: lead is not right: 0.779. This leaves out alpha: the \
whole cache is multiplied by 3.
    """
    hint = "A gets 1.0 + 3 exp(-2 (1 - .9)). B gets 1.5 and, for each of its keys, 3 exp(...)."
    check_value(answer, _LEAD, name="lead", tolerance=_CLOSE, hint=hint, slips=_SLIPS)


def _unit(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)


def _cache_logits(
    features: Tensor,
    weights: Tensor,
    keys: Tensor,
    labels: Tensor,
    scale: float,
    alpha: float,
    beta: float,
) -> Tensor:
    """Return the right logits."""
    adapter = CacheAdapter(weights, logit_scale=scale, alpha=alpha, beta=beta)
    adapter.add(keys, labels)
    return adapter.logits(features)


def _untouched(student: Callable, case: tuple, names: tuple[str, ...]) -> Callable[[], str]:
    """Return what rejects a function that changes its tensors, the first arguments, in place."""

    def further() -> str:
        given = tuple(x.clone() if isinstance(x, Tensor) else x for x in case)
        student(*given)
        for name, before, after in zip(names, case, given, strict=False):
            if not torch.equal(before, after):
                raise CheckFailed(f"the values are right, but `{name}` was changed by the call.")
        return ", and the store stays as it was"

    return further


def check_cache_logits(student: Callable[..., Tensor]) -> None:
    """Check ``cache_logits(features, weights, keys, labels, scale, alpha, beta)``.

    Parameters
    ----------
    student
        Takes unit vectors of pictures ``(Q, D)``, of names ``(C, D)`` and of keys ``(N, D)``, the
        labels of the keys ``(N,)``, and three numbers; returns logits ``(Q, C)``.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what differs, and what to think about.

    Examples
    --------
    >>> check_cache_logits(_cache_logits)
    Right: 5 cases agree, and the store stays as it was.
    """
    labels = torch.tensor([2, 0, 2, 2, 3, 0])  # class 1 has no key, class 2 has three
    cases = [
        (_unit(4, 5, seed=0), _unit(4, 5, seed=1), _unit(6, 5, seed=2), labels, 9.0, 2.0, 3.0),
        (_unit(1, 5, seed=3), _unit(4, 5, seed=4), _unit(6, 5, seed=5), labels, 100.0, 0.5, 5.5),
        (_unit(6, 3, seed=6), _unit(5, 3, seed=7), _unit(6, 3, seed=8), labels, 1.0, 20.0, 0.7),
        (_unit(3, 5, seed=9), _unit(4, 5, seed=1), _unit(6, 5, seed=2), labels, 9.0, 0.0, 3.0),
        (  # no key yet
            _unit(2, 5, seed=0),
            _unit(4, 5, seed=1),
            torch.empty(0, 5, dtype=torch.float64),
            torch.empty(0, dtype=torch.long),
            9.0,
            2.0,
            3.0,
        ),
    ]

    check(
        student,
        _cache_logits,
        cases,
        hint="Names: scale times features @ weights.T. Cache: exp(-beta (1 - cosine)) of every "
        "key, added up for each class (a one-hot matrix of the labels does it), times alpha. A "
        "class without a key gets nothing from the cache. Classes are counted by the names, not by "
        "the labels.",
        further=_untouched(student, cases[0], ("features", "weights", "keys", "labels")),
    )


def check_prototypes(student: Callable[[Tensor, Tensor, Tensor, int], Tensor]) -> None:
    """Check ``prototype_scores(features, keys, labels, classes)``.

    Parameters
    ----------
    student
        Takes unit vectors of pictures ``(Q, D)`` and of keys ``(N, D)``, the labels of the keys
        ``(N,)`` and the number of classes; returns cosines with the mean of each class, ``(Q, C)``,
        and minus infinity for a class without a key.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what differs, and what to think about.

    Examples
    --------
    >>> check_prototypes(prototype_scores)
    Right: 3 cases agree, and the store stays as it was.
    """
    cases = [
        (_unit(4, 5, seed=0), _unit(6, 5, seed=1), torch.tensor([2, 0, 2, 2, 3, 0]), 4),
        (_unit(2, 3, seed=2), _unit(3, 3, seed=3), torch.tensor([1, 1, 0]), 2),
        (_unit(3, 4, seed=4), _unit(5, 4, seed=5), torch.tensor([4, 4, 0, 0, 0]), 6),
    ]
    check(
        student,
        prototype_scores,
        cases,
        hint="Add up the keys of each class and bring the sum back to length one: a mean of unit "
        "vectors is shorter than one, and shorter the more they differ. A class without a key must "
        "never win, also where all cosines are negative.",
        further=_untouched(student, cases[0], ("features", "keys", "labels")),
    )
