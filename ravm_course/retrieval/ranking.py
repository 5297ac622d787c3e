r"""Learn to order: three losses on the same lists of candidates, and a way to merge two orders.

A first stage hands over K candidates for a query, and a model gives each a score. What should the
scores be trained for? *Pointwise*: that each says by itself whether its candidate is relevant.
*Pairwise*: that of any two candidates the better one scores higher (Burges et al., "Learning to
rank using gradient descent", ICML 2005). *Listwise*: that the softmax over the whole list puts its
weight where the relevance is (Cao et al., "Learning to rank: from pairwise approach to listwise
approach", ICML 2007, with the probability of being first). With one relevant candidate the last is
the cross-entropy of a classifier, and InfoNCE of chapter 17 whose negatives are the candidates.

The pairwise and the listwise loss see differences of scores alone: a constant added to all scores
of a query changes nothing, as it changes no order. The pointwise loss does see it, and spends
effort on what no ranking needs.
"""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor


def pointwise_loss(scores: Tensor, relevance: Tensor) -> Tensor:
    """Return the mean cross-entropy of each candidate's score as a logit of "is relevant".

    Parameters
    ----------
    scores
        Shape ``(B, K)``, any real numbers.
    relevance
        Shape ``(B, K)``, at least 0; above 0 is relevant. Every query needs a relevant candidate.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    ValueError
        If the shapes differ, a relevance is negative, or a query has no relevant candidate.

    Examples
    --------
    >>> import torch
    >>> round(pointwise_loss(torch.zeros(1, 4), torch.tensor([[1, 0, 0, 0]])).item(), 4)  # ln 2
    0.6931
    """
    relevance = _validated(scores, relevance)
    return F.binary_cross_entropy_with_logits(scores, (relevance > 0).to(scores.dtype))


def pairwise_loss(scores: Tensor, relevance: Tensor) -> Tensor:
    r"""Return the mean of :math:`\ln(1 + e^{-(s_i - s_j)})` over pairs in which i is the better.

    Parameters and errors are those of :func:`pointwise_loss`; the mean is taken over the pairs of
    each query first, so that every query weighs the same. A query whose candidates are all equally
    relevant has no pair and is left out.

    Raises
    ------
    ValueError
        As :func:`pointwise_loss`, or if no query has a pair.

    Examples
    --------
    >>> import torch
    >>> scores = torch.tensor([[2.0, 0.0, 1.0]])
    >>> loss = pairwise_loss(scores, torch.tensor([[1, 0, 0]]))
    >>> round(loss.item(), 4)  # (ln(1 + e^-2) + ln(1 + e^-1)) / 2
    0.2201
    """
    relevance = _validated(scores, relevance)
    better = (relevance[:, :, None] > relevance[:, None, :]).to(scores.dtype)
    pairs = better.sum((1, 2))
    if not pairs.any():
        raise ValueError("all candidates of each query are equally relevant: nothing to order.")
    losses = F.softplus(scores[:, None, :] - scores[:, :, None])
    return ((losses * better).sum((1, 2)) / pairs.clamp(min=1))[pairs > 0].mean()


def listwise_loss(scores: Tensor, relevance: Tensor) -> Tensor:
    """Return the mean cross-entropy of the softmax over the list, with relevance as the target.

    Parameters and errors are those of :func:`pointwise_loss`; the relevance of a query is scaled
    to sum to one.

    Examples
    --------
    >>> import torch
    >>> round(listwise_loss(torch.zeros(1, 4), torch.tensor([[1, 0, 0, 0]])).item(), 4)  # ln 4
    1.3863
    """
    relevance = _validated(scores, relevance).to(scores.dtype)
    target = relevance / relevance.sum(1, keepdim=True)
    return -(target * F.log_softmax(scores, dim=1)).sum(1).mean()


def reciprocal_rank_fusion(scores: list[ArrayLike], constant: float = 60.0) -> np.ndarray:
    r"""Merge several orders of the same items by :math:`\sum_m 1 / (c + \mathrm{rank}_m)`.

    Only ranks count, so that systems need not agree on what a score means (Cormack, Clarke &
    Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009). Equal scores are ranked by the smaller index first, as all of this room does.

    Parameters
    ----------
    scores
        One array a system, larger is better, all ``(Q, N)``.
    constant
        c, above -1; the article's 60. The smaller, the more the first ranks count.

    Returns
    -------
    numpy.ndarray
        Fused scores, ``(Q, N)``, larger is better.

    Raises
    ------
    ValueError
        If there is no system, shapes differ, a score is NaN, or `constant` is not above -1.

    Examples
    --------
    >>> reciprocal_rank_fusion([[[0.9, 0.5, 0.1]], [[3.0, 9.0, 5.0]]], constant=0).round(2)
    array([[1.33, 1.5 , 0.83]])
    """
    systems = [np.asarray(some, dtype=np.float64) for some in scores]
    shapes = [some.shape for some in systems]
    if not systems or systems[0].ndim != 2 or len(set(shapes)) > 1:
        raise ValueError(f"scores have shapes {shapes}: give at least one array, all (Q, N).")
    if any(np.isnan(some).any() for some in systems):
        raise ValueError("a score is NaN: it has no rank.")
    if not constant > -1:
        raise ValueError(f"constant is {constant}: expected a number above -1.")
    fused = np.zeros(shapes[0])
    for some in systems:
        order = np.argsort(-some, axis=1, kind="stable")
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(1, some.shape[1] + 1)[None], axis=1)
        fused += 1 / (constant + ranks)
    return fused


def _validated(scores: Tensor, relevance: Tensor) -> Tensor:
    """Return the relevance, or say what is wrong with the two."""
    if scores.ndim != 2 or scores.shape != relevance.shape or not scores.numel():
        raise ValueError(
            f"scores {tuple(scores.shape)} and relevance {tuple(relevance.shape)} must both be "
            "(B, K): one score and one relevance for each candidate of each query."
        )
    if bool((relevance < 0).any()) or not bool((relevance > 0).any(1).all()):
        raise ValueError(
            "every query needs a candidate with relevance above 0, and none below 0: leave out "
            "queries whose right answer the first stage did not find."
        )
    return relevance
