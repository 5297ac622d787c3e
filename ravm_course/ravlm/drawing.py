"""Exercises for a network that draws a thing in one artist's hand, beside what others drew.

The target is one artist's drawing of a concept; what is shown are drawings of the same concept by
others, and what is told is the vector of its name. A network that copied what it is shown would
draw in the wrong hand, one that ignored it would have only the name to go by. To generate with
neighbours was proposed by Blattmann et al., "Retrieval-augmented diffusion models", NeurIPS 2022,
whose network attends to the vectors of neighbours; here their pixels are shown.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.vlm import to_float


def shrink(images: np.ndarray, size: int) -> Tensor:
    """Average pictures down to a size, in [-1, 1] as the network wants them.

    Parameters
    ----------
    images
        uint8, shape ``(N, H, W, 3)``.
    size
        Height and width of the result.

    Returns
    -------
    Tensor
        Shape ``(N, 3, size, size)``.

    Examples
    --------
    >>> shrink(np.full((1, 4, 4, 3), 255, np.uint8), 2).flatten().tolist()[:2]
    [1.0, 1.0]
    """
    return F.adaptive_avg_pool2d(to_float(images), size) * 2 - 1


def redraw_drawer(
    targets: Tensor,
    concepts: np.ndarray,
    store: Tensor,
    store_concepts: np.ndarray,
    vectors: Tensor,
    *,
    batch: int,
    pictures: int,
    blank: bool = False,
) -> Callable[[torch.Generator], tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
    """Return a function that draws batches for :func:`ravm_course.vision.flow.flow_loss`.

    Parameters
    ----------
    targets
        Drawings to learn, in [-1, 1], shape ``(N, 3, S, S)``.
    concepts
        What each shows, shape ``(N,)``.
    store
        Drawings by others, shape ``(M, 3, S, S)``.
    store_concepts
        What each shows, shape ``(M,)``.
    vectors
        Of each target's name, shape ``(N, D)``.
    batch
        Targets a batch.
    pictures
        Drawings shown beside each, of the same concept, at random; one that has fewer shows some
        twice.
    blank
        Show zeros instead: the same network at the same cost, without neighbours.

    Returns
    -------
    callable
        From a generator to drawings, noise, times, pictures shown and vectors. Half of the rows
        are mirrored, drawing and neighbours alike.

    Raises
    ------
    ValueError
        If lengths do not fit, or the store has no drawing of a target's concept.

    Examples
    --------
    >>> draw = redraw_drawer(torch.zeros(2, 3, 8, 8), np.array([5, 7]), torch.zeros(3, 3, 8, 8),
    ...                      np.array([7, 5, 7]), torch.zeros(2, 4), batch=6, pictures=2)
    >>> [tuple(part.shape) for part in draw(torch.Generator().manual_seed(0))]
    [(6, 3, 8, 8), (6, 3, 8, 8), (6,), (6, 2, 3, 8, 8), (6, 4)]
    """
    if not (len(targets) == len(concepts) == len(vectors) and len(store) == len(store_concepts)):
        raise ValueError(
            f"{len(targets)} targets, {len(concepts)} concepts, {len(vectors)} vectors; "
            f"{len(store)} drawings in the store, {len(store_concepts)} concepts: give one each."
        )
    rows_of = [np.flatnonzero(store_concepts == c) for c in concepts]
    lacking = [c for c, rows in zip(concepts, rows_of, strict=True) if not len(rows)]
    if lacking:
        raise ValueError(f"the store has no drawing of concept {lacking[0]}: leave its target out.")
    most = max(map(len, rows_of))
    table = torch.stack([torch.from_numpy(np.resize(rows, most)) for rows in rows_of])
    counts = torch.tensor([len(rows) for rows in rows_of])

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        chosen = torch.randint(len(targets), (batch,), generator=generator)
        first = torch.rand(batch, 1, generator=generator) * counts[chosen, None]
        places = (first.long() + torch.arange(pictures)) % counts[chosen, None]
        shown = store[table[chosen[:, None], places]]
        drawing = targets[chosen]
        mirrored = torch.rand(batch, generator=generator) < 0.5
        drawing = torch.where(mirrored[:, None, None, None], drawing.flip(-1), drawing)
        shown = torch.where(mirrored[:, None, None, None, None], shown.flip(-1), shown)
        noise = torch.randn(drawing.shape, generator=generator)
        time = torch.rand(batch, generator=generator)
        return drawing, noise, time, shown * (not blank), vectors[chosen]

    return draw
