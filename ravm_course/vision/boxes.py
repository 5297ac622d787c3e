"""Boxes: how much two overlap, which of many to keep, and how good a list of them is.

A detector answers with a list of boxes, each with a class and a score. Whether a box is right is a
matter of overlap: intersection over union (IoU) at least one half, by convention (Everingham et
al., "The PASCAL visual object classes challenge", IJCV 2010, section 4). Several boxes on one thing
are one answer too many, so that all but the best are dropped (*non-maximum suppression*), and the
list as a whole is judged by its :func:`average precision <box_average_precision>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Detections:
    """What was found in one picture.

    Attributes
    ----------
    boxes
        Left, top, right, bottom, ``(n, 4)``.
    labels
        Class of each, ``(n,)``.
    scores
        How sure, ``(n,)``.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.boxes)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Return intersection over union of every box of `a` with every box of `b`.

    Parameters
    ----------
    a, b
        Left, top, right, bottom: ``(n, 4)`` and ``(m, 4)``.

    Returns
    -------
    Tensor
        ``(n, m)``, between 0 and 1; 0 where neither box has an area.

    Raises
    ------
    ValueError
        If the shapes are others, or a right side lies left of a left side.

    Examples
    --------
    >>> box_iou(torch.tensor([[0, 0, 2, 2]]), torch.tensor([[1, 0, 3, 2], [4, 4, 5, 5]]))
    tensor([[0.3333, 0.0000]])
    """
    for name, boxes in (("a", a), ("b", b)):
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(f"{name} has shape {tuple(boxes.shape)}, expected (n, 4).")
        if (boxes[:, 2:] < boxes[:, :2]).any():
            raise ValueError(
                f"a box of {name} has its right side left of its left side, or its bottom above "
                "its top: expected left, top, right, bottom."
            )
    a, b = a.double(), b.double()
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clamp(min=0).prod(dim=2)
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (a, b))
    union = area_a[:, None] + area_b - common
    return torch.where(union > 0, common / union.clamp(min=1e-12), 0.0).float()


def suppress(boxes: Tensor, scores: Tensor, threshold: float = 0.5) -> Tensor:
    """Return which boxes to keep: the best first, none that overlaps a better one too much.

    Parameters
    ----------
    boxes
        ``(n, 4)``.
    scores
        ``(n,)``.
    threshold
        A box is dropped if its IoU with one that was kept is larger.

    Returns
    -------
    Tensor
        Indices, best first.

    Raises
    ------
    ValueError
        If there is not one score a box, or one is NaN.

    Examples
    --------
    >>> boxes = torch.tensor([[0, 0, 9, 9], [0, 0, 10, 10], [20, 0, 30, 10]])
    >>> suppress(boxes, torch.tensor([0.6, 0.9, 0.3]))
    tensor([1, 2])
    """
    if scores.shape != boxes.shape[:1] or scores.isnan().any():
        raise ValueError(
            f"scores have shape {tuple(scores.shape)} for {len(boxes)} boxes, or one is NaN: give "
            "one number for each."
        )
    order = scores.argsort(descending=True, stable=True)
    overlap = box_iou(boxes, boxes) > threshold
    dropped = torch.zeros(len(boxes), dtype=torch.bool)
    kept = []
    for index in order.tolist():
        if not dropped[index]:
            kept.append(index)
            dropped |= overlap[index]
    return torch.tensor(kept, dtype=torch.long)


def match(
    found: Detections, boxes: Tensor, labels: Tensor, threshold: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Say of each detection whether it is right, and of each object whether it was found.

    The surest detection chooses first; each takes the object of its class that it overlaps most
    among those not taken, if that is enough. So a second box on one object is wrong.

    Parameters
    ----------
    found
        Detections of one picture.
    boxes, labels
        The objects that are there, ``(m, 4)`` and ``(m,)``.
    threshold
        Least IoU.

    Returns
    -------
    right : numpy.ndarray
        Booleans ``(n,)``, in the order of `found`.
    seen : numpy.ndarray
        Booleans ``(m,)``.

    Examples
    --------
    >>> twice = Detections(torch.tensor([[0, 0, 4, 4], [0, 0, 4, 5]]), torch.tensor([1, 1]),
    ...                    torch.tensor([0.5, 0.9]))
    >>> right, seen = match(twice, torch.tensor([[0, 0, 4, 4]]), torch.tensor([1]))
    >>> right.tolist(), seen.tolist()
    ([False, True], [True])
    """
    right, seen = np.zeros(len(found), bool), np.zeros(len(boxes), bool)
    if not len(found) or not len(boxes):
        return right, seen
    overlap = box_iou(found.boxes, boxes).numpy()
    overlap[found.labels.numpy()[:, None] != labels.numpy()] = -1
    for index in found.scores.argsort(descending=True, stable=True).tolist():
        free = np.where(seen, -1, overlap[index])
        best = int(free.argmax())
        if free[best] >= threshold:
            right[index] = seen[best] = True
    return right, seen


