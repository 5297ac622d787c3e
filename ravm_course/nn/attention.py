"""Attention: each query takes a weighted mean of values, weighted by how well keys answer it.

:func:`attention` is the idea in three lines (Vaswani et al., "Attention is all you need", NeurIPS
2017, section 3.2). :class:`MultiHeadAttention` cuts the *channels* into heads, lets each attend for
itself, and joins what they found; it computes with PyTorch's fused kernel unless the weights are
asked for, and can keep keys and values of earlier positions in a :class:`KeyValueCache`, so that
generating a token does not compute them again.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    r"""Return :math:`\mathrm{softmax}(QK^\top / \sqrt{d})\,V` and the weights.

    Parameters
    ----------
    query
        ``(..., T, d)``.
    key
        ``(..., S, d)``.
    value
        ``(..., S, e)``.
    mask
        ``(..., T, S)``, true where a query may look. A query that may look nowhere gets zeros.

    Returns
    -------
    output : Tensor
        ``(..., T, e)``.
    weights : Tensor
        ``(..., T, S)``; rows sum to one.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the mask is not boolean.

    Examples
    --------
    >>> output, weights = attention(torch.zeros(1, 2), torch.ones(2, 2), torch.tensor([[1.], [3.]]))
    >>> output, weights
    (tensor([[2.]]), tensor([[0.5000, 0.5000]]))
    """
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"query {tuple(query.shape)}, key {tuple(key.shape)} and value {tuple(value.shape)} "
            "do not fit: expected (..., T, d), (..., S, d) and (..., S, e)."
        )
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        if mask.dtype != torch.bool:
            raise ValueError(f"mask has dtype {mask.dtype}, expected torch.bool: True means look.")
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ value, weights


def causal_mask(queries: int, keys: int | None = None) -> Tensor:
    """Return which keys each query may see: those up to its own position.

    Parameters
    ----------
    queries
        T; they stand at the last T of the positions.
    keys
        S, all positions so far; as many as queries without.

    Returns
    -------
    Tensor
        Boolean, ``(T, S)``.

    Examples
    --------
    >>> causal_mask(2, 3).int()
    tensor([[1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    keys = queries if keys is None else keys
    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)


class KeyValueCache:
    """Keys and values of the positions that were already computed, of one layer.

    Memory for all positions is taken once; a step writes its rows and returns a view.

    Parameters
    ----------
    capacity
        Positions that fit in.

    Examples
    --------
    >>> cache = KeyValueCache(capacity=4)
    >>> step = torch.ones(1, 2, 3, 5)  # one text, two heads, three positions, five channels
    >>> keys, values = cache.append(step, step)
    >>> keys.shape, len(cache)
    (torch.Size([1, 2, 3, 5]), 3)
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._length = 0
        self._key = self._value = torch.empty(0)

    def __len__(self) -> int:
        return self._length

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write keys and values ``(B, heads, T, d)`` behind the earlier ones; return all.

        Raises
        ------
        ValueError
            If they do not fit any more.
        """
        end = self._length + key.shape[2]
        if end > self.capacity:
            raise ValueError(
                f"{end} positions do not fit into a cache of {self.capacity}: make a larger one, "
                "or drop the oldest text."
            )
        if not self._length:
            batch, heads, _, width = key.shape
            self._key = key.new_empty(batch, heads, self.capacity, width)
            self._value = value.new_empty(batch, heads, self.capacity, value.shape[3])
        self._key[:, :, self._length : end] = key
        self._value[:, :, self._length : end] = value
        self._length = end
        return self._key[:, :, :end], self._value[:, :, :end]

    def select(self, rows: Tensor) -> None:
        """Keep these texts of the batch, in this order (a beam search drops and doubles)."""
        self._key, self._value = self._key[rows], self._value[rows]


class MultiHeadAttention(nn.Module):
    """Attention in several heads, between projections.

    Parameters
    ----------
    channels
        C, in and out.
    heads
        Must divide `channels`.
    bias
        Whether the projections have one.
    dropout
        Probability with which a weight is dropped in training.
    rotate
        Applied to queries and keys ``(B, heads, T, d)`` together with the first position, before
        they meet; see :class:`ravm_course.nn.positions.Rotary`.

    Raises
    ------
    ValueError
        If `heads` does not divide `channels`.

    Examples
    --------
    >>> layer = MultiHeadAttention(8, heads=2)
    >>> layer(torch.zeros(3, 5, 8), causal=True).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        rotate: nn.Module | None = None,
    ):
        super().__init__()
        if heads < 1 or channels % heads:
            raise ValueError(f"{heads} heads do not divide {channels} channels evenly.")
        self.heads, self.dropout, self.rotate = heads, dropout, rotate
        self.project_in = nn.Linear(channels, 3 * channels, bias=bias)  # query, key, value
        self.project_out = nn.Linear(channels, channels, bias=bias)

    def forward(
        self,
        x: Tensor,
        source: Tensor | None = None,
        *,
        causal: bool = False,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """Let each position of `x` look at `source`, or at `x` itself.

        Parameters
        ----------
        x
            Where the queries come from, ``(B, T, C)``.
        source
            Where keys and values come from, ``(B, S, C)``; `x` without (self-attention).
        causal
            Whether a position sees only itself and what is before it.
        mask
            Boolean, broadcast to ``(B, heads, T, S)``; true where a query may look.
        cache
            Keys and values of earlier positions, which are looked at too.

        Returns
        -------
        Tensor
            ``(B, T, C)``.
        """
        q, k, v = self._project(x, source, cache)
        drop = self.dropout if self.training else 0.0
        if causal and mask is None and q.shape[2] == k.shape[2]:
            out = F.scaled_dot_product_attention(q, k, v, dropout_p=drop, is_causal=True)
        else:
            seen = self._seen(q, k, causal, mask)
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, dropout_p=drop)
        return self.project_out(out.transpose(1, 2).flatten(2))

    def weights(
        self,
        x: Tensor,
        source: Tensor | None = None,
        *,
        causal: bool = False,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return what each head of each position looks at, ``(B, heads, T, S)``."""
        q, k, v = self._project(x, source, None)
        return attention(q, k, v, self._seen(q, k, causal, mask))[1]

    def _project(self, x, source, cache):
        """Return queries, keys and values of all heads, ``(B, heads, T or S, d)``."""
        if source is None:
            parts = self.project_in(x).chunk(3, dim=2)
        else:
            weight, bias, channels = self.project_in.weight, self.project_in.bias, x.shape[2]
            q = F.linear(x, weight[:channels], None if bias is None else bias[:channels])
            kv = F.linear(source, weight[channels:], None if bias is None else bias[channels:])
            parts = (q, *kv.chunk(2, dim=2))
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        if self.rotate is not None:
            start = 0 if cache is None else len(cache)
            q, k = self.rotate(q, start), self.rotate(k, start)
        return (q, k, v) if cache is None else (q, *cache.append(k, v))

    @staticmethod
    def _seen(q, k, causal, mask):
        """Return the mask of everything that limits where a query may look, or None."""
        if not causal or q.shape[2] == 1:
            return mask
        seen = causal_mask(q.shape[2], k.shape[2]).to(q.device)
        return seen if mask is None else seen & mask
