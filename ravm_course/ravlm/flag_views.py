"""Draw one flag in many ways, and make new flags out of old ones.

Two kinds of random change teach which pictures show the same flag. :func:`restyle` changes each
picture of a pair by itself: what it does, the network learns to overlook. :func:`invent` changes
both pictures of a pair alike, by mirroring them and exchanging colours: what it does makes a flag
that no country has, and the network learns to tell it from the others. The first kind is the
augmentation of Chen et al., "A simple framework for contrastive learning of visual
representations", ICML 2020, section 3; chapter 20 measures what each is worth.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.vlm import to_float

_ORDERS = torch.tensor([[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0], [2, 0, 1]])


def crop(images: np.ndarray, size: int = 32) -> Tensor:
    """Cut off the white margin of each picture and stretch what is left to a square.

    Artists leave different margins and draw different outlines; after this, the top left corner
    of the tensor is the top left corner of the flag, or of the square around a round one.

    Parameters
    ----------
    images
        uint8, shape ``(N, H, W, 3)``.
    size
        Height and width of the result.

    Returns
    -------
    Tensor
        float32 in [0, 1], shape ``(N, 3, size, size)``. A picture that is all white stays white.

    Examples
    --------
    >>> picture = np.full((1, 8, 8, 3), 255, dtype=np.uint8)
    >>> picture[0, 2:6, 1:7] = 0
    >>> crop(picture, size=4).max().item()
    0.0
    """
    pictures = to_float(images)
    cut = []
    for picture in pictures:
        ink = picture.amin(dim=0) < 1 - 2.5 / 255
        rows, columns = ink.any(dim=1).nonzero().flatten(), ink.any(dim=0).nonzero().flatten()
        if len(rows):
            picture = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        cut.append(
            F.interpolate(picture[None], size=(size, size), mode="bilinear", antialias=True)[
                0
            ].clamp(0, 1)
        )
    return torch.stack(cut)


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator) * (high - low) + low


def restyle(
    flags: Tensor,
    generator: torch.Generator,
    size: int = 32,
    *,
    colours: bool = True,
    circles: bool = True,
) -> Tensor:
    """Redraw each flag as another artist might: cropped, bent, recoloured, perhaps cut to a circle.

    Parameters
    ----------
    flags
        Shape ``(B, 3, H, W)`` in [0, 1], without margin.
    generator
        Source of randomness.
    size
        Height and width of the result.
    colours, circles
        Whether colours are changed, and whether half of the flags are cut to a circle.

    Returns
    -------
    Tensor
        Shape ``(B, 3, size, size)``, in [0, 1].

    Examples
    --------
    >>> restyle(torch.rand(2, 3, 40, 40), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 32, 32])
    """
    n, one = len(flags), (len(flags), 1, 1)
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    turn = _uniform(-0.08, 0.08, one, generator)
    across = _uniform(0.7, 1.0, one, generator) * (x + turn * y) + _uniform(
        -0.08, 0.08, one, generator
    )
    down = _uniform(0.7, 1.0, one, generator) * (y - turn * x) + _uniform(
        -0.08, 0.08, one, generator
    )
    waving = 0.12 * (torch.rand(one, generator=generator) < 0.2)
    phase, length = _uniform(0, 2, one, generator), _uniform(0.7, 1.5, one, generator)
    down = down + waving * torch.sin(math.pi * (length * across + phase))
    drawn = F.grid_sample(
        flags, torch.stack([across, down], dim=-1), align_corners=False, padding_mode="border"
    )

    if colours:
        mix = torch.eye(3) + 0.075 * torch.randn(n, 3, 3, generator=generator)
        drawn = torch.einsum("bij,bjhw->bihw", mix, drawn)
        drawn = drawn * _uniform(0.75, 1.25, (n, 3, 1, 1), generator)
        drawn = drawn + _uniform(-0.125, 0.125, (n, 3, 1, 1), generator)
        middle = drawn.mean(dim=(2, 3), keepdim=True)
        contrast = _uniform(0.75, 1.25, (n, 1, 1, 1), generator)
        drawn = (middle + (drawn - middle) * contrast).clamp(0, 1)
    if not circles:
        return drawn

    radius = _uniform(0.92, 1.05, one, generator)
    rectangle = torch.rand(one, generator=generator) < 0.5
    inside = (((x**2 + y**2).sqrt() < radius) | rectangle)[:, None]
    return torch.where(inside, drawn, torch.ones(()))


def invent(
    first: Tensor, second: Tensor, generator: torch.Generator, share: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Turn pairs of pictures of known flags into pairs of a flag that does not exist.

    Both pictures of a pair are mirrored (sideways, upside down) and have their colour channels
    exchanged in the same way.

    Parameters
    ----------
    first, second
        Shape ``(B, 3, H, W)``; row b of both shows one flag.
    generator
        Source of randomness.
    share
        Share of pairs whose colours are exchanged; fewer are mirrored.

    Returns
    -------
    tuple of Tensor
        Two tensors of the same shapes.

    Examples
    --------
    >>> a = torch.rand(4, 3, 8, 8)
    >>> b, c = invent(a, a, torch.Generator().manual_seed(0))
    >>> torch.equal(b, c)
    True
    """
    n = len(first)
    order = _ORDERS[torch.randint(len(_ORDERS), (n,), generator=generator)]
    order[torch.rand(n, generator=generator) >= share] = _ORDERS[0]
    sideways = torch.rand(n, generator=generator) < 0.6 * share
    upside_down = torch.rand(n, generator=generator) < 0.4 * share
    changed = []
    for pictures in (first, second):
        pictures = torch.where(sideways[:, None, None, None], pictures.flip(3), pictures)
        pictures = torch.where(upside_down[:, None, None, None], pictures.flip(2), pictures)
        changed.append(pictures.gather(1, order[:, :, None, None].expand_as(pictures)))
    return changed[0], changed[1]


