"""Random changes to a batch of pictures that leave their meaning.

Seven artists draw a lion in seven ways. A model that has seen five of them should expect the sixth
to differ again: in outline, palette, pose, shading. Each change here imitates one of these
differences (turning and scaling, colours, drawn outlines, softness, a part hidden), so that the
network cannot rely on any of them. All act on the whole batch at once, each picture with its own
random numbers, and cost little beside the network (compare Chen et al., "A simple framework for
contrastive learning of visual representations", ICML 2020, section 3).

Mirroring is chosen picture by picture: it leaves a fish a fish, and turns a left arrow into a right
one and an R into something else. :func:`may_mirror` decides by the concept's group and name.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMINANCE = (0.299, 0.587, 0.114)


def may_mirror(group: str, name: str) -> bool:
    """Say whether the mirror image of a drawing still shows the same concept.

    Parameters
    ----------
    group
        The concept's group, such as ``"animals-nature"``.
    name
        Its English name.

    Returns
    -------
    bool
        False for symbols and flags, and for names that speak of a side, a clock or writing.

    Examples
    --------
    >>> may_mirror("animals-nature", "lion"), may_mirror("symbols", "left arrow")
    (True, False)
    >>> may_mirror("people-body", "backhand index pointing right")
    False
    """
    sided = (
        "left",
        "right",
        "clock",
        "o’clock",
        "thirty",
        "button",
        "first quarter",
        "last quarter",
    )
    return group not in ("symbols", "flags") and not any(word in name for word in sided)


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def affine(
    images: Tensor, generator: torch.Generator, *, size: int, strength: float, mirror: Tensor
) -> Tensor:
    """Turn, scale, shear, shift and (where `mirror` allows) mirror each picture, and resize all.

    Parameters
    ----------
    images
        Shape ``(B, 3, H, W)``.
    generator
        Source of randomness.
    size
        Height and width of the result.
    strength
        1 for up to 25 degrees, scale 0.75 to 1.2, shear 0.2, shift of 12 %; 0 for none.
    mirror
        Booleans of shape ``(B,)``; half of those allowed are mirrored.

    Returns
    -------
    Tensor
        Shape ``(B, 3, size, size)``; what lies outside the picture is white.
    """
    n = len(images)
    angle = _uniform(n, -1, 1, generator) * strength * math.radians(25)
    zoom = torch.exp(_uniform(n, -0.18, 0.29, generator) * strength)
    aspect = torch.exp(_uniform(n, -0.15, 0.15, generator) * strength)
    shear = _uniform(n, -0.2, 0.2, generator) * strength
    side = 1 - 2 * ((torch.rand(n, generator=generator) < 0.5) & mirror).float()
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = cos * zoom * aspect * side
    theta[:, 0, 1] = (shear * cos - sin) * zoom
    theta[:, 1, 0] = sin * zoom * aspect * side
    theta[:, 1, 1] = (shear * sin + cos) * zoom
    theta[:, :, 2] = (torch.rand(n, 2, generator=generator) * 2 - 1) * 0.24 * strength
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
    # zeros of the negative are white: what lies outside the drawing is paper
    return 1 - F.grid_sample(1 - images, grid, padding_mode="zeros", align_corners=False)


def recolour(images: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Rotate the hue, change saturation, contrast and brightness of each picture.

    All four are one 3x3 matrix and one offset a picture.

    Parameters
    ----------
    images
        Shape ``(B, 3, H, W)`` in [0, 1].
    generator
        Source of randomness.
    strength
        1 for the usual changes, 0 for none.

    Returns
    -------
    Tensor
        The same shape, in [0, 1].
    """
    n = len(images)
    angle = torch.randn(n, generator=generator) * 0.35 * strength
    grey_axis = torch.full((3, 3), 1 / 3)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    hue = cos * torch.eye(3) + sin * cross + (1 - cos) * grey_axis  # rotation about the grey axis
    saturation = torch.exp(torch.randn(n, generator=generator) * 0.4 * strength).clamp(max=2)
    saturation = torch.where(
        torch.rand(n, generator=generator) < 0.1 * strength, torch.zeros(n), saturation
    )[:, None, None]
    luminance = torch.tensor(_LUMINANCE).expand(3, 3)
    matrix = (saturation * torch.eye(3) + (1 - saturation) * luminance) @ hue
    contrast = torch.exp(torch.randn(n, generator=generator) * 0.2 * strength)[:, None, None]
    # white stays near white: contrast turns about white, not about mid-grey
    flat = images.flatten(2)
    changed = 1 + contrast * (torch.bmm(matrix, flat) - 1)
    return changed.clamp(0, 1).view_as(images)


