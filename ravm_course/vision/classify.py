"""What every classifier of pictures needs: batches that vary, a loss, answers.

Moving a product by two pixels or mirroring it makes another picture of the same class. Drawing such
pictures anew in each batch is *augmentation*: a fact about the world that the labels do not hold,
taught by examples.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def shift(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Move each picture by whole pixels; what comes in from outside is zero.

    Parameters
    ----------
    images
        ``(B, C, H, W)``.
    down, right
        Pixels, integers ``(B,)``; negative for up and left.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> shift(torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([0]), torch.tensor([1]))
    tensor([[[[0., 1., 2.]]]])
    """
    _, _, height, width = images.shape
    rows = torch.arange(height) - down[:, None]
    columns = torch.arange(width) - right[:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None, :
    ]
    picture = torch.arange(len(images))[:, None, None]
    moved = images.permute(0, 2, 3, 1)[
        picture, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    ]
    return moved.permute(0, 3, 1, 2) * inside[:, None]


def vary(images: Tensor, generator: torch.Generator, *, pixels: int = 2, mirror: bool = True):
    """Move pictures at random by up to `pixels`, and mirror half of them.

    Parameters
    ----------
    images
        ``(B, C, H, W)``.
    generator
        Source of randomness.
    pixels
        Largest shift in each direction.
    mirror
        Whether left and right may change places.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> vary(torch.rand(3, 1, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 8, 8])
    """
    if mirror:
        turn = torch.rand(len(images), generator=generator) < 0.5
        images = torch.where(turn[:, None, None, None], images.flip(3), images)
    down, right = torch.randint(-pixels, pixels + 1, (2, len(images)), generator=generator)
    return shift(images, down, right)


def drawer(
    images: Tensor,
    labels: Tensor,
    *,
    batch: int = 64,
    change: Callable[[Tensor, torch.Generator], Tensor] | None = None,
) -> Callable[[torch.Generator], tuple[Tensor, Tensor]]:
    """Return a function that draws batches, as :func:`ravm_course.training.fit` wants it.

    Parameters
    ----------
    images
        ``(N, C, H, W)``.
    labels
        Classes ``(N,)``.
    batch
        Pictures a batch, drawn with replacement.
    change
        Such as :func:`vary`; applied to each batch.

    Returns
    -------
    callable
        From a generator to pictures ``(batch, C, H, W)`` and classes ``(batch,)``.

    Raises
    ------
    ValueError
        If the lengths differ, or there are none.

    Examples
    --------
    >>> draw = drawer(torch.rand(9, 1, 4, 4), torch.zeros(9).long(), batch=2)
    >>> [some.shape for some in draw(torch.Generator().manual_seed(0))]
    [torch.Size([2, 1, 4, 4]), torch.Size([2])]
    """
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"{len(images)} pictures and {len(labels)} labels: give one for each.")

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(images), (batch,), generator=generator)
        chosen = images[rows]
        return (chosen if change is None else change(chosen, generator)), labels[rows]

    return draw


def class_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean cross-entropy of a batch of pictures and classes."""
    return F.cross_entropy(model(batch[0]), batch[1])


@torch.inference_mode()
def predict(model: Callable[[Tensor], Tensor], images: Tensor, batch: int = 250) -> Tensor:
    """Return what a model says of each picture, in batches, ``(N, ...)``.

    Parameters
    ----------
    model
        From ``(B, C, H, W)`` to ``(B, ...)``; a network should be in evaluation mode.
    images
        ``(N, C, H, W)``.
    batch
        Pictures at a time.

    Examples
    --------
    >>> predict(lambda pictures: pictures.mean((1, 2, 3)), torch.ones(5, 1, 2, 2), batch=2)
    tensor([1., 1., 1., 1., 1.])
    """
    return torch.cat([model(some) for some in images.split(batch)])
