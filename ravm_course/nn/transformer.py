"""The block that Transformers stack: positions exchange what they know, then each thinks.

Both halves are added to their input, and read it normalised ("pre-norm": Xiong et al., "On layer
normalization in the Transformer architecture", ICML 2020), so that the input passes through the
whole stack unhindered.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.nn.attention import KeyValueCache, MultiHeadAttention


class FeedForward(nn.Module):
    """Two linear maps with a bend between, for each position by itself.

    Parameters
    ----------
    channels
        C, in and out.
    hidden
        Channels between; 4 C without.
    bias
        Whether the maps have one.
    approximate
        ``"tanh"`` for the GELU of GPT-2, ``"none"`` for the exact one of BERT (Hendrycks &
        Gimpel, "Gaussian error linear units", 2016).

    Examples
    --------
    >>> import torch
    >>> FeedForward(8)(torch.zeros(2, 3, 8)).shape
    torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        channels: int,
        hidden: int | None = None,
        *,
        bias: bool = True,
        approximate: str = "tanh",
    ):
        super().__init__()
        hidden = 4 * channels if hidden is None else hidden
        self.widen = nn.Linear(channels, hidden, bias=bias)
        self.narrow = nn.Linear(hidden, channels, bias=bias)
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., C)`` to ``(..., C)``."""
        return self.narrow(F.gelu(self.widen(x), approximate=self.approximate))


class Block(nn.Module):
    """Self-attention and a feed-forward network, each normalised before and added after.

    Parameters
    ----------
    channels, heads
        Of the attention.
    bias
        Whether linear maps have one.
    dropout
        Of what both branches add, in training.
    attention_dropout
        Of attention weights, in training.
    rotate
        See :class:`ravm_course.nn.attention.MultiHeadAttention`.

    Examples
    --------
    >>> import torch
    >>> Block(8, heads=2)(torch.zeros(2, 3, 8), causal=True).shape
    torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        rotate: nn.Module | None = None,
    ):
        super().__init__()
        self.attention_norm = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(
            channels, heads, bias=bias, dropout=attention_dropout, rotate=rotate
        )
        self.feed_forward_norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, bias=bias)
        self.dropout = dropout

    def forward(
        self,
        x: Tensor,
        *,
        causal: bool = False,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """Map ``(B, T, C)`` to ``(B, T, C)``; see :class:`MultiHeadAttention` for the rest."""
        heard = self.attention(self.attention_norm(x), causal=causal, mask=mask, cache=cache)
        x = x + F.dropout(heard, self.dropout, self.training)
        thought = self.feed_forward(self.feed_forward_norm(x))
        return x + F.dropout(thought, self.dropout, self.training)


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers a model learns; shared ones count once.

    Examples
    --------
    >>> count_parameters(nn.Linear(2, 3))
    9
    """
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def matrix_flops(module: nn.Module, tokens: int) -> int:
    """Return the floating-point operations of all linear maps in a forward pass.

    A product of `tokens` rows with an ``(out, in)`` matrix needs ``2 tokens in out`` operations
    (Kaplan et al., "Scaling laws for neural language models", 2020, section 2.1). Attention's own
    products, which grow with the square of the length, are not in it.

    Examples
    --------
    >>> matrix_flops(nn.Linear(2, 3), tokens=10)
    120
    """
    maps = [m for m in module.modules() if isinstance(m, nn.Linear)]
    return sum(2 * tokens * m.in_features * m.out_features for m in maps)
