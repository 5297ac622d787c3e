"""Patches: a picture cut into squares, and pictures whose parts were exchanged.

A vision Transformer and a patch graph network do not see pixels but patches (Dosovitskiy et al.,
"An image is worth 16x16 words", ICLR 2021, section 3.1; Han et al., "Vision GNN", NeurIPS 2022).

:func:`rearrange_pictures` exchanges places, the same way in every picture of a set. No information
is lost, and a model that assumes nothing about places learns as well as before; what another model
loses tells what it had assumed.
"""

from __future__ import annotations

import torch
from torch import Tensor

ARRANGEMENTS = ("ordinary", "patches", "pixels")


def to_patches(images: Tensor, size: int) -> Tensor:
    """Cut pictures into squares.

    Parameters
    ----------
    images
        ``(B, C, H, W)``; `size` divides height and width.
    size
        Height and width of a patch, P.

    Returns
    -------
    Tensor
        ``(B, T, C P P)``: patches row by row, each with its channels one after the other, and
        within a channel row by row.

    Raises
    ------
    ValueError
        If `size` does not divide height and width.

    Examples
    --------
    >>> to_patches(torch.arange(8.0).view(1, 1, 2, 4), 2)
    tensor([[[0., 1., 4., 5.],
             [2., 3., 6., 7.]]])
    """
    _, channels, rows, columns = _grid(images, size)
    cut = images.reshape(-1, channels, rows, size, columns, size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(len(images), rows * columns, -1)


def from_patches(patches: Tensor, size: int, height: int, width: int) -> Tensor:
    """Put patches back: the inverse of :func:`to_patches`, ``(B, C, H, W)``.

    Examples
    --------
    >>> pictures = torch.rand(2, 3, 8, 12)
    >>> torch.equal(from_patches(to_patches(pictures, 4), 4, 8, 12), pictures)
    True
    """
    rows, columns = height // size, width // size
    if patches.ndim != 3 or patches.shape[1] != rows * columns or patches.shape[2] % size**2:
        raise ValueError(
            f"patches have shape {tuple(patches.shape)}, which are not those of {height} x {width} "
            f"pixels in squares of {size}: expected (B, {rows * columns}, C * {size**2})."
        )
    cut = patches.reshape(len(patches), rows, columns, -1, size, size)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), -1, height, width)


def rearrange_pictures(images: Tensor, kind: str, *, seed: int = 0, size: int = 4) -> Tensor:
    """Exchange places, the same way in every picture.

    Parameters
    ----------
    images
        ``(B, C, H, W)``.
    kind
        ``"ordinary"`` leaves them; ``"patches"`` exchanges whole patches; ``"pixels"`` all pixels.
    seed
        Of the one permutation, which depends on nothing else.
    size
        Of the patches.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    ValueError
        If `kind` is unknown, or patches do not fit.

    Examples
    --------
    >>> picture = torch.arange(16.0).view(1, 1, 4, 4)
    >>> rearrange_pictures(picture, "patches", seed=1, size=2)[0, 0]
    tensor([[ 2.,  3., 10., 11.],
            [ 6.,  7., 14., 15.],
            [ 8.,  9.,  0.,  1.],
            [12., 13.,  4.,  5.]])
    """
    if kind not in ARRANGEMENTS:
        raise ValueError(f"kind is {kind!r}: expected one of {', '.join(ARRANGEMENTS)}.")
    if kind == "ordinary":
        return images
    draw = torch.Generator().manual_seed(seed)
    if kind == "pixels":
        flat = images.flatten(2)
        return flat[:, :, torch.randperm(flat.shape[2], generator=draw)].view_as(images)
    patches = to_patches(images, size)
    order = torch.randperm(patches.shape[1], generator=draw)
    return from_patches(patches[:, order], size, *images.shape[2:])


def _grid(images: Tensor, size: int) -> tuple[int, int, int, int]:
    """Return batch, channels, and rows and columns of patches."""
    if images.ndim != 4:
        raise ValueError(f"images have shape {tuple(images.shape)}, expected (B, C, H, W).")
    batch, channels, height, width = images.shape
    if size < 1 or height % size or width % size:
        raise ValueError(f"patches of {size} do not divide {height} x {width} pixels evenly.")
    return batch, channels, height // size, width // size
