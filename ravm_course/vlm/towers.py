"""The two towers: one turns a picture into a vector, the other a text.

The towers never see each other's input. All they share is the size of their output, so that an
inner product of the two is defined; the loss does the rest. This is what makes a dual encoder fast
at search: a million pictures are encoded once, and a query costs one pass through one tower
(Radford et al., "Learning transferable visual models from natural language supervision", ICML
2021, section 2.4, use a ResNet or a ViT and a Transformer; these are a thousand times smaller).

The image tower is a residual network (He et al., CVPR 2016) of plain 3x3 convolutions in
channels-last layout, which is what CPUs multiply fastest. It is normalised by groups of channels
(Wu & He, "Group normalization", ECCV 2018), not over the batch: in a contrastive batch the other
examples are the negatives, and a layer that mixes their statistics into each vector lets the
network use them (He et al., "Momentum contrast", CVPR 2020, section 3.3); it would also make a
picture's vector in training depend on what else was drawn, and differ between one process and two.

The text tower is a bag: the mean of hashed features (see :mod:`ravm_course.vlm.hashing`), then a
small network. It reads English and Chinese with the same weights, and by construction it cannot
tell two orders of the same words apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.vlm.hashing import hash_text


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to their input.

    Parameters
    ----------
    channels
        Channels in and out.
    groups
        Groups of :class:`torch.nn.GroupNorm`.

    Examples
    --------
    >>> ResidualBlock(16, groups=8)(torch.zeros(1, 16, 4, 4)).shape
    torch.Size([1, 16, 4, 4])
    """

    def __init__(self, channels: int, groups: int = 8):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(groups, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(groups, channels)
        nn.init.zeros_(self.norm2.weight)  # every block starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C, H, W)``."""
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(inner)))


class ImageTower(nn.Module):
    """A small residual network from pictures to vectors.

    Parameters
    ----------
    dim
        Size of the output.
    channels
        Channels of each stage; every stage after the first halves height and width.
    blocks
        Residual blocks of each stage.
    size
        Larger pictures are first averaged down to this height and width: a quarter of the pixels
        costs a quarter of the time, and a drawing is still plain at 32 x 32.
    groups
        Groups of every normalisation; must divide all of `channels`.

    Examples
    --------
    >>> tower = ImageTower(dim=8, channels=(8, 16), blocks=(1, 1))
    >>> tower(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        dim: int = 128,
        channels: Sequence[int] = (24, 48, 96, 192),
        blocks: Sequence[int] = (0, 1, 1, 1),
        size: int = 32,
        groups: int = 8,
    ):
        super().__init__()
        if len(channels) != len(blocks):
            raise ValueError(
                f"channels {tuple(channels)} and blocks {tuple(blocks)} "
                "must both have one entry a stage."
            )
        layers: list[nn.Module] = []
        before = 3
        for width, count in zip(channels, blocks, strict=True):
            layers += [
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                nn.GroupNorm(groups, width),
                nn.ReLU(),
            ]
            layers += [ResidualBlock(width, groups) for _ in range(count)]
            before = width
        self.size = size
        self.trunk = nn.Sequential(*layers)
        self.width = before
        self.head = nn.Linear(2 * before, dim)
        self.to(memory_format=torch.channels_last)

    def features(self, images: Tensor) -> Tensor:
        """Return what the head sees: mean and maximum over the last grid.

        Parameters
        ----------
        images
            Shape ``(B, 3, H, W)``, values in [0, 1], square.

        Returns
        -------
        Tensor
            Shape ``(B, 2 * channels[-1])``.

        Raises
        ------
        ValueError
            If the shape or the values are not those of a batch of pictures.
        """
        if images.ndim != 4 or images.shape[1] != 3 or len(images) == 0:
            raise ValueError(
                f"images have shape {tuple(images.shape)}, expected (B, 3, H, W), B at least 1. "
                "to_float() turns uint8 (N, H, W, 3) into that."
            )
        if not images.is_floating_point():
            raise TypeError(
                f"images are {images.dtype}, expected floating point in [0, 1]: use to_float()."
            )
        if max(images.shape[2:]) > self.size:
            images = F.adaptive_avg_pool2d(images, self.size)
        x = self.trunk(images.to(memory_format=torch.channels_last) * 2 - 1)
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures ``(B, 3, H, W)`` in [0, 1] to vectors ``(B, dim)`` of any length."""
        return self.head(self.features(images))


class TextTower(nn.Module):
    """A bag of hashed words and character n-grams, then a small network.

    Parameters
    ----------
    dim
        Size of the output.
    buckets
        Rows of the embedding table.
    width
        Columns of the embedding table.
    hidden
        Units of the hidden layer.
    dropout
        Share of hidden units dropped in training.

    Examples
    --------
    >>> tower = TextTower(dim=8, buckets=64, width=16).eval()
    >>> tower(["a cat", "一只猫"]).shape
    torch.Size([2, 8])
    >>> torch.equal(tower(["dog left of cat"]), tower(["cat left of dog"]))
    True
    """

    def __init__(
        self,
        dim: int = 128,
        buckets: int = 8192,
        width: int = 96,
        hidden: int = 256,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.buckets = buckets
        self.table = nn.EmbeddingBag(buckets, width, mode="mean")
        nn.init.normal_(self.table.weight, std=0.02)
        self.norm = nn.LayerNorm(width)  # the mean of many features is short: bring it back to size
        self.hidden = nn.Linear(width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, dim)

    def features(self, texts: Sequence[str]) -> Tensor:
        """Return the mean of the embeddings of each text's features.

        The features of a text are sorted before they are summed, so that two orders of the same
        words give the same floating-point numbers, not only nearly the same.

        Parameters
        ----------
        texts
            Sequence of B strings.

        Returns
        -------
        Tensor
            Shape ``(B, width)``.

        Raises
        ------
        TypeError
            If `texts` is one string instead of a sequence of strings.
        ValueError
            If `texts` is empty.
        """
        if isinstance(texts, str):
            raise TypeError(f"texts is one string, {texts!r}: pass a list, such as [{texts!r}].")
        if len(texts) == 0:
            raise ValueError("texts is empty: pass at least one.")
        bags = [sorted(hash_text(text, self.buckets)) for text in texts]
        device = self.table.weight.device
        flat = torch.tensor(list(chain.from_iterable(bags)), device=device)
        lengths = torch.tensor([0] + [len(bag) for bag in bags[:-1]], device=device)
        return self.table(flat, lengths.cumsum(0))

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Map B texts to vectors ``(B, dim)``, not yet of unit length."""
        return self.head(self.dropout(F.gelu(self.hidden(self.norm(self.features(texts))))))
