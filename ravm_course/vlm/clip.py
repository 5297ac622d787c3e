"""CLIP in small: two towers, one learned temperature.

The model of Radford et al. ("Learning transferable visual models from natural language
supervision", ICML 2021), with towers that a laptop trains: everything that makes it CLIP is here
(unit vectors, a learned scale kept at 100 or less, the symmetric loss), and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.vlm.lite_tower import LiteTower
from ravm_course.vlm.loss import clip_loss
from ravm_course.vlm.towers import ImageTower, TextTower

MAX_LOGIT_SCALE = 100.0
# just below ln 100, so that exp() of it in float32 is not above 100 and its gradient not cut off
_MAX_LOG_SCALE = math.log(MAX_LOGIT_SCALE) - 4e-7


@dataclass(frozen=True)
class CLIPConfig:
    """Sizes of a :class:`CLIP` model.

    Attributes
    ----------
    dim : int
        Size of the shared space.
    channels, blocks : tuple of int
        Stages of the image tower.
    image_size : int
        Height and width to which it first shrinks larger pictures.
    buckets, text_width, text_hidden : int
        Embedding table and hidden layer of the text tower.
    text_dropout : float
        Dropout in the text tower.
    temperature : float
        Temperature at the start; the scale is one over it.
    backbone : str
        ``"residual"``, the small network of `channels` and `blocks`, or ``"efficientnet-lite0"``,
        see :class:`ravm_course.vlm.lite_tower.LiteTower`, which has its own.
    """

    dim: int = 128
    channels: tuple[int, ...] = (24, 48, 96, 192)
    blocks: tuple[int, ...] = (0, 1, 1, 1)
    image_size: int = 32
    buckets: int = 8192
    text_width: int = 96
    text_hidden: int = 256
    text_dropout: float = 0.1
    temperature: float = 0.07
    backbone: str = "residual"


def to_float(images: np.ndarray) -> Tensor:
    """Turn pictures as they are stored into what an image tower takes.

    Parameters
    ----------
    images
        uint8, shape ``(N, H, W, 3)``.

    Returns
    -------
    Tensor
        float32 in [0, 1], shape ``(N, 3, H, W)``.

    Raises
    ------
    ValueError
        If the shape or the type is another.

    Examples
    --------
    >>> to_float(np.full((1, 2, 2, 3), 255, dtype=np.uint8)).shape
    torch.Size([1, 3, 2, 2])
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images have shape {images.shape} and type {images.dtype}, "
            "expected uint8 (N, H, W, 3). One picture? Write images[None]."
        )
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).float().div_(255)


class CLIP(nn.Module):
    """Two towers into one space, and the scale of their similarities.

    Parameters
    ----------
    config
        The sizes.

    Examples
    --------
    >>> model = CLIP(CLIPConfig(dim=8, channels=(8,), blocks=(1,), buckets=64))
    >>> model.encode_image(torch.rand(2, 3, 32, 32)).norm(dim=1).allclose(torch.ones(2))
    True
    >>> round(model.logit_scale.item(), 3)  # 1 / 0.07
    14.286
    """

    def __init__(self, config: CLIPConfig | None = None):
        super().__init__()
        config = config or CLIPConfig()
        self.config = config
        if config.backbone == "residual":
            self.image_tower = ImageTower(
                config.dim, config.channels, config.blocks, config.image_size
            )
        elif config.backbone == "efficientnet-lite0":
            self.image_tower = LiteTower(config.dim, config.image_size)
        else:
            raise ValueError(
                f"backbone is {config.backbone!r}, expected 'residual' or 'efficientnet-lite0'."
            )
        self.text_tower = TextTower(
            config.dim, config.buckets, config.text_width, config.text_hidden, config.text_dropout
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / config.temperature)))

    @property
    def logit_scale(self) -> Tensor:
        """The scale, exp of the learned parameter, never above 100.

        The parameter itself is moved back to the limit when it has passed it, as CLIP does: were
        only the value cut off, its gradient would be zero from then on and it could not return.
        """
        if self.log_scale.item() > _MAX_LOG_SCALE:
            with torch.no_grad():
                self.log_scale.fill_(_MAX_LOG_SCALE)
        return self.log_scale.exp()

    def encode_image(self, images: Tensor) -> Tensor:
        """Return unit vectors of pictures.

        Parameters
        ----------
        images
            Shape ``(B, 3, H, W)``, floating point in [0, 1].

        Returns
        -------
        Tensor
            Shape ``(B, dim)``, rows of length one.
        """
        return F.normalize(self.image_tower(images), dim=-1)

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Return unit vectors of texts.

        Parameters
        ----------
        texts
            B strings, in English or Chinese.

        Returns
        -------
        Tensor
            Shape ``(B, dim)``, rows of length one.
        """
        return F.normalize(self.text_tower(texts), dim=-1)

    def forward(self, images: Tensor, texts: Sequence[str]) -> Tensor:
        """Return the contrastive loss of a batch of pairs.

        Parameters
        ----------
        images
            Shape ``(B, 3, H, W)``.
        texts
            B strings; the i-th belongs to the i-th picture.

        Returns
        -------
        Tensor
            A scalar, see :func:`ravm_course.vlm.loss.clip_loss`.
        """
        return clip_loss(self.encode_image(images), self.encode_text(texts), self.logit_scale)
