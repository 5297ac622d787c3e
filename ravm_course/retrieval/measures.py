"""How good is a ranking? One number for each query, by five definitions.

Every measure takes the same two arrays: `scores`, how the system rated each of N items for each of
Q queries, and `relevance`, how relevant each item really is (0 for not at all). It returns one
value a query, shape (Q,): take the mean for the usual figure, or hand the values to
:func:`ravm_course.metrics.bootstrap_interval`. The definitions are those of Manning, Raghavan &
Schütze (*Introduction to Information Retrieval*, 2008, ch. 8), and the values equal those of
trec_eval.

The rule for ties: items with equal scores are ranked by the smaller index first, as
:class:`~ravm_course.retrieval.VectorIndex` orders equal scores by the smaller id. Other software
breaks ties otherwise, or averages over all orders: with many equal scores, figures of different
programs cannot be compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def recall_at_k(scores: ArrayLike, relevance: ArrayLike, k: int) -> np.ndarray:
    """Return the share of each query's relevant items that are among the first `k`.

    Parameters
    ----------
    scores
        Larger is better, shape (Q, N) or (N,) for one query.
    relevance
        At least 0, same shape; above 0 is relevant. Each query needs a relevant item.
    k
        From 1 to N.

    Returns
    -------
    numpy.ndarray
        Shape (Q,), between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes differ, a score is NaN, a relevance is negative or not finite, a query has no
        relevant item, or `k` is out of range.

    Examples
    --------
    >>> recall_at_k([[0.9, 0.8, 0.1]], [[1, 0, 1]], k=2)
    array([0.5])
    """
    ranked = _ranked(scores, relevance, k) > 0
    return ranked[:, :k].sum(axis=1) / ranked.sum(axis=1)


def precision_at_k(scores: ArrayLike, relevance: ArrayLike, k: int) -> np.ndarray:
    """Return the share of the first `k` items that are relevant.

    Parameters and errors are those of :func:`recall_at_k`.

    Examples
    --------
    >>> precision_at_k([[0.9, 0.8, 0.1]], [[1, 0, 1]], k=1)
    array([1.])
    """
    return (_ranked(scores, relevance, k)[:, :k] > 0).mean(axis=1)


def average_precision(scores: ArrayLike, relevance: ArrayLike) -> np.ndarray:
    """Return the mean, over a query's relevant items, of the precision at each one's rank.

    Parameters and errors are those of :func:`recall_at_k`; the mean over queries is called MAP.

    Examples
    --------
    The relevant items stand at ranks 1 and 3, where the precision is 1/1 and 2/3:

    >>> average_precision([[0.9, 0.8, 0.1]], [[1, 0, 1]]).round(3)
    array([0.833])
    """
    ranked = _ranked(scores, relevance) > 0
    precision = np.cumsum(ranked, axis=1) / np.arange(1, ranked.shape[1] + 1)
    return (precision * ranked).sum(axis=1) / ranked.sum(axis=1)


def ndcg_at_k(scores: ArrayLike, relevance: ArrayLike, k: int | None = None) -> np.ndarray:
    r"""Return :math:`\sum_{r=1}^{k} \mathrm{rel}_r / \log_2(r+1)` as a share of the best possible.

    Relevance counts as it is (some articles use :math:`2^{\mathrm{rel}} - 1`).

    Parameters and errors are those of :func:`recall_at_k`; `k` None means all N.

    Examples
    --------
    >>> ndcg_at_k([[0.9, 0.8, 0.1]], [[0, 1, 3]]).round(3)
    array([0.587])
    """
    ranked = _ranked(scores, relevance, k)[:, :k]
    best = _ranked(relevance, relevance, k)[:, :k]
    discount = 1 / np.log2(np.arange(2, ranked.shape[1] + 2))
    return (ranked * discount).sum(axis=1) / (best * discount).sum(axis=1)


def mrr(scores: ArrayLike, relevance: ArrayLike) -> np.ndarray:
    """Return one over the rank of each query's first relevant item.

    Parameters and errors are those of :func:`recall_at_k`. The mean over queries is the mean
    reciprocal rank, MRR.

    Examples
    --------
    >>> mrr([[0.9, 0.8, 0.1], [0.1, 0.2, 0.3]], [[0, 1, 0], [0, 0, 1]])
    array([0.5, 1. ])
    """
    return 1 / (1 + np.argmax(_ranked(scores, relevance) > 0, axis=1))


def _ranked(scores: ArrayLike, relevance: ArrayLike, k: int | None = None) -> np.ndarray:
    """Return the relevance of each query's items in the order of their ranks, shape (Q, N)."""
    scores, relevance = np.atleast_2d(np.asarray(scores)), np.atleast_2d(np.asarray(relevance))
    if scores.shape != relevance.shape or scores.ndim != 2:
        raise ValueError(
            f"scores has shape {scores.shape} but relevance has {relevance.shape}: "
            "expected (Q, N) for both, one score and one relevance for each item of each query."
        )
    if np.isnan(scores).any():
        raise ValueError(f"query {np.argwhere(np.isnan(scores))[0][0]} has a score that is NaN.")
    relevance = relevance.astype(np.float64)
    if not (np.isfinite(relevance) & (relevance >= 0)).all():
        raise ValueError("a relevance is negative or not finite: 0 means not relevant.")
    if not relevance.any(axis=1).all():
        row = int(np.argmin(relevance.any(axis=1)))
        raise ValueError(f"query {row} has no relevant item: leave it out, nothing can be found.")
    if k is not None and not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k is {k} but there are {scores.shape[1]} items: ask for 1 to that many.")
    scores = scores.astype(np.result_type(scores, np.float32))
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(relevance, order, axis=1)
