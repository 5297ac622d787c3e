"""Where a token stands: attention by itself cannot tell one order of its input from another.

* :func:`sinusoidal` writes the position into the input as sines and cosines of many wavelengths
  (Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5).
* A table of learned vectors, one a position, is a :class:`torch.nn.Embedding` and needs no code.
* :class:`Rotary` turns queries and keys by an angle that grows with the position; their inner
  product then depends on the distance alone (Su et al., "RoFormer", 2021, section 3.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def frequencies(count: int, base: float = 10_000.0) -> Tensor:
    """Return `count` angles a step, in radians, from 1 downwards as a geometric series.

    Examples
    --------
    >>> frequencies(2)
    tensor([1.0000, 0.0100])
    """
    return base ** (-torch.arange(count, dtype=torch.float64) / count).float()


def sinusoidal(length: int, channels: int) -> Tensor:
    """Return the position vectors of the original Transformer.

    Parameters
    ----------
    length
        Positions, T.
    channels
        C, even.

    Returns
    -------
    Tensor
        ``(T, C)``; sines in even columns, cosines in odd ones.

    Raises
    ------
    ValueError
        If `channels` is odd.

    Examples
    --------
    >>> sinusoidal(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """
    if channels % 2:
        raise ValueError(f"channels is {channels}, expected an even number: sine and cosine.")
    angles = torch.arange(length)[:, None] * frequencies(channels // 2)
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


class Rotary(nn.Module):
    """Turn pairs of channels by an angle proportional to the position.

    Channel ``i`` is paired with channel ``i + d/2``, as in GPT-NeoX and Llama.

    Parameters
    ----------
    width
        Channels of one head, d, even.
    context
        Positions for which angles are kept.
    base
        Wavelengths go from 2 pi to 2 pi `base` positions.

    Raises
    ------
    ValueError
        If `width` is odd.

    Examples
    --------
    >>> turn = Rotary(width=2, context=8)
    >>> turn(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))  # turned by 0 and by 1 radian
    tensor([[1.0000, 0.0000],
            [0.5403, 0.8415]])
    """

    def __init__(self, width: int, context: int, base: float = 10_000.0):
        super().__init__()
        if width % 2:
            raise ValueError(f"width is {width}, expected an even number: channels turn in pairs.")
        angles = torch.arange(context)[:, None] * frequencies(width // 2, base)
        self.register_buffer("cosine", angles.cos().repeat(1, 2), persistent=False)
        self.register_buffer("sine", angles.sin().repeat(1, 2), persistent=False)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """Turn ``(..., T, d)``, whose first row stands at position `start`.

        Raises
        ------
        ValueError
            If a position lies beyond the context.
        """
        end = start + x.shape[-2]
        if end > len(self.cosine):
            raise ValueError(
                f"position {end - 1} lies beyond the context of {len(self.cosine)} positions."
            )
        half = x.shape[-1] // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
        return x * self.cosine[start:end] + turned * self.sine[start:end]
