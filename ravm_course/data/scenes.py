"""Scenes: several drawings in one picture, with boxes and masks that are right by construction.

People who label pictures disagree about where a cat ends. Whoever *composes* a picture knows: each
drawing is cut out of its white ground, made smaller, and laid on a ground of soft colours, and what
shows of it is its mask. Which drawings may be used is up to the caller, so that scenes for training
and for testing can differ in artists and in concepts.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

LAYOUTS = ("grid", "free")
_WHITE = 244  # a channel from here on is paper


@dataclass(frozen=True)
class Scenes:
    """Composed pictures and everything that is in them.

    Attributes
    ----------
    images
        uint8 of shape ``(N, H, W, 3)``.
    owner
        Which object shows at each pixel, int8 of shape ``(N, H, W)``; -1 where the ground does.
    boxes
        Left, top, right and bottom of what shows of each object, in pixels, right and bottom just
        outside; int64 of shape ``(N, M, 4)``, zeros where a scene has fewer than M objects.
    source
        The drawing of each object: a row of what was given, int64 ``(N, M)``; -1 where there is
        none.
    """

    images: np.ndarray = field(repr=False)
    owner: np.ndarray = field(repr=False)
    boxes: np.ndarray = field(repr=False)
    source: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.images)

    def label_map(self, labels: Sequence[int] | np.ndarray, ground: int = 0) -> np.ndarray:
        """Return the label of what shows at each pixel, int64 ``(N, H, W)``.

        Parameters
        ----------
        labels
            A label for each drawing that was given to :func:`compose_scenes`.
        ground
            Label of the ground.

        Examples
        --------
        >>> drawing = np.full((1, 64, 64, 3), 255, np.uint8); drawing[0, 8:56, 8:56] = 9
        >>> scenes = compose_scenes(drawing, [0], count=1, size=32, layout="grid", grid=(1, 1))
        >>> sorted(set(scenes.label_map([5]).flatten().tolist()))
        [0, 5]
        """
        table = np.append(np.asarray(labels, np.int64), ground)  # index -1 is the ground
        of_object = table[self.source]  # (N, M)
        scene = np.arange(len(self))[:, None, None]
        return np.where(self.owner < 0, ground, of_object[scene, self.owner])


def cut_out(images: np.ndarray) -> np.ndarray:
    """Return which pixels belong to what is drawn, bool ``(N, H, W)``.

    White that can be reached from the border is paper; white inside, such as an eye, is not.

    Parameters
    ----------
    images
        uint8, shape ``(N, H, W, 3)``, drawings on white.

    Raises
    ------
    ValueError
        If `images` have another shape or kind.

    Examples
    --------
    >>> ring = np.full((1, 5, 5, 3), 255, np.uint8)
    >>> ring[0, 1:4, 1:4] = 0; ring[0, 2, 2] = 255
    >>> cut_out(ring)[0].sum()
    np.int64(9)
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}, expected uint8 (N, H, W, 3)."
        )
    white = (images >= _WHITE).all(axis=3)
    reached = np.zeros_like(white)
    for edge in (np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]):
        reached[edge] = white[edge]
    while True:
        grown = reached.copy()
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown[:, :, 1:] |= reached[:, :, :-1]
        grown[:, :, :-1] |= reached[:, :, 1:]
        grown &= white
        if np.array_equal(grown, reached):
            return ~reached
        reached = grown


