"""EfficientNet-Lite0: a modern convolutional network, small enough for a laptop.

Three ideas make it cheap (Tan & Le, "EfficientNet", ICML 2019; the block is that of MobileNetV2,
Sandler et al., CVPR 2018). A convolution over all channels at once is *split*: a depthwise one
looks around in each channel alone, a 1x1 one mixes channels. The looking is done in a *wide* space,
six times the channels, which is entered and left by 1x1 convolutions. And the narrow ends are
*added* to each other where their shapes agree, so that gradients pass (He et al., CVPR 2016). The
Lite variant leaves out what small processors dislike: squeeze-and-excitation, and swish in favour
of ReLU6.

Borders are padded as TensorFlow does, in which it was trained: as little as possible, and the odd
pixel below and on the right. One pixel on each side would give the same shapes and other outputs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.training import load_shipped

#: Blocks, kernel, stride of the first, widening and channels out of each stage: EfficientNet-B0.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, FEATURES, CLASSES = 32, 1280, 1000  # channels before and after the stages, ImageNet's classes
_SHIFT, _SCALE = 127 / 255, 255 / 128  # pixels p in 0 .. 255 enter as (p - 127) / 128


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return how many zeros TensorFlow puts before and behind a line of `size` pixels.

    Examples
    --------
    >>> same_padding(224, kernel=3, stride=2), same_padding(7, kernel=5, stride=1)
    ((0, 1), (2, 2))
    """
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvNorm(nn.Module):
    """A convolution without bias, batch normalisation, and perhaps ReLU6.

    Parameters
    ----------
    channels_in, channels_out
        Channels before and after.
    kernel, stride
        Of the convolution.
    groups
        As many as channels make it depthwise.
    bend
        Whether negative values become zero, and those above six become six.

    Examples
    --------
    >>> ConvNorm(3, 8, kernel=3, stride=2)(torch.zeros(1, 3, 5, 6)).shape
    torch.Size([1, 8, 3, 3])
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        bend: bool = True,
    ):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01)
        self.bend = bend

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels_in, H, W)`` to ``(B, channels_out, H / stride, W / stride)``."""
        conv = self.conv
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        (top, bottom), (left, right) = (same_padding(n, kernel, stride) for n in x.shape[2:])
        if (top, left) == (bottom, right):
            x = F.conv2d(x, conv.weight, None, stride, (top, left), groups=conv.groups)
        else:
            x = conv(F.pad(x, (left, right, top, bottom)))
        x = self.norm(x)
        return F.relu6(x, inplace=True) if self.bend else x


class InvertedResidual(nn.Module):
    """Widen, look around in each channel, narrow; add the input where the shapes agree.

    Parameters
    ----------
    channels_in, channels_out
        Channels before and after.
    kernel, stride
        Of the depthwise convolution.
    widening
        How many times the channels are between.

    Examples
    --------
    >>> InvertedResidual(8, 16, kernel=5, stride=2, widening=6)(torch.zeros(1, 8, 4, 4)).shape
    torch.Size([1, 16, 2, 2])
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, widening: int
    ):
        super().__init__()
        wide = channels_in * widening
        self.widen = ConvNorm(channels_in, wide) if widening > 1 else nn.Identity()
        self.look = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.narrow = ConvNorm(wide, channels_out, bend=False)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels_in, H, W)`` to ``(B, channels_out, H / stride, W / stride)``."""
        inner = self.narrow(self.look(self.widen(x)))
        return x + inner if self.residual else inner


