"""What enters a network of this room: pictures of the size it was made for, around zero."""

from __future__ import annotations

from torch import Tensor


def around_zero(images: Tensor, channels: int, side: int) -> Tensor:
    """Check pictures in [0, 1], and bring them to [-1, 1].

    Parameters
    ----------
    images
        ``(B, channels, side, side)``, floating point in [0, 1].
    channels, side
        Channels of a picture, and its height and width in pixels.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> import torch
    >>> around_zero(torch.tensor([[[[0.0, 0.25], [0.5, 1.0]]]]), channels=1, side=2).tolist()
    [[[[-1.0, -0.5], [0.0, 1.0]]]]
    """
    if images.ndim != 4 or images.shape[1:] != (channels, side, side):
        raise ValueError(
            f"images have shape {tuple(images.shape)}, expected (B, {channels}, {side}, {side}): "
            "the network was made for pictures of this size."
        )
    return images * 2 - 1
