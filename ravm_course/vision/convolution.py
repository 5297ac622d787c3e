"""Convolution: one small pattern, laid on every place of a picture.

What deep learning calls a convolution is, to be exact, a *cross-correlation*: the pattern is not
turned round before it is laid on (Goodfellow, Bengio & Courville, *Deep Learning*, 2016, section
9.1). :func:`correlate` computes it for all places at once as one matrix product, and
:func:`as_matrix` writes the same map as the matrix of a linear layer. In that matrix, most entries
are zero (a place sees its neighbourhood only) and the others repeat (all places use one pattern):
these two are what a convolutional network knows about pictures before it has seen one.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor


def windows(x: Tensor, size: int, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Return every window of a batch of pictures.

    Parameters
    ----------
    x
        ``(B, C, H, W)``.
    size
        Height and width of a window, k.
    stride
        Pixels from one window to the next.
    padding
        Zeros added on every side first.

    Returns
    -------
    Tensor
        ``(B, C, H', W', k, k)`` with ``H' = (H + 2 padding - k) // stride + 1``; a view of `x`
        where nothing was added.

    Raises
    ------
    ValueError
        If `x` is no batch of pictures, or the window does not fit into it.

    Examples
    --------
    >>> windows(torch.arange(9.0).view(1, 1, 3, 3), 2)[0, 0, 1, 1]
    tensor([[4., 5.],
            [7., 8.]])
    """
    if x.ndim != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}, expected (B, C, H, W).")
    if size < 1 or stride < 1 or padding < 0:
        raise ValueError(
            f"size {size}, stride {stride} and padding {padding}: expected at least 1, 1 and 0."
        )
    if padding:
        x = F.pad(x, [padding] * 4)
    if min(x.shape[2:]) < size:
        raise ValueError(
            f"a window of {size} does not fit into {x.shape[2]} x {x.shape[3]} pixels (padding "
            "included): take a smaller one, or pad more."
        )
    return x.unfold(2, size, stride).unfold(3, size, stride)


def correlate(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, padding: int = 0
) -> Tensor:
    """Return how well each pattern fits each place: the sum of products over the window.

    Parameters
    ----------
    x
        ``(B, C, H, W)``.
    weight
        The patterns (filters, kernels), ``(O, C, k, k)``: as deep as the picture, one an output
        channel.
    bias
        Added to each output channel, ``(O,)``.
    stride, padding
        See :func:`windows`.

    Returns
    -------
    Tensor
        ``(B, O, H', W')``, as :func:`torch.nn.functional.conv2d` returns it.

    Raises
    ------
    ValueError
        If the channels of picture and patterns differ, or a pattern is not square.

    Examples
    --------
    >>> step = torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]])
    >>> correlate(step, torch.tensor([[[[-1.0]]]])).shape
    torch.Size([1, 1, 1, 4])
    """
    if weight.ndim != 4 or weight.shape[2] != weight.shape[3]:
        raise ValueError(f"weight has shape {tuple(weight.shape)}, expected (O, C, k, k).")
    if x.ndim == 4 and x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"the pictures have {x.shape[1]} channels and the patterns {weight.shape[1]}: a "
            "pattern is as deep as the picture."
        )
    seen = windows(x, weight.shape[2], stride=stride, padding=padding)
    out = torch.einsum("bchwij,ocij->bohw", seen, weight)
    return out if bias is None else out + bias[:, None, None]


def as_matrix(pattern: Tensor, height: int, width: int) -> Tensor:
    """Return the matrix of a linear layer that does what laying a pattern on does.

    Parameters
    ----------
    pattern
        ``(k, k)``.
    height, width
        Of the picture, which is read row by row as a vector of ``height * width`` pixels.

    Returns
    -------
    Tensor
        ``(H' W', H W)`` with ``H' = H - k + 1``: the layer's weight. Of its entries, only ``k * k``
        differ from each other and from zero.

    Raises
    ------
    ValueError
        If the pattern does not fit.

    Examples
    --------
    >>> as_matrix(torch.tensor([[2.0]]), 1, 3)
    tensor([[2., 0., 0.],
            [0., 2., 0.],
            [0., 0., 2.]])
    """
    unit = torch.eye(height * width, dtype=pattern.dtype).view(-1, 1, height, width)
    return correlate(unit, pattern[None, None]).flatten(1).T.contiguous()


def receptive_field(layers: Iterable[tuple[int, int]]) -> int:
    """Return how many pixels in a row one place of the last map can see.

    Parameters
    ----------
    layers
        Kernel and stride of each layer (convolutions and poolings), from the picture on.

    Returns
    -------
    int
        Height or width of the field.

    Examples
    --------
    >>> receptive_field([(3, 1), (3, 1)]), receptive_field([(3, 2), (3, 2), (3, 2)])
    (5, 15)
    """
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field