class EfficientNetLite0(nn.Module):
    """From pictures to 1,280 features, and from those to the classes of ImageNet.

    Parameters
    ----------
    classes
        Outputs of the last layer; None leaves it out.
    dropout
        Of the features before the last layer, in training.

    Examples
    --------
    >>> model = EfficientNetLite0(classes=None).eval()
    >>> model.features(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 1280])
    """

    def __init__(self, classes: int | None = CLASSES, dropout: float = 0.2):
        super().__init__()
        self.stem = ConvNorm(3, STEM, kernel=3, stride=2)
        blocks, before = [], STEM
        for repeats, kernel, stride, widening, after in STAGES:
            for i in range(repeats):
                blocks.append(InvertedResidual(before, after, kernel, 1 if i else stride, widening))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.last = ConvNorm(before, FEATURES)
        self.dropout = dropout
        self.classify = nn.Linear(FEATURES, classes) if classes else None
        self.to(memory_format=torch.channels_last)

    def maps(self, images: Tensor, after: int | None = None) -> Tensor:
        """Return the last feature maps, or those in the middle.

        Parameters
        ----------
        images
            ``(B, 3, H, W)``, floating point in [0, 1]; the published weights saw 224 x 224.
        after
            How many of the 16 blocks to pass; all and the last convolution without.

        Returns
        -------
        Tensor
            ``(B, 1280, H / 32, W / 32)``, sides rounded up; in the middle, fewer channels and
            larger maps.

        Raises
        ------
        ValueError
            If `images` is no batch of colour pictures, or there are not so many blocks.
        TypeError
            If they are not floating point.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.numel():
            raise ValueError(
                f"images have shape {tuple(images.shape)}, expected (B, 3, H, W) and none empty."
            )
        if not images.is_floating_point():
            raise TypeError(
                f"images are {images.dtype}, expected floating point in [0, 1]: divide by 255."
            )
        if after is not None and not 0 <= after <= len(self.blocks):
            raise ValueError(f"after is {after}: there are {len(self.blocks)} blocks to pass.")
        x = self.stem((images.to(memory_format=torch.channels_last) - _SHIFT) * _SCALE)
        x = self.blocks[:after](x)
        return self.last(x) if after is None else x

    def features(self, images: Tensor) -> Tensor:
        """Return the mean of :meth:`maps` over the picture, ``(B, 1280)``."""
        return self.maps(images).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the classes, ``(B, classes)``; the features without a last layer."""
        features = F.dropout(self.features(images), self.dropout, self.training)
        return features if self.classify is None else self.classify(features)


def from_published(weights: dict[str, Tensor]) -> EfficientNetLite0:
    """Return the model with the weights as ``efficientnet-lite-pytorch`` names them.

    Parameters
    ----------
    weights
        State of that package's ``efficientnet-lite0``.

    Returns
    -------
    EfficientNetLite0
        In evaluation mode.

    Raises
    ------
    RuntimeError
        If a weight is missing, superfluous or of another shape.
    """
    model = EfficientNetLite0()
    names = {"stem": ("_conv_stem", "_bn0"), "last": ("_conv_head", "_bn1")}
    for i, block in enumerate(model.blocks):
        first = 0 if isinstance(block.widen, ConvNorm) else 1
        for part, conv, norm in (
            ("widen", "_expand_conv", "_bn0"),
            ("look", "_depthwise_conv", "_bn1"),
            ("narrow", "_project_conv", "_bn2"),
        )[first:]:
            names[f"blocks.{i}.{part}"] = (f"_blocks.{i}.{conv}", f"_blocks.{i}.{norm}")
    theirs_to_ours = {"_fc.": "classify."}
    for ours, (conv, norm) in names.items():
        theirs_to_ours |= {f"{conv}.": f"{ours}.conv.", f"{norm}.": f"{ours}.norm."}
    state = {}
    for name, weight in weights.items():
        start = next((s for s in theirs_to_ours if name.startswith(s)), "")
        state[theirs_to_ours.get(start, "") + name.removeprefix(start)] = weight
    model.load_state_dict(state)
    return model.eval()


def load_efficientnet() -> EfficientNetLite0:
    """Return the published ImageNet encoder, without its last layer.

    ``tools/convert_efficientnet.py`` converted it; 224 x 224 is the size it was trained on.

    Returns
    -------
    EfficientNetLite0
        In evaluation mode, without gradients.

    Raises
    ------
    ravm_course.data.files.DataError
        If the weights are missing or damaged.

    Examples
    --------
    >>> load_efficientnet()(torch.rand(1, 3, 64, 64)).shape
    torch.Size([1, 1280])
    """
    return load_shipped(EfficientNetLite0(classes=None), "efficientnet-lite0")