def background(images: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Paint the white of a share of the pictures in a random light colour.

    Parameters
    ----------
    images
        Shape ``(B, 3, H, W)`` in [0, 1].
    generator
        Source of randomness.
    share
        Share of pictures that are changed.

    Returns
    -------
    Tensor
        The same shape.
    """
    n = len(images)
    colour = 1 - 0.5 * torch.rand(n, 3, 1, 1, generator=generator)
    chosen = (torch.rand(n, generator=generator) < share).float()[:, None, None, None]
    white = ((images.amin(1, keepdim=True) - 0.9) * 10).clamp(0, 1) * chosen
    return images * (1 - white) + colour * white


def outline(images: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Darken the edges of a share of the pictures, as an artist who draws outlines would.

    Parameters
    ----------
    images
        Shape ``(B, 3, H, W)`` in [0, 1].
    generator
        Source of randomness.
    share
        Share of pictures that are changed.

    Returns
    -------
    Tensor
        The same shape.
    """
    n = len(images)
    amount = torch.rand(n, generator=generator) * 1.5
    amount = amount * (torch.rand(n, generator=generator) < share)
    grey = images.mean(1, keepdim=True)
    edge = F.max_pool2d(grey, 3, 1, 1) + F.max_pool2d(-grey, 3, 1, 1)
    return images * (1 - amount[:, None, None, None] * edge).clamp(0, 1)


def soften(images: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Blur a share of the pictures, each by its own amount.

    Parameters
    ----------
    images
        Shape ``(B, 3, H, W)``.
    generator
        Source of randomness.
    share
        Share of pictures that are changed.

    Returns
    -------
    Tensor
        The same shape.
    """
    n = len(images)
    amount = torch.rand(n, generator=generator) * (torch.rand(n, generator=generator) < share)
    blurred = F.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    return torch.lerp(images, blurred, amount[:, None, None, None])


def cut_out(images: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Hide a rectangle of a share of the pictures behind one colour (DeVries & Taylor, 2017).

    Parameters
    ----------
    images
        Shape ``(B, 3, H, W)``.
    generator
        Source of randomness.
    share
        Share of pictures that are changed.

    Returns
    -------
    Tensor
        The same shape.
    """
    n, _, height, width = images.shape
    chosen = torch.rand(n, generator=generator) < share
    inside = torch.ones(n, 1, height, width, dtype=torch.bool)
    for axis, length in ((2, height), (3, width)):
        start = _uniform(n, 0, 0.8, generator)
        end = start + _uniform(n, 0.15, 0.45, generator)
        place = ((torch.arange(length) + 0.5) / length).view(
            [1, 1] + [1] * (axis - 2) + [-1] + [1] * (3 - axis)
        )
        view = (n, 1, 1, 1)
        inside = inside & (place >= start.view(view)) & (place < end.view(view))
    hidden = inside & chosen.view(n, 1, 1, 1)
    return torch.where(hidden, torch.rand(n, 3, 1, 1, generator=generator), images)


def augment(
    images: Tensor,
    generator: torch.Generator,
    *,
    size: int | None = None,
    strength: float = 1.0,
    mirror: Tensor | None = None,
) -> Tensor:
    """Apply all changes of this module, each picture with its own random numbers.

    Parameters
    ----------
    images
        float32 in [0, 1], shape ``(B, 3, H, W)``, on the CPU.
    generator
        Source of randomness: the same generator state gives the same result.
    size
        Height and width of the result; that of `images` by default.
    strength
        0 for none (only resizing), 1 for the usual.
    mirror
        Booleans of shape ``(B,)``: which pictures may be mirrored. None by default.

    Returns
    -------
    Tensor
        Shape ``(B, 3, size, size)``, in [0, 1].

    Examples
    --------
    >>> pictures = torch.rand(2, 3, 64, 64)
    >>> augment(pictures, torch.Generator().manual_seed(0), size=32).shape
    torch.Size([2, 3, 32, 32])
    """
    size = size or images.shape[-1]
    mirror = torch.zeros(len(images), dtype=torch.bool) if mirror is None else mirror
    images = affine(images, generator, size=size, strength=strength, mirror=mirror)
    if strength == 0:
        return images
    images = recolour(images, generator, strength)
    images = outline(images, generator, 0.3 * strength)
    images = background(images, generator, 0.3 * strength)
    images = soften(images, generator, 0.3 * strength)
    return cut_out(images, generator, 0.3 * strength)
