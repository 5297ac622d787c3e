"""Checks of the exercises of chapter 17: the contrastive loss and classes by their names."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.checks.compare import check, check_value
from ravm_course.vlm import clip_loss


def _random(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def check_two_pairs(answer: float) -> None:
    """Check the loss of two pairs with the similarities .8, .2 / .4, .6 at temperature 1/5.

    Parameters
    ----------
    answer
        The loss in nats, rounded to at least three decimals.

    Examples
    --------
    >>> check_two_pairs(...)
    Not attempted yet: write two_pairs_loss above, then run this cell again.
    """
    rows = [math.log1p(math.exp(1 - 4)), math.log1p(math.exp(2 - 3))]
    columns = [math.log1p(math.exp(2 - 4)), math.log1p(math.exp(1 - 3))]
    check_value(
        answer,
        sum(rows + columns) / 4,
        name="two_pairs_loss",
        tolerance=6e-4,
        hint="Multiply the similarities by 5, take minus the logarithm of each right probability: "
        "two along the rows, two along the columns. The loss is the mean of the four.",
    )


def check_contrastive_loss(student: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """Check ``contrastive_loss(images, texts, temperature)`` on vectors of any length.

    Parameters
    ----------
    student
        Takes two tensors of shape ``(N, D)``, not normalised, and a temperature; returns the
        symmetric loss.

    Examples
    --------
    >>> def contrastive_loss(images, texts, temperature):
    ...     images, texts = F.normalize(images, dim=1), F.normalize(texts, dim=1)
    ...     return clip_loss(images, texts, 1 / temperature)
    >>> check_contrastive_loss(contrastive_loss)
    Right: 5 cases agree.
    """

    def reference(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
        return clip_loss(F.normalize(images, dim=1), F.normalize(texts, dim=1), 1 / temperature)

    cases = [
        (_random(4, 3, seed=0), _random(4, 3, seed=1), 0.5),
        (_random(5, 8, seed=2), 3 * _random(5, 8, seed=3), 0.1),
        (_random(3, 3, seed=4), _random(3, 3, seed=5), 2.0),
        (_random(1, 6, seed=6), _random(1, 6, seed=7), 0.05),
        (_random(16, 12, seed=8), _random(16, 12, seed=9), 0.07),
    ]
    check(
        student,
        reference,
        cases,
        hint="Are all vectors of length one? Are similarities divided by the temperature? Is the "
        "answer for row i the number i, and nothing softer? Is the loss the mean of two "
        "directions, one over the rows and one over the columns?",
    )


def check_class_weights(student: Callable[[Tensor], Tensor]) -> None:
    """Check ``class_vectors(texts)``: from T text vectors a class to one unit vector a class.

    Parameters
    ----------
    student
        Takes unit vectors of shape ``(K, T, D)`` (classes, templates, dimensions); returns
        ``(K, D)``.

    Examples
    --------
    >>> def class_vectors(texts):
    ...     return F.normalize(texts.mean(dim=1), dim=-1)
    >>> check_class_weights(class_vectors)
    Right: 4 cases agree.
    """

    def reference(texts: Tensor) -> Tensor:
        return F.normalize(texts.mean(dim=1), dim=-1)

    shapes = [(3, 2, 4), (2, 5, 3), (4, 4, 4), (1, 3, 6)]
    check(
        student,
        reference,
        [(F.normalize(_random(*shape, seed=i), dim=-1),) for i, shape in enumerate(shapes)],
        hint="Average over the templates, which are the second dimension. How long is the mean of "
        "two different unit vectors?",
    )