def invent_and_restyle(
    first: Tensor, second: Tensor, generator: torch.Generator, size: int
) -> tuple[Tensor, Tensor]:
    """Change both pictures of each pair alike, and then each by itself.

    Examples
    --------
    >>> a = torch.rand(4, 3, 48, 48)
    >>> [part.shape for part in invent_and_restyle(a, a, torch.Generator().manual_seed(0), 32)]
    [torch.Size([4, 3, 32, 32]), torch.Size([4, 3, 32, 32])]
    """
    first, second = invent(first, second, generator)
    return restyle(first, generator, size), restyle(second, generator, size)


class FlagPairs:
    """Draw batches of pairs: two pictures of each of B flags, changed at random.

    Parameters
    ----------
    images
        Pictures of the training countries in S styles, uint8, shape ``(S, N, H, W, 3)``; picture n
        of every style shows the same country.
    batch
        Pairs a batch, at most N.
    size
        Height and width of the pictures of a batch.
    change
        The random change, from both pictures of each pair, a generator and `size`.
    two_artists
        Whether the pictures of a pair are always by two artists; else they are one picture twice in
        one of S pairs.

    Examples
    --------
    >>> pictures = np.random.default_rng(0).integers(0, 255, (2, 4, 16, 16, 3), dtype=np.uint8)
    >>> pairs = FlagPairs(pictures, batch=3)
    >>> [part.shape for part in pairs(torch.Generator().manual_seed(0))]
    [torch.Size([3, 3, 32, 32]), torch.Size([3, 3, 32, 32])]
    """

    def __init__(
        self,
        images: np.ndarray,
        batch: int = 96,
        size: int = 32,
        *,
        change: Callable[
            [Tensor, Tensor, torch.Generator, int], tuple[Tensor, Tensor]
        ] = invent_and_restyle,
        two_artists: bool = False,
    ):
        if images.ndim != 5 or batch > images.shape[1]:
            raise ValueError(
                f"images have shape {images.shape} and batch is {batch}: expected (S, N, H, W, 3) "
                "and a batch of at most N, since each country may stand in a batch once."
            )
        self.flags = torch.stack([crop(style, size * 3 // 2) for style in images])
        self.batch, self.size = batch, size
        self.change, self.two_artists = change, two_artists

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return two tensors ``(B, 3, size, size)``; row b of both shows one flag."""
        styles, countries = self.flags.shape[:2]
        chosen = torch.randperm(countries, generator=generator)[: self.batch]
        drawn_by = torch.randint(styles, (2, self.batch), generator=generator)
        if self.two_artists:
            drawn_by[1] = (drawn_by[0] + 1) % styles
        first, second = self.flags[drawn_by, chosen]
        return self.change(first, second, generator, self.size)
