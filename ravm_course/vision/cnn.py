"""Convolutional networks: filters upon filters, with or without a way round them.

:class:`ConvNet` halves height and width from stage to stage and widens the channels, as networks
have since LeNet (LeCun et al., "Gradient-based learning applied to document recognition", 1998).
Within a stage stand blocks of two convolutions; ``residual=True`` adds a block's input to its
output, so that a block only has to learn what to *change* (He et al., "Deep residual learning for
image recognition", CVPR 2016). With ``residual=False`` it is the same network, number for number,
without the sum: the control that shows what the sum does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.vision.pixels import around_zero


@dataclass(frozen=True)
class ConvNetConfig:
    """Shape of a convolutional network.

    Attributes
    ----------
    classes
        Outputs, K.
    channels_in
        Channels of the pictures.
    image
        Height and width of the pictures in pixels.
    channels
        Of each stage; every stage begins with a convolution of stride 2 but the first.
    blocks
        Blocks of two convolutions in each stage, behind that convolution.
    stride
        Of the first convolution.
    residual
        Whether a block's input is added to its output.
    norm
        Whether a batch normalisation stands behind each convolution.
    head
        What the last, linear map reads: ``"places"`` all places of the last maps, ``"mean"`` the
        mean of each map, which knows that something is there but not where.
    """

    classes: int = 10
    channels_in: int = 1
    image: int = 28
    channels: tuple[int, ...] = (32, 64)
    blocks: tuple[int, ...] = (0, 0)
    stride: int = 2
    residual: bool = True
    norm: bool = True
    head: str = "places"


class ConvBlock(nn.Module):
    """Two 3x3 convolutions; with `residual`, the input is added before the last bend.

    Parameters
    ----------
    channels
        C, in and out.
    residual, norm
        See :class:`ConvNetConfig`.

    Examples
    --------
    >>> import torch
    >>> ConvBlock(4, residual=True, norm=True)(torch.zeros(2, 4, 5, 6)).shape
    torch.Size([2, 4, 5, 6])
    """

    def __init__(self, channels: int, *, residual: bool, norm: bool):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=not norm)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=not norm)
        self.first_norm = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.second_norm = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        inner = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        return F.relu(x + inner if self.residual else inner)


class ConvNet(nn.Module):
    """From pictures to scores of classes, by convolutions.

    Parameters
    ----------
    config
        Its shape.

    Raises
    ------
    ValueError
        If `channels` and `blocks` differ in length, or the head is unknown.

    Examples
    --------
    >>> import torch
    >>> ConvNet(ConvNetConfig())(torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, config: ConvNetConfig):
        super().__init__()
        if len(config.channels) != len(config.blocks) or not config.channels:
            raise ValueError(
                f"channels {config.channels} and blocks {config.blocks}: expected one of each a "
                "stage, and at least one stage."
            )
        if config.head not in ("places", "mean"):
            raise ValueError(f"head is {config.head!r}: expected 'places' or 'mean'.")
        self.config = config
        layers: list[nn.Module] = []
        before, stride, side = config.channels_in, config.stride, config.image
        for width, count in zip(config.channels, config.blocks, strict=True):
            layers.append(nn.Conv2d(before, width, 3, stride, padding=1, bias=not config.norm))
            if config.norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
            layers += [
                ConvBlock(width, residual=config.residual, norm=config.norm) for _ in range(count)
            ]
            side = -(-side // stride)
            before, stride = width, 2
        self.trunk = nn.Sequential(*layers)
        read = before * side**2 if config.head == "places" else before
        self.classify = nn.Linear(read, config.classes)

    def maps(self, images: Tensor) -> Tensor:
        """Return the last feature maps.

        Parameters
        ----------
        images
            ``(B, channels_in, H, W)``, floating point in [0, 1].

        Returns
        -------
        Tensor
            ``(B, channels[-1], H', W')``.

        Raises
        ------
        ValueError
            If the shape is another.
        """
        c = self.config
        return self.trunk(around_zero(images, c.channels_in, c.image))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the classes, ``(B, K)``."""
        x = self.maps(images)
        return self.classify(x.flatten(1) if self.config.head == "places" else x.mean((2, 3)))
