"""Turn one space of vectors so that it lies on another one.

Two runs of word2vec, or two halves of a text, give spaces with arbitrary axes: all cosines within
a space stay the same when it is rotated, so cosines *between* spaces mean nothing until one is
turned onto the other. The best rotation has a closed form (Schönemann 1966, "A generalized solution
of the orthogonal Procrustes problem"); Hamilton, Leskovec and Jurafsky (2016) use it to follow
words through time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def procrustes(source: ArrayLike, target: ArrayLike) -> np.ndarray:
    r"""Return the orthogonal matrix R that makes ``source @ R`` nearest to `target`.

    With :math:`A^\top B = U \Sigma V^\top`, the smallest :math:`\lVert A R - B \rVert_F` of all
    orthogonal R (rotations, with or without a reflection) is reached by :math:`R = U V^\top`.

    Parameters
    ----------
    source, target
        Vectors of the same N words, both of shape ``(N, D)``. Only directions count for cosines, so
        give unit vectors, or long vectors of frequent words decide.

    Returns
    -------
    numpy.ndarray
        Shape ``(D, D)``.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> quarter_turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> a = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    >>> bool(np.allclose(procrustes(a, a @ quarter_turn), quarter_turn))
    True
    """
    source, target = np.asarray(source), np.asarray(target)
    if source.ndim != 2 or source.shape != target.shape:
        raise ValueError(
            f"source has shape {source.shape}, target {target.shape}: both must be (N, D), "
            "with the same words in the same order."
        )
    left, _, right = np.linalg.svd(source.T @ target)
    return left @ right