def average_precision(right: np.ndarray, scores: np.ndarray, objects: int) -> float:
    """Return the area below precision as a function of recall.

    Going down the list from the surest detection, each right one raises the recall by one over
    `objects`; the precision at that place counts for this step. Precision is first made to fall
    only, as PASCAL VOC does since 2010: at each recall, the best that is reached there or later.

    Parameters
    ----------
    right
        Booleans ``(n,)``, over all pictures.
    scores
        ``(n,)``.
    objects
        How many are there to be found.

    Returns
    -------
    float
        1 if all right detections come first and nothing is missed; 0 if none is right.

    Raises
    ------
    ValueError
        If there is no object, or the shapes differ.

    Examples
    --------
    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]), objects=2)
    0.8333333333333333
    """
    right, scores = np.asarray(right, bool), np.asarray(scores, np.float64)
    if objects < 1 or right.shape != scores.shape or right.ndim != 1:
        raise ValueError(
            f"{right.shape} marks, {scores.shape} scores and {objects} objects: expected one of "
            "each for a detection, and at least one object."
        )
    if right.sum() > objects:
        raise ValueError(f"{right.sum()} right detections of {objects} objects: match them first.")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(precision[right[order]].sum() / objects)


def box_average_precision(
    found: Sequence[Detections],
    boxes: Sequence[Tensor],
    labels: Sequence[Tensor],
    *,
    classes: int,
    threshold: float = 0.5,
) -> np.ndarray:
    """Return the average precision of each class; their mean is known as mAP.

    Parameters
    ----------
    found
        Detections of each picture.
    boxes, labels
        Objects of each picture.
    classes
        K.
    threshold
        Least IoU.

    Returns
    -------
    numpy.ndarray
        ``(K,)``, NaN for a class of which there is no object.

    Raises
    ------
    ValueError
        If the numbers of pictures differ.

    Examples
    --------
    >>> there = [torch.tensor([[0, 0, 4, 4]])], [torch.tensor([0])]
    >>> found = [Detections(there[0][0], there[1][0], torch.tensor([0.9]))]
    >>> box_average_precision(found, *there, classes=2)
    array([ 1., nan])
    """
    if not len(found) == len(boxes) == len(labels):
        raise ValueError(
            f"detections of {len(found)} pictures, boxes of {len(boxes)} and labels of "
            f"{len(labels)}: give all for each picture."
        )
    rights = [match(*row, threshold=threshold)[0] for row in zip(found, boxes, labels, strict=True)]
    right = np.concatenate(rights)
    scores = np.concatenate([some.scores.numpy() for some in found])
    kind = np.concatenate([some.labels.numpy() for some in found])
    there = np.bincount(torch.cat(list(labels)).numpy(), minlength=classes)
    return np.array(
        [
            average_precision(right[kind == c], scores[kind == c], int(there[c]))
            if there[c]
            else np.nan
            for c in range(classes)
        ]
    )
