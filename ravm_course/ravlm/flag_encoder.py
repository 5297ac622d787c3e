"""Turn a picture of a flag into a vector that finds the same flag in another artist's hand.

The pictures of one country differ in outline (rectangle, rounded, circle), palette and small
drawings; those of two countries may differ in one star. No label of a country is learned: the
network is shown two pictures of one flag, both changed at random by
:mod:`ravm_course.ravlm.flag_views`, and has to find the partner among those of the other flags in
the batch: the contrastive loss of chapter 17, from pictures to pictures instead of from pictures to
texts (Chen et al., "A simple framework for contrastive learning of visual representations", ICML
2020). What it learns is which differences matter, and that carries over to countries it has never
seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.ravlm.flag_views import crop
from ravm_course.vlm import clip_loss


@dataclass(frozen=True)
class FlagEncoderConfig:
    """Sizes of a :class:`FlagEncoder`.

    Attributes
    ----------
    size
        Height and width of the cropped flag, a multiple of 8.
    channels
        Channels of the first convolution; the second and third have two and four times as many.
    dim
        Size of the vector.
    dropout
        Share of the last grid dropped in training.
    """

    size: int = 32
    channels: int = 32
    dim: int = 64
    dropout: float = 0.0


class FlagEncoder(nn.Module):
    """Four convolutions, three of them strided, and a linear layer over the whole last grid.

    Unlike :class:`ravm_course.vlm.ImageTower` it does not average over places: red above white is
    another country than white above red, and the last layer must see which is above.

    Parameters
    ----------
    config
        Sizes.

    Examples
    --------
    >>> encoder = FlagEncoder(FlagEncoderConfig(channels=8, dim=4)).eval()
    >>> encoder.encode(np.zeros((2, 64, 64, 3), dtype=np.uint8)).shape
    (2, 4)
    """

    def __init__(self, config: FlagEncoderConfig | None = None):
        super().__init__()
        config = config or FlagEncoderConfig()
        if config.size % 8:
            raise ValueError(
                f"size is {config.size}: it is halved three times, give a multiple of 8."
            )
        self.config = config
        layers: list[nn.Module] = []
        before = 3
        for width in (config.channels, 2 * config.channels, 4 * config.channels):
            layers += [
                nn.Conv2d(before, width, 3, stride=2, padding=1),
                nn.GroupNorm(8, width),
                nn.GELU(),
            ]
            before = width
        layers += [nn.Conv2d(before, before, 3, padding=1), nn.GroupNorm(8, before), nn.GELU()]
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(before * (config.size // 8) ** 2, config.dim)

    def facts(self) -> dict:
        """Return what must be stored beside the weights to build this encoder again."""
        return {"config": asdict(self.config)}

    def forward(self, flags: Tensor) -> Tensor:
        """Map cropped flags ``(B, 3, size, size)`` in [0, 1] to unit vectors ``(B, dim)``."""
        grid = self.trunk(flags * 2 - 1)
        return F.normalize(self.head(self.dropout(grid.flatten(1))), dim=-1)

    @torch.no_grad()
    def encode(self, images: np.ndarray) -> np.ndarray:
        """Crop and encode pictures as they are stored.

        Parameters
        ----------
        images
            uint8, shape ``(N, H, W, 3)``.

        Returns
        -------
        numpy.ndarray
            float32 unit vectors, shape ``(N, dim)``.

        Raises
        ------
        ValueError
            If the shape or type is another.
        """
        was_training = self.training
        self.eval()
        device = self.head.weight.device
        vectors = self(crop(images, self.config.size).to(device)).cpu().numpy()
        self.train(was_training)
        return vectors


def flag_loss(
    encoder: FlagEncoder, pair: tuple[Tensor, Tensor], temperature: float = 0.07
) -> Tensor:
    """Return the contrastive loss of a batch of pairs: every flag should find its partner.

    Parameters
    ----------
    encoder
        The model.
    pair
        From :class:`~ravm_course.ravlm.flag_views.FlagPairs`.
    temperature
        What cosine similarities are divided by.

    Returns
    -------
    Tensor
        A scalar; ln B when nothing is known.
    """
    first, second = encoder(torch.cat(pair)).chunk(2)
    return clip_loss(first, second, 1 / temperature)
