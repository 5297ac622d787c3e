r"""Exact nearest neighbours: one matrix product to choose, float64 to decide.

The product of all queries with all vectors is the fastest way to get every score, but its float32
sums carry an error that depends on the shape of the batch, so that two equal vectors may seem
different. The error of a sum of D products is at most about :math:`D u \|q\| \|x\|` with
:math:`u = 2^{-24}` (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, § 3.1).
Whatever lies within this margin of the k-th best is therefore scored again in float64, and the
order is then the same for every batch size: larger score first, and the smaller id first where
scores are equal in float32.

The product is made in tiles that fit into the cache of a processor. The k best rough scores so far
set a bar for each query, and of the next tile only what reaches the bar is kept: one comparison a
score, and nothing is sorted but the few that pass.
"""

from __future__ import annotations

import numpy as np

_QUERIES = 256  # queries of a tile, at most
_SCORES = 2**19  # scores of a tile: 2 MB


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
    scores = np.empty((len(queries), k), np.float32)
    found = np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), _QUERIES):
        part = queries[start : start + _QUERIES]
        reach = np.linalg.norm(part, axis=1) * longest + (longest**2 if euclidean else 0)
        margin = 2 * (part.shape[1] + 8) * 2.0**-24 * reach
        row, column = _contenders(part, vectors, k, margin, squares if euclidean else None)
        score = _score(part, vectors, row, column, euclidean)
        order = np.lexsort((ids[column], -score, row))
        first = np.searchsorted(row[order], np.arange(len(part)))
        best = order[first[:, None] + np.arange(k)]
        end = start + len(part)
        scores[start:end], found[start:end] = score[best], ids[column][best]
    return scores, found


def _contenders(
    queries: np.ndarray,
    vectors: np.ndarray,
    k: int,
    margin: np.ndarray,
    squares: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of all scores that may be among the k best of their query.

    Under the Euclidean metric, with `squares`, q·x - |x|²/2 orders as -|q - x| does.
    """
    width = min(len(vectors), max(_SCORES // len(queries), 4 * k))
    space = np.empty((len(queries), width), np.float32)
    best = np.full((len(queries), k), -np.inf, np.float32)  # rough scores, in no order
    rows, columns, values = [], [], []
    for start in range(0, len(vectors), width):
        tile = vectors[start : start + width]
        rough = np.matmul(queries, tile.T, out=space[:, : len(tile)])
        if squares is not None:
            rough -= squares[start : start + width] / 2
        if not start:
            best = np.partition(rough, -k, axis=1)[:, -k:]
            bar = best.min(axis=1) - margin
        row, column = np.divmod(np.flatnonzero(rough >= bar[:, None]), len(tile))
        value = rough[row, column]
        if start and len(row):
            best = _best_of_both(best, row, value)
            bar = best.min(axis=1) - margin
        rows.append(row)
        columns.append(column + start)
        values.append(value)
    row, column = np.concatenate(rows), np.concatenate(columns)
    stays = np.concatenate(values) >= bar[row]  # the bar has risen since
    return row[stays], column[stays]


def _best_of_both(best: np.ndarray, row: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the k best of `best` (Q, k) and of `value` (M,), which belong to rows in order."""
    k, counts = best.shape[1], np.bincount(row, minlength=len(best))
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    both = np.full((len(best), k + counts.max()), -np.inf, np.float32)
    both[:, :k] = best
    both[row, k + place] = value
    return np.partition(both, -k, axis=1)[:, -k:]


def _score(
    queries: np.ndarray, vectors: np.ndarray, row: np.ndarray, column: np.ndarray, euclidean: bool
) -> np.ndarray:
    """Score pairs of a query and a vector in float64 and round to float32."""
    left, right = queries.astype(np.float64)[row], vectors[column]
    if euclidean:
        return -np.linalg.norm(left - right, axis=1).astype(np.float32)
    return np.einsum("nd,nd->n", left, right, dtype=np.float64).astype(np.float32)
