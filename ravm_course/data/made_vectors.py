"""Vectors made by a recipe, as many as you like: for searches larger than any set that ships.

A set made for measuring a search decides what is measured. Two recipes are common and mislead:

- **copies** of a few vectors with a little noise. A query's nearest are then all copies of one
  vector, about equally far, and which of them is "true" is decided by the noise;
- **normal** noise in all dimensions. Every vector is then about equally far from every other, and
  no search that looks at few can find the nearest.

The recipe ``"mapped"`` avoids both. Vectors lie in groups of different size and width, in a space
of 12 dimensions that a smooth random map bends into more; so each has neighbours at clearly
different distances, in all directions in which the set extends. How it compares with real vectors
is measured in chapter 18.
"""

from __future__ import annotations

import numpy as np

RECIPES = ("mapped", "copies", "normal")
LATENT, GROUPS, HIDDEN = 12, 1000, 256
WIDTH = 0.65  # of a group, where the groups' centres have width 1; the median of a spread
COPIED, JITTER = 100, 0.05
_BLOCK = 2**15  # rows drawn at a time


def made_vectors(
    n: int, dim: int = 128, *, recipe: str = "mapped", seed: int = 0, start: int = 0
) -> np.ndarray:
    """Return rows `start` to `start + n` of an endless set of unit vectors.

    Row i is the same whatever `n` and `start` are, so a larger set contains the smaller one, and
    queries are rows that were left out.

    Parameters
    ----------
    n
        How many.
    dim
        Their length D.
    recipe
        ``"mapped"``, ``"copies"`` (of 100 vectors) or ``"normal"``.
    seed
        Of the whole set.
    start
        The first row.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, D).

    Raises
    ------
    ValueError
        If a number is negative or the recipe unknown.

    Examples
    --------
    >>> ten = made_vectors(10, dim=8)
    >>> bool((made_vectors(4, dim=8, start=6) == ten[6:]).all())
    True
    """
    if n < 0 or start < 0 or dim < 1:
        raise ValueError(f"n is {n}, start {start} and dim {dim}: expected 0, 0 and 1 or more.")
    if recipe not in RECIPES:
        raise ValueError(f"recipe is {recipe!r}: expected one of {', '.join(RECIPES)}.")
    made = np.empty((n, dim), np.float32)
    for block in range(start // _BLOCK, -(-(start + n) // _BLOCK)):
        rng = np.random.default_rng([seed, RECIPES.index(recipe), block])
        rows = _DRAW[recipe](rng, dim, seed, block)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        first = block * _BLOCK
        begin, end = max(start, first), min(start + n, first + _BLOCK)
        made[begin - start : end - start] = rows[begin - first : end - first]
    return made


def _mapped(rng: np.random.Generator, dim: int, seed: int, block: int) -> np.ndarray:
    """Draw one block: points of groups in few dimensions, bent into many."""
    fixed = np.random.default_rng([seed, 99])  # the groups and the map, the same for all blocks
    centres = fixed.normal(size=(GROUPS, LATENT))
    widths = WIDTH * np.exp(fixed.normal(size=GROUPS) / 2)
    shares = np.arange(1, GROUPS + 1) ** -0.7
    bend, shift = 2 * fixed.normal(size=(LATENT, HIDDEN)) / LATENT**0.5, fixed.normal(size=HIDDEN)
    widen = fixed.normal(size=(HIDDEN, dim)) / HIDDEN**0.5
    group = rng.choice(GROUPS, _BLOCK, p=shares / shares.sum())
    points = centres[group] + widths[group, None] * rng.normal(size=(_BLOCK, LATENT))
    hidden = np.tanh((points @ bend + shift).astype(np.float32))
    return hidden @ widen.astype(np.float32)


def _copies(rng: np.random.Generator, dim: int, seed: int, block: int) -> np.ndarray:
    """Draw one block: copies, with noise, of vectors that are the same for all blocks."""
    base = np.random.default_rng([seed, 98]).normal(size=(COPIED, dim))
    noise = JITTER * rng.normal(size=(_BLOCK, dim))
    return (base[rng.integers(COPIED, size=_BLOCK)] + noise).astype(np.float32)


def _normal(rng: np.random.Generator, dim: int, seed: int, block: int) -> np.ndarray:
    """Draw one block in which all directions are equally likely."""
    return rng.normal(size=(_BLOCK, dim)).astype(np.float32)


_DRAW = {"mapped": _mapped, "copies": _copies, "normal": _normal}
