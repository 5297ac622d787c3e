"""From scores to the next token: temperature, top-k and top-p.

A model says how probable each token is; what is written is another decision. The greatest
probability every time (greedy) repeats itself; the plain distribution wanders off through its long
tail of unlikely tokens. Temperature sharpens or flattens it; top-k cuts it after k tokens (Fan et
al., "Hierarchical neural story generation", ACL 2018), top-p after those that hold a share p of it
(Holtzman et al., "The curious case of neural text degeneration", ICLR 2020).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def next_probabilities(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """Return the distribution from which the next token is drawn.

    Parameters
    ----------
    logits
        ``(..., V)``.
    temperature
        Divides the logits first; 0 puts everything on the most probable token.
    top_k
        Keep the k most probable tokens only (more where several tie for the last place).
    top_p
        Then keep the fewest tokens that together have at least this probability.

    Returns
    -------
    Tensor
        ``(..., V)``, sums to one.

    Raises
    ------
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> logits = torch.tensor([0.5, 0.3, 0.2]).log()
    >>> next_probabilities(logits, top_p=0.6)
    tensor([0.6250, 0.3750, 0.0000])
    >>> next_probabilities(logits, temperature=0)
    tensor([1., 0., 0.])
    """
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError(f"temperature is {temperature}, expected a number of at least 0.")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is {top_k}, expected at least 1.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p}, expected a share in (0, 1].")
    if temperature == 0:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(dim=-1, keepdim=True), 1.0)
    logits = logits / temperature
    if top_k is not None and top_k < logits.shape[-1]:
        last = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < last, -math.inf)
    probabilities = logits.softmax(dim=-1)
    if top_p is not None and top_p < 1:
        ordered, tokens = probabilities.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(dim=-1) - ordered
        ordered = ordered.masked_fill(before >= top_p, 0.0)
        probabilities = torch.zeros_like(probabilities).scatter_(-1, tokens, ordered)
        probabilities = probabilities / probabilities.sum(dim=-1, keepdim=True)
    return probabilities
