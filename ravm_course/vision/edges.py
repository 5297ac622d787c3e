"""Edges: where a picture changes, how fast, and in which direction. Features made by hand.

Before features were learned they were built, and most were built of edges. Two small patterns give
the slope to the right and the slope downwards (Sobel's operator; Sobel & Feldman, 1968); the length
of that vector says how strong an edge is, its angle which way it runs. Counting edges by direction
within small cells (Dalal & Triggs, "Histograms of oriented gradients for human detection", CVPR
2005) gives a description of shape that shrugs off brightness and small shifts: the baseline that a
learned feature has to beat.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.vision.convolution import correlate

#: Slope to the right and slope downwards, each smoothed across; the sum of absolute values is 8.
SOBEL = torch.tensor(
    [
        [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]],
        [[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]],
    ]
)


def gaussian(sigma: float) -> Tensor:
    """Return a round bell-shaped pattern whose entries sum to one; laying it on blurs.

    Parameters
    ----------
    sigma
        Standard deviation in pixels.

    Returns
    -------
    Tensor
        ``(k, k)`` with k odd, three standard deviations to each side.

    Raises
    ------
    ValueError
        If `sigma` is not positive.

    Examples
    --------
    >>> gaussian(0.5).shape, round(gaussian(0.5).sum().item(), 6)
    (torch.Size([5, 5]), 1.0)
    """
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma is {sigma}, expected a positive number of pixels.")
    reach = math.ceil(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    pattern = line[:, None] * line
    return pattern / pattern.sum()


def _one_channel(images: Tensor) -> Tensor:
    """Return ``(N, H, W)`` as ``(N, 1, H, W)``, or say what is wrong."""
    if images.ndim != 3 or not images.is_floating_point():
        raise ValueError(
            f"images are {images.dtype} of shape {tuple(images.shape)}, expected floating point "
            "(N, H, W): take one channel, or the mean of three."
        )
    return images[:, None]


def blur(images: Tensor, sigma: float) -> Tensor:
    """Return grey pictures ``(N, H, W)`` averaged under a bell; borders are repeated outwards.

    Examples
    --------
    >>> blur(torch.ones(1, 4, 4), 0.4).allclose(torch.ones(1, 4, 4))
    True
    """
    pattern = gaussian(sigma)
    reach = len(pattern) // 2
    padded = F.pad(_one_channel(images), [reach] * 4, mode="replicate")
    return correlate(padded, pattern[None, None].to(images.dtype))[:, 0]


def slopes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the slope to the right and the slope downwards at every pixel.

    Parameters
    ----------
    images
        Grey pictures, floating point, ``(N, H, W)``; borders are repeated outwards.

    Returns
    -------
    right, down : Tensor
        ``(N, H, W)`` each, in brightness a pixel.

    Raises
    ------
    ValueError
        If `images` have another shape or hold integers.

    Examples
    --------
    >>> right, down = slopes(torch.arange(4.0).expand(1, 4, 4))  # one brighter with each column
    >>> right[0, 1].tolist(), down.abs().max().item()
    ([0.5, 1.0, 1.0, 0.5], 0.0)
    """
    padded = F.pad(_one_channel(images), [1] * 4, mode="replicate")
    right, down = correlate(padded, SOBEL[:, None].to(images.dtype) / 8).unbind(1)
    return right, down


def edge_histograms(images: Tensor, *, cell: int = 7, step: int | None = None, bins: int = 8):
    """Describe pictures by the directions of their edges, cell by cell.

    Parameters
    ----------
    images
        Grey pictures, floating point, ``(N, H, W)``.
    cell
        Height and width of a cell in pixels.
    step
        Pixels from one cell to the next; `cell` without, smaller for cells that overlap.
    bins
        Directions between 0 and 180 degrees. An edge counts for the two bins next to it, in
        proportion to its strength and to how near they are.

    Returns
    -------
    Tensor
        ``(N, cells * bins)``. The numbers of each cell have length one, or less where there are
        hardly any edges; then the root is taken, so that no single edge decides.

    Raises
    ------
    ValueError
        If a cell does not fit, or the images have another shape.

    Examples
    --------
    >>> edge_histograms(torch.rand(2, 28, 28), cell=7, bins=8).shape
    torch.Size([2, 128])
    """
    right, down = slopes(images)
    strength = torch.hypot(right, down)
    place = torch.atan2(down, right).remainder(math.pi) / math.pi * bins  # in [0, bins]
    low, share = place.floor(), place - place.floor()
    votes = strength.new_zeros(*strength.shape, bins)
    for index, weight in ((low, 1 - share), (low + 1, share)):
        index = (index.long() % bins)[..., None]
        votes.scatter_add_(3, index, (strength * weight)[..., None])
    step = cell if step is None else step
    if not 1 <= cell <= min(images.shape[1:]) or step < 1:
        raise ValueError(
            f"cells of {cell} pixels, {step} apart, do not fit into {tuple(images.shape[1:])}."
        )
    sums = F.avg_pool2d(votes.permute(0, 3, 1, 2), cell, step) * cell**2  # (N, bins, cells, cells)
    length = sums.norm(dim=1, keepdim=True)
    return (sums / (length + 0.1)).sqrt().flatten(1)
