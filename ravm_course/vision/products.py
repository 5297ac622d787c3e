"""The contest of chapter 16: the product photographs, divided, and the networks that learn them.

Shapes and learning rates were chosen on the validation pictures, at ten seconds of one core.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.data import load_products
from ravm_course.vision.classify import shift
from ravm_course.vision.cnn import ConvNet, ConvNetConfig
from ravm_course.vision.dense import Dense
from ravm_course.vision.graph import PatchGraph, PatchGraphConfig
from ravm_course.vision.vit import ViT, ViTConfig

PATCH = 7
LEARNING_RATES = {"dense": 1e-3, "cnn": 1e-2, "residual": 5e-3, "vit": 3e-3, "graph": 3e-3}
KINDS = tuple(LEARNING_RATES)


@dataclass(frozen=True)
class ProductPart:
    """Pictures ``(N, 1, 28, 28)``, floating point in [0, 1], and their classes ``(N,)``."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.images)


@functools.cache
def product_split() -> tuple[ProductPart, ProductPart, ProductPart]:
    """Return 6,000 pictures to train on, 1,000 to choose on, and 3,000 to test on.

    The pictures were shuffled once, so these are simply the first, the next and the last. Shops
    photograph variants of one product, so a test picture may have a near twin in training; chapter
    16 counts them.

    Examples
    --------
    >>> [len(part) for part in product_split()]
    [6000, 1000, 3000]
    """
    products = load_products()
    images = torch.tensor(products.images)[:, None].float() / 255
    labels = torch.tensor(products.labels)
    edges = (0, 6000, 7000, 10000)
    return tuple(
        ProductPart(images[begin:end], labels[begin:end])
        for begin, end in itertools.pairwise(edges)
    )


def wander(part: ProductPart, *, seed: int, side: int = 20) -> ProductPart:
    """Make the products smaller and put each anywhere in its frame, once and for all.

    In the catalogue every product is centred and fills the frame, so that a pixel means nearly the
    same in all pictures. Here it does not.

    Parameters
    ----------
    part
        Pictures to begin with.
    seed
        Of the places.
    side
        Height and width of the product in the new picture of the old size, in pixels.

    Examples
    --------
    >>> part = wander(product_split()[1], seed=0)
    >>> part.images.shape, round((part.images.sum() / product_split()[1].images.sum()).item(), 2)
    (torch.Size([1000, 1, 28, 28]), 0.52)
    """
    small = F.interpolate(part.images, size=side, mode="area")
    room = part.images.shape[2] - side
    place = torch.randint(room + 1, (2, len(part)), generator=torch.Generator().manual_seed(seed))
    return ProductPart(shift(F.pad(small, (0, room, 0, room)), *place), part.labels)


def new_classifier(kind: str) -> nn.Module:
    """Return an untrained network, with first weights from torch's own generator.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.

    Raises
    ------
    ValueError
        If the kind is unknown.

    Examples
    --------
    >>> new_classifier("vit")(torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    if kind == "dense":
        return Dense(28 * 28, (256, 256))
    if kind == "cnn":
        return ConvNet(ConvNetConfig(channels=(32, 64), blocks=(0, 0)))
    if kind == "residual":
        return ConvNet(ConvNetConfig(channels=(16, 32), blocks=(0, 2)))
    if kind == "vit":
        return ViT(ViTConfig(patch=PATCH, channels=64, heads=4, layers=2))
    if kind == "graph":
        return PatchGraph(PatchGraphConfig(patch=PATCH, channels=64, layers=2, neighbours=4))
    raise ValueError(f"kind is {kind!r}: expected one of {', '.join(KINDS)}.")
