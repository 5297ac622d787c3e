r"""Teach a retriever with known pairs: against whatever is in the batch, or against near misses.

With known pairs the retriever learns by itself. The loss is the cross-entropy of the right passage
among some passages,

.. math:: L = -\log \frac{e^{s_+}}{e^{s_+} + \sum_{-} e^{s_-}},
    \qquad \frac{\partial L}{\partial s_-} = p(-),

so a negative teaches as much as it is mistaken for the right one: one that is far away teaches
nothing. *In-batch* negatives are the right passages of the other queries and cost nothing
(Karpukhin et al., "Dense passage retrieval", EMNLP 2020). *Mined* negatives are the wrong passages
that the retriever itself ranks first, searched for in the whole store and searched again while it
learns (Xiong et al., "Approximate nearest neighbor negative contrastive learning", ICLR 2021).

Where the pairs are not known, passages that hold the answer may stand in for the right one. That
is *distant supervision*: some of them hold it by accident.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mine_negatives(scores: Tensor, right: Tensor, count: int) -> Tensor:
    """Return the wrong passages with the highest scores.

    Parameters
    ----------
    scores
        Of all N passages for each query, shape ``(B, N)``.
    right
        True where a passage is right, or must not be taken for wrong, shape ``(B, N)``.
    count
        How many.

    Returns
    -------
    Tensor
        Rows of passages, highest score first, shape ``(B, count)``.

    Raises
    ------
    ValueError
        If the shapes differ or a query has fewer wrong passages.

    Examples
    --------
    >>> scores = torch.tensor([[0.9, 0.8, 0.1, 0.7]])
    >>> mine_negatives(scores, torch.tensor([[True, False, False, False]]), 2)
    tensor([[1, 3]])
    """
    _check(scores, right)
    fewest = int((~right).sum(1).min())
    if not 1 <= count <= fewest:
        raise ValueError(f"count is {count}, but a query has only {fewest} wrong passages.")
    return scores.masked_fill(right, -torch.inf).topk(count, dim=1).indices


def random_negatives(right: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return wrong passages drawn at random, shape ``(B, count)``: the control of mining.

    Parameters and errors are those of :func:`mine_negatives`; no passage is drawn twice.

    Examples
    --------
    >>> right = torch.tensor([[True, False, False]])
    >>> sorted(random_negatives(right, 2, torch.Generator().manual_seed(0))[0].tolist())
    [1, 2]
    """
    return mine_negatives(torch.rand(right.shape, generator=generator), right, count)


def contrastive_loss(scores: Tensor, right: Tensor, among: Tensor | None = None) -> Tensor:
    r"""Return minus the log-probability that the retriever chooses a right passage.

    With one right passage a query this is the loss above. With several, their probabilities are
    added up, and the loss does not mind which of them is chosen.

    Parameters
    ----------
    scores
        Shape ``(B, N)``.
    right
        True where a passage is right; each query needs one. Shape ``(B, N)``.
    among
        True where a passage takes part, shape ``(B, N)``; right ones always do. None: all of them.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    ValueError
        If the shapes differ, or a query has no right passage.

    Examples
    --------
    Three passages alike, one of them right; then only one wrong one takes part:

    >>> scores, right = torch.zeros(1, 3), torch.tensor([[True, False, False]])
    >>> round(contrastive_loss(scores, right).exp().item(), 4)
    3.0
    >>> among = torch.tensor([[False, True, False]])
    >>> round(contrastive_loss(scores, right, among).exp().item(), 4)
    2.0
    """
    _check(scores, right)
    if not bool(right.any(1).all()):
        row = int((~right.any(1)).nonzero()[0])
        raise ValueError(f"query {row} has no right passage: leave it out.")
    if among is not None:
        _check(scores, among)
        scores = scores.masked_fill(~(among | right), -torch.inf)
    found = scores.masked_fill(~right, -torch.inf).logsumexp(1)
    return (scores.logsumexp(1) - found).mean()


def _check(scores: Tensor, mask: Tensor) -> None:
    if scores.ndim != 2 or mask.shape != scores.shape or mask.dtype != torch.bool:
        raise ValueError(
            f"scores have shape {tuple(scores.shape)}, the mask is {mask.dtype} of shape "
            f"{tuple(mask.shape)}: expected (B, N) and booleans of the same shape."
        )
