"""Masks: how they are scored, and a way to find them that learns nothing.

A segmentation gives each pixel a class. The share of right pixels flatters it, since most are
ground; so it is scored class by class, by intersection over union of what is there and what was
said (Everingham et al., "The PASCAL visual object classes challenge", IJCV 2010, section 4).

:func:`ground_distance` is the baseline: it knows that the ground of a composed scene is smooth,
fits it, and calls what differs an object; :func:`fill_holes` adds what such pixels enclose, and
:func:`components` makes objects of them. None can tell two things that touch, nor say what they
are.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import binary_fill_holes
from torch import Tensor


def confusion(predicted: np.ndarray, expected: np.ndarray, classes: int) -> np.ndarray:
    """Count pixels by what they are (rows) and what they were called (columns).

    Parameters
    ----------
    predicted, expected
        Classes from 0, of one shape.
    classes
        K.

    Returns
    -------
    numpy.ndarray
        ``(K, K)``.

    Raises
    ------
    ValueError
        If the shapes differ or a label is not among the classes.

    Examples
    --------
    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    predicted, expected = np.asarray(predicted), np.asarray(expected)
    if predicted.shape != expected.shape:
        raise ValueError(f"predicted {predicted.shape} and expected {expected.shape} differ.")
    both = np.concatenate([predicted.ravel(), expected.ravel()])
    if both.size and not 0 <= both.min() <= both.max() < classes:
        raise ValueError(f"labels from {both.min()} to {both.max()}, expected 0 to {classes - 1}.")
    pairs = expected.ravel().astype(np.int64) * classes + predicted.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_iou(counts: np.ndarray) -> np.ndarray:
    """Return intersection over union of each class, from :func:`confusion`; NaN if it is nowhere.

    Examples
    --------
    >>> class_iou(np.array([[1, 1], [0, 1]]))
    array([0.5, 0.5])
    """
    common = counts.diagonal().astype(np.float64)
    union = counts.sum(0) + counts.sum(1) - common
    return np.divide(common, union, out=np.full(len(common), np.nan), where=union > 0)


def ground_distance(images: Tensor, *, rounds: int = 6, keep: float = 0.12) -> Tensor:
    """Return how much each pixel differs from a smooth ground that is fitted to its picture.

    A cubic surface is fitted to each channel by least squares; pixels far from it are left out, and
    it is fitted again.

    Parameters
    ----------
    images
        ``(B, 3, H, W)``, floating point in [0, 1].
    rounds
        Fits.
    keep
        Pixels within this distance count as ground in the next fit.

    Returns
    -------
    Tensor
        ``(B, H, W)``, Euclidean distance of colours.

    Examples
    --------
    >>> smooth = torch.linspace(0, 0.5, 16).expand(1, 3, 16, 16).clone()
    >>> smooth[0, :, 4:8, 4:8] = 1
    >>> (ground_distance(smooth) > 0.2).sum()
    tensor(16)
    """
    batch, _, height, width = images.shape
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij"
    )
    terms = torch.stack([x**i * y**j for i in range(4) for j in range(4 - i)], dim=-1)
    terms = terms.view(-1, terms.shape[-1]).double()  # (H W, 10)
    pixels = images.flatten(2).transpose(1, 2).double()  # (B, H W, 3)
    # colours at the border are mostly ground: begin with what is near their median
    border = torch.cat(
        [images[:, :, 0], images[:, :, -1], images[:, :, :, 0], images[:, :, :, -1]], dim=2
    )
    distance = (pixels - border.median(dim=2).values[:, None]).norm(dim=2)
    for turn in range(rounds):
        reach = keep * (3 if turn == 0 else 1)
        weight = (distance < reach).double() + 1e-6
        weighted = terms * weight[:, :, None]
        left = weighted.transpose(1, 2) @ terms + 1e-6 * torch.eye(terms.shape[1])
        surface = terms @ torch.linalg.solve(left, weighted.transpose(1, 2) @ pixels)
        distance = (pixels - surface).norm(dim=2)
    return distance.view(batch, height, width).float()


def fill_holes(mask: Tensor) -> Tensor:
    """Add to each mask what it encloses.

    Parameters
    ----------
    mask
        Booleans ``(B, H, W)``.

    Returns
    -------
    Tensor
        ``(B, H, W)``.

    Examples
    --------
    >>> ring = torch.tensor([[[1, 1, 1], [1, 0, 1], [1, 1, 1]]]).bool()
    >>> fill_holes(ring).all(), fill_holes(ring[:, :2]).sum()
    (tensor(True), tensor(5))
    """
    return torch.from_numpy(np.stack([binary_fill_holes(some) for some in mask.numpy()]))


def components(mask: Tensor) -> Tensor:
    """Give a number to each connected part of masks; pixels are connected over their four sides.

    Parameters
    ----------
    mask
        Booleans ``(B, H, W)``.

    Returns
    -------
    Tensor
        ``(B, H, W)``: 0 where the mask is false; elsewhere one number from 1 for each part, in each
        picture by the part's last pixel.

    Examples
    --------
    >>> components(torch.tensor([[[1, 1, 0, 1]]]).bool())
    tensor([[[1, 1, 0, 2]]])
    """
    _, height, width = mask.shape
    number = torch.arange(1, height * width + 1).view(1, height, width).double() * mask
    while True:  # every pixel takes the largest number around it, until none can
        across = F.max_pool2d(number[:, None], (1, 3), 1, (0, 1))
        down = F.max_pool2d(number[:, None], (3, 1), 1, (1, 0))
        grown = torch.maximum(across, down)[:, 0] * mask
        if torch.equal(grown, number):
            break
        number = grown
    found = torch.zeros_like(mask, dtype=torch.long)
    for n, picture in enumerate(number):
        kinds, index = torch.unique(picture, return_inverse=True)
        found[n] = index if kinds[0] == 0 else index + 1
    return found


def boxes_of(numbered: Tensor, smallest: int = 1) -> Tensor:
    """Return the boxes of the parts of one picture, ``(n, 4)``: left, top, right, bottom.

    Parameters
    ----------
    numbered
        ``(H, W)``, from :func:`components`.
    smallest
        Parts with fewer pixels are left out.

    Examples
    --------
    >>> boxes_of(torch.tensor([[0, 1, 1], [0, 0, 1]]))
    tensor([[1, 0, 3, 2]])
    """
    found = []
    for part in range(1, int(numbered.max()) + 1):
        rows, columns = (numbered == part).nonzero(as_tuple=True)
        if len(rows) >= smallest:
            found.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return torch.tensor(found, dtype=torch.long).view(-1, 4)
