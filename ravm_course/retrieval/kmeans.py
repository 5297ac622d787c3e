r"""k-means: K centres, each the mean of the vectors that are nearest to it.

Two steps take turns (Lloyd, "Least squares quantization in PCM", 1982): every vector goes to its
nearest centre, and every centre to the mean of its vectors. Neither step can raise the mean squared
distance :math:`\frac{1}{N} \sum_i \min_j \|x_i - c_j\|^2`, so the turns end, in a minimum that need
not be the lowest. Inverted lists and product quantisation both rest on such centres.

A centre that is left without vectors moves to the vector farthest from its own centre, as in
scikit-learn. `faiss.Kmeans` does the same work much faster; this is the one to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

_SCORES = 2**22  # products held in memory at a time


@dataclass(frozen=True)
class Clustering:
    """What :func:`kmeans` found.

    Attributes
    ----------
    centres
        Shape (K, D), of the type of the vectors.
    labels
        Number of the nearest of these centres, int64 (N,).
    losses
        Mean squared distance of the vectors to their centres before each update, and at the end.
    """

    centres: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    losses: tuple[float, ...]


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    r"""Return all squared distances of two sets, by :math:`\|a\|^2 - 2 a^\top b + \|b\|^2`.

    Parameters
    ----------
    a, b
        Floats, shapes (A, D) and (B, D).

    Returns
    -------
    numpy.ndarray
        Shape (A, B), not negative.

    Examples
    --------
    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
    array([[25., 1.]])
    """
    lengths = np.einsum("nd,nd->n", a, a)[:, None], np.einsum("nd,nd->n", b, b)
    return np.maximum(lengths[0] - 2 * (a @ b.T) + lengths[1], 0)


def nearest_centre(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the number of each vector's nearest centre, the smaller one where two are equal.

    Parameters
    ----------
    vectors, centres
        Floats, shapes (N, D) and (K, D).

    Returns
    -------
    numpy.ndarray
        int64 (N,).

    Examples
    --------
    >>> nearest_centre(np.array([[0.0], [0.9], [2.0]]), np.array([[0.0], [1.0]]))
    array([0, 1, 1])
    """
    halves = np.einsum("kd,kd->k", centres, centres) / 2
    labels = np.empty(len(vectors), np.int64)
    block = max(1, _SCORES // len(centres))
    for start in range(0, len(vectors), block):
        part = vectors[start : start + block]
        labels[start : start + block] = np.argmin(halves - part @ centres.T, axis=1)
    return labels


def kmeans(
    vectors: np.ndarray,
    k: int | None = None,
    *,
    centres: np.ndarray | None = None,
    iterations: int = 25,
    seed: int = 0,
) -> Clustering:
    """Find centres of vectors.

    Parameters
    ----------
    vectors
        Floats, shape (N, D).
    k
        How many centres; they begin at that many vectors drawn with `seed`.
    centres
        Where the centres begin, shape (K, D), instead of `k`.
    iterations
        How many times the centres may move; fewer if they stand still.
    seed
        Of the draw.

    Returns
    -------
    Clustering

    Raises
    ------
    ValueError
        If there are fewer vectors than centres, a number is not finite, or both or neither of `k`
        and `centres` are given.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> found = kmeans(line, centres=line[:2])
    >>> found.centres.ravel(), found.labels, found.losses[0], found.losses[-1]
    (array([ 0.5, 10.5]), array([0, 0, 1, 1]), 45.25, 0.25)
    """
    vectors = np.asarray(vectors)
    if (k is None) == (centres is None):
        raise ValueError("give either k or the centres to begin with, and not both.")
    if centres is None:
        if not 1 <= k <= len(vectors):
            raise ValueError(f"k is {k} but there are {len(vectors)} vectors: ask for 1 to that.")
        drawn = np.random.default_rng(seed).choice(len(vectors), k, replace=False)
        centres = vectors[drawn]
    centres = np.array(centres, dtype=vectors.dtype)
    if vectors.ndim != 2 or centres.ndim != 2 or vectors.shape[1] != centres.shape[1]:
        raise ValueError(
            f"vectors {vectors.shape} and centres {centres.shape} do not fit: expected (N, D) and "
            "(K, D)."
        )
    if len(centres) > len(vectors):
        raise ValueError(f"{len(vectors)} vectors cannot have {len(centres)} centres: give more.")
    if not (np.isfinite(vectors).all() and np.isfinite(centres).all()):
        raise ValueError("a vector or a centre is NaN or infinite: look where it was made.")
    losses, labels = [], nearest_centre(vectors, centres)
    for _ in range(iterations):
        away = ((vectors - centres[labels]) ** 2).sum(axis=1)
        losses.append(float(away.mean()))
        centres = _means(vectors, labels, centres, away)
        before, labels = labels, nearest_centre(vectors, centres)
        if np.array_equal(labels, before):
            break
    losses.append(float(((vectors - centres[labels]) ** 2).sum(axis=1).mean()))
    return Clustering(centres, labels, tuple(losses))


def _means(
    vectors: np.ndarray, labels: np.ndarray, centres: np.ndarray, away: np.ndarray
) -> np.ndarray:
    """Return the mean of the vectors of each label; where there are none, a far vector."""
    k = len(centres)
    counts = np.bincount(labels, minlength=k)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        far = np.argsort(-away, kind="stable")[: len(empty)]
        labels = labels.copy()
        labels[far] = empty
        counts = np.bincount(labels, minlength=k)
    order = np.argsort(labels, kind="stable")
    filled = np.flatnonzero(counts)
    starts = (np.cumsum(counts) - counts)[filled]
    means = centres.copy()  # a centre whose only vector was taken away stays
    means[filled] = np.add.reduceat(vectors[order], starts, axis=0) / counts[filled, None]
    return means
