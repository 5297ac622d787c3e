"""Four kinds of drawing, held apart by artist and by concept: what chapter 16 finds in scenes.

The division is that of :func:`ravm_course.data.load_emoji_splits`, so that a test artist is in no
training set, and a held-out concept neither.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ravm_course.data import load_emoji, load_emoji_splits

KINDS = ("face", "animal", "food", "vehicle")
PARTS = ("train", "validation", "test_artist", "test_concept", "test_both")
_SUBGROUPS = {
    "face": ("face-",),
    "animal": ("animal-",),
    "food": ("food-", "drink"),
    "vehicle": ("transport-ground", "transport-air", "transport-water"),
}


@dataclass(frozen=True)
class DrawingPart:
    """Drawings of one part of the division.

    Attributes
    ----------
    images
        ``(N, 3, 64, 64)``, floating point in [0, 1].
    labels
        Kinds ``(N,)``, indices of :data:`KINDS`.
    rows
        Rows of :func:`ravm_course.data.load_emoji`, ``(N,)``.
    """

    images: Tensor = field(repr=False)
    labels: np.ndarray = field(repr=False)
    rows: np.ndarray = field(repr=False)


@functools.cache
def kind_of_drawing() -> np.ndarray:
    """Return the kind of every drawing of :func:`ravm_course.data.load_emoji`; -1 for others.

    Examples
    --------
    >>> np.bincount(kind_of_drawing() + 1).tolist()[1:]  # faces, animals, food, vehicles
    [753, 812, 778, 514]
    """
    emoji = load_emoji()
    of_concept = np.full(len(emoji.concepts), -1)
    for i, concept in enumerate(emoji.concepts):
        for k, kind in enumerate(KINDS):
            if concept.subgroup.startswith(_SUBGROUPS[kind]):
                of_concept[i] = k
    kinds = of_concept[emoji.concept]
    kinds.setflags(write=False)
    return kinds


def drawing_rows(part: str) -> np.ndarray:
    """Return the drawings of the four kinds in one part of the division.

    Parameters
    ----------
    part
        One of :data:`PARTS`: ``"train"`` (five artists, seen concepts), ``"validation"``
        (openmoji, seen concepts), ``"test_artist"`` (emojione, seen concepts), ``"test_concept"``
        (noto, held-out concepts), ``"test_both"`` (emojione, held-out concepts).

    Raises
    ------
    ValueError
        If there is no such part.

    Examples
    --------
    >>> [len(drawing_rows(part)) for part in PARTS]
    [1497, 366, 241, 62, 47]
    """
    if part not in PARTS:
        raise ValueError(f"part is {part!r}: expected one of {', '.join(PARTS)}.")
    rows = getattr(load_emoji_splits(), part)
    return rows[kind_of_drawing()[rows] >= 0]


def drawing_parts() -> dict[str, DrawingPart]:
    """Return the pictures and kinds of every part.

    Examples
    --------
    >>> drawing_parts()["test_both"].images.shape
    torch.Size([47, 3, 64, 64])
    """
    found = {}
    for part in PARTS:
        rows = drawing_rows(part)
        images = torch.tensor(load_emoji().images[rows]).permute(0, 3, 1, 2).float() / 255
        found[part] = DrawingPart(images, kind_of_drawing()[rows], rows)
    return found
