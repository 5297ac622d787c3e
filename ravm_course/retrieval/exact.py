r"""Exact nearest neighbours: one matrix product to choose, float64 to decide.

The product of all queries with all vectors is the fastest way to get every score, but its float32
sums carry an error that depends on the shape of the batch, so that two equal vectors may seem
different. The error of a sum of D products is at most about :math:`D u \|q\| \|x\|` with
:math:`u = 2^{-24}` (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, § 3.1).
Whatever lies within this margin of the k-th best is therefore scored again in float64, and the
order is then the same for every batch size: larger score first, and the smaller id first where
scores are equal in float32.
"""

from __future__ import annotations

import numpy as np

_BLOCK = 2**22  # scores held in memory at a time


def exact_search(
    queries: np.ndarray,
    vectors: np.ndarray,
    ids: np.ndarray,
    k: int,
    *,
    squares: np.ndarray | None = None,
    euclidean: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best vectors of each query.

    Parameters
    ----------
    queries
        float32, shape (Q, D).
    vectors
        float32, shape (N, D).
    ids
        int64, shape (N,), all different.
    k
        From 1 to N.
    squares
        Squared lengths of the vectors, shape (N,); None says that all have length 1.
    euclidean
        Score by minus the distance instead of by the inner product; needs `squares`.

    Returns
    -------
    tuple
        Scores, float32 (Q, k), and ids, int64 (Q, k), best first.

    Examples
    --------
    >>> vectors = np.float32([[1, 0], [0, 1], [1, 0]])
    >>> scores, ids = exact_search(vectors[:1], vectors, np.array([30, 20, 10]), k=3)
    >>> ids
    array([[10, 30, 20]])
    """
    longest = 1 if squares is None else float(np.sqrt(squares.max()))
    block = max(1, min(64, _BLOCK // len(vectors)))
    scores = np.empty((len(queries), k), np.float32)
    found = np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        rough = part @ vectors.T
        if euclidean:
            rough -= squares / 2  # q·x - |x|²/2 orders as -|q - x| does
        reach = np.linalg.norm(part, axis=1) * longest + (longest**2 if euclidean else 0)
        margin = 2 * (part.shape[1] + 8) * 2.0**-24 * reach
        kth = np.partition(rough, -k, axis=1)[:, -k]
        row, column = np.divmod(np.flatnonzero(rough >= (kth - margin)[:, None]), len(vectors))
        score = _score(part[row], vectors[column], euclidean)
        order = np.lexsort((ids[column], -score, row))
        first = np.searchsorted(row, np.arange(len(part)))
        best = order[first[:, None] + np.arange(k)]
        scores[start : start + block], found[start : start + block] = score[best], ids[column][best]
    return scores, found


def _score(queries: np.ndarray, vectors: np.ndarray, euclidean: bool) -> np.ndarray:
    """Score pairs of rows in float64 and round to float32."""
    queries, vectors = queries.astype(np.float64), vectors.astype(np.float64)
    if euclidean:
        return -np.linalg.norm(queries - vectors, axis=1).astype(np.float32)
    return np.einsum("nd,nd->n", queries, vectors).astype(np.float32)