def compose_scenes(
    images: np.ndarray,
    rows: Sequence[int] | np.ndarray,
    *,
    count: int,
    seed: int = 0,
    size: int = 64,
    layout: str = "free",
    objects: tuple[int, int] = (1, 4),
    grid: tuple[int, int] = (2, 2),
    sides: tuple[int, int] = (18, 30),
    visible: float = 0.6,
) -> Scenes:
    """Compose scenes of drawings.

    Parameters
    ----------
    images
        Drawings on white, uint8 ``(K, H, W, 3)``, square.
    rows
        Which of them may be used. They are drawn at random, none twice in a scene.
    count
        Scenes, N.
    seed
        The same seed gives the same scenes.
    size
        Height and width of a scene in pixels.
    layout
        ``"grid"`` puts one object into each cell of a grid; ``"free"`` puts each anywhere, a later
        one in front of an earlier one.
    objects
        Fewest and most objects of a free scene.
    grid
        Rows and columns of a grid.
    sides
        Smallest and largest side of an object in pixels, of the drawing with its margin.
    visible
        Share of each object that nothing may hide.

    Returns
    -------
    Scenes

    Raises
    ------
    ValueError
        If there are too few drawings, a size does not fit, or the layout is unknown.

    Examples
    --------
    >>> from ravm_course.data import load_emoji, load_emoji_splits
    >>> scenes = compose_scenes(load_emoji().images, load_emoji_splits().train[:50], count=2)
    >>> scenes.images.shape, scenes.boxes.shape
    ((2, 64, 64, 3), (2, 4, 4))
    """
    rows = np.asarray(rows, np.int64)
    cells = [(r, c) for r in range(grid[0]) for c in range(grid[1])]
    fewest, most = (len(cells), len(cells)) if layout == "grid" else objects
    cell = min(size // grid[0], size // grid[1]) if layout == "grid" else size
    if layout not in LAYOUTS:
        raise ValueError(f"layout is {layout!r}: expected one of {', '.join(LAYOUTS)}.")
    if not 1 <= fewest <= most <= min(len(rows), 127) or count < 1:
        raise ValueError(
            f"{count} scenes of {fewest} to {most} objects from {len(rows)} drawings: expected at "
            "least one scene, and as many drawings as objects (127 at most)."
        )
    if not 4 <= sides[0] <= sides[1] <= cell or not 0 <= visible <= 1:
        raise ValueError(
            f"sides {sides} do not fit into {cell} pixels, or visible {visible} is no share."
        )
    used, where = np.unique(rows, return_inverse=True)
    cutouts = images[used] / 255.0, cut_out(images[used])
    rng = np.random.default_rng(seed)
    pictures = np.empty((count, size, size, 3), np.uint8)
    owner = np.full((count, size, size), -1, np.int8)
    boxes = np.zeros((count, most, 4), np.int64)
    source = np.full((count, most), -1, np.int64)
    for n in range(count):
        picture = _ground(rng, size)
        chosen = rng.choice(len(rows), rng.integers(fewest, most + 1), replace=False)
        whole: list[int] = []  # pixels of each object, hidden ones too
        for m, row in enumerate(chosen):
            for _ in range(20):  # where it hides too much, try another place
                side = int(rng.integers(sides[0], sides[1] + 1))
                at = _corner(rng, side, size, cell, cells[m] if layout == "grid" else None)
                colour, alpha = _shrunk(cutouts, where[row], side)
                window = np.s_[at[0] : at[0] + side, at[1] : at[1] + side]
                new = owner[n].copy()
                new[window][alpha > 0.5] = m
                shown = [(new == i).sum() for i in range(m)]
                if all(s >= visible * w for s, w in zip(shown, whole, strict=True)):
                    break
            else:
                continue  # no room was found: the scene has one object less
            whole.append(int((alpha > 0.5).sum()))
            owner[n] = new
            picture[window] = picture[window] * (1 - alpha[..., None]) + colour
            source[n, m] = rows[row]
        _close_gaps(owner[n], source[n])
        for m in range(most):
            boxes[n, m] = _box(owner[n] == m)
        pictures[n] = np.round(picture * 255)
    return Scenes(pictures, owner, boxes, source)


def _corner(rng, side, size, cell, place):
    """Return top and left of an object, anywhere or somewhere in its cell."""
    first = (0, 0) if place is None else (place[0] * cell, place[1] * cell)
    room = (size if place is None else cell) - side
    return [int(start + rng.integers(0, room + 1)) for start in first]


def _shrunk(cutouts, row, side):
    """Return colour times opacity, and opacity, of one drawing at another size."""
    pixels, mask = cutouts[0][row], cutouts[1][row].astype(np.float64)
    weights = _area_weights(mask.shape[0], side)
    alpha = weights @ mask @ weights.T
    colour = np.stack([weights @ (pixels[..., c] * mask) @ weights.T for c in range(3)], axis=2)
    return colour, alpha


@functools.cache
def _area_weights(before: int, after: int) -> np.ndarray:
    """Return the matrix that averages `before` pixels in a row down to `after`."""
    edges = np.linspace(0, before, after + 1)
    start = np.maximum(edges[:-1, None], np.arange(before))
    end = np.minimum(edges[1:, None], np.arange(1, before + 1))
    weights = np.maximum(end - start, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _ground(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return soft colours with grain, ``(size, size, 3)`` in [0, 1]."""
    knots = rng.uniform(0.1, 1, 3) + rng.normal(0, 0.12, (4, 4, 3))
    at = np.linspace(0, 3, size)
    low = np.minimum(at.astype(int), 2)
    weights = np.zeros((size, 4))
    weights[np.arange(size), low] = 1 - (at - low)
    weights[np.arange(size), low + 1] = at - low
    soft = np.einsum("ia,jb,abc->ijc", weights, weights, knots)
    return np.clip(soft + rng.normal(0, 0.03, (size, size, 1)), 0, 1)


def _close_gaps(owner: np.ndarray, source: np.ndarray) -> None:
    """Renumber objects so that those that found no room leave no gap, in place."""
    kept = np.flatnonzero(source >= 0)
    for new, old in enumerate(kept):
        if new != old:
            owner[owner == old] = new
            source[new], source[old] = source[old], -1


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a mask; zeros if it is empty."""
    if not mask.any():
        return 0, 0, 0, 0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
