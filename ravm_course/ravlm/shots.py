"""Draw small stores: so many labelled pictures a class, or few for most and many for some.

Pictures of one class are drawn without replacement, and larger draws of one seed contain the
smaller ones, so that a curve over the number of shots compares stores that grew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def draw_shots(labels: ArrayLike, shots: int | ArrayLike, *, seed: int) -> np.ndarray:
    """Return rows with at most `shots` of each class.

    Parameters
    ----------
    labels
        Classes of N pictures, integers from 0, shape ``(N,)``.
    shots
        One number for all classes, or one for each, shape ``(C,)`` with C above the largest label.
        A class with fewer pictures gives all it has.
    seed
        Of the order in which a class gives its pictures.

    Returns
    -------
    numpy.ndarray
        Rows of `labels`, ascending.

    Raises
    ------
    ValueError
        If labels are none, or a number of shots is negative or missing.

    Examples
    --------
    >>> labels = [0, 0, 0, 1, 1, 2]
    >>> np.bincount(np.array(labels)[draw_shots(labels, 2, seed=0)])
    array([2, 2, 1])
    >>> draw_shots(labels, [0, 1, 9], seed=0).size
    2
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels < 0).any():
        raise ValueError(
            f"labels are {labels.dtype} of shape {labels.shape}, expected integers from 0, (N,)."
        )
    classes = int(labels.max(initial=-1)) + 1
    wanted = np.asarray(shots)
    if wanted.dtype.kind not in "iu" or (wanted < 0).any() or wanted.ndim > 1:
        raise ValueError(f"shots are {shots!r}: expected a number from 0, or one for each class.")
    if wanted.ndim and len(wanted) < classes:
        raise ValueError(f"{len(wanted)} numbers of shots for {classes} classes: give one each.")
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]  # within a class, in random order
    sorted_labels = labels[by_class]
    turn = np.arange(len(labels)) - np.searchsorted(sorted_labels, sorted_labels)
    limit = wanted[sorted_labels] if wanted.ndim else wanted
    return np.sort(by_class[turn < limit])


def zipf_shots(classes: int, most: int, *, exponent: float = 1.0, seed: int) -> np.ndarray:
    r"""Return how many shots each class gets when the class of rank r gets most / r^exponent.

    Ranks are dealt at random, and every class gets at least one. What is rounded down makes the
    tail: with exponent 1, all classes behind rank ``most / 2`` have a single picture.

    Parameters
    ----------
    classes
        How many classes C there are.
    most
        Shots of the most frequent class.
    exponent
        0 gives all classes the same; the larger, the shorter the head.
    seed
        Of the ranks.

    Returns
    -------
    numpy.ndarray
        int64 ``(C,)``, from 1 to `most`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> sorted(zipf_shots(6, 4, seed=0).tolist())
    [1, 1, 1, 1, 2, 4]
    """
    if classes < 1 or most < 1 or exponent < 0:
        raise ValueError(
            f"classes {classes}, most {most}, exponent {exponent}: expected at least 1, 1 and 0."
        )
    ranks = np.random.default_rng(seed).permutation(classes) + 1
    return np.maximum(1, np.floor(most / ranks**exponent + 1e-9)).astype(np.int64)
