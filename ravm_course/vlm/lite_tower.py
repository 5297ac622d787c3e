"""An image tower that begins with what ImageNet taught: EfficientNet-Lite0 and a linear head.

Six thousand drawings are too few to learn to see from. The published network has seen 1.3 million
photographs; its features are taken over whole and bent towards drawings with a small rate. Its
batch normalisation keeps the statistics of ImageNet also in training: the picture's vector then
does not depend on what else was in the batch, and training and use compute the same function.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.vision.efficientnet import FEATURES, EfficientNetLite0


class LiteTower(nn.Module):
    """EfficientNet-Lite0's features, then one linear layer into the shared space.

    Parameters
    ----------
    dim
        Size of the output.
    size
        Larger pictures are first averaged down to this height and width.
    dropout
        Share of the features that are dropped before the head, in training.

    Examples
    --------
    >>> import torch
    >>> tower = LiteTower(dim=8, size=32).train()
    >>> tower(torch.rand(2, 3, 64, 64)).shape, tower.backbone.training
    (torch.Size([2, 8]), False)
    """

    def __init__(self, dim: int = 256, size: int = 64, dropout: float = 0.1):
        super().__init__()
        self.size, self.width = size, FEATURES
        self.backbone = EfficientNetLite0(classes=None).eval()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(FEATURES, dim)

    def train(self, mode: bool = True) -> LiteTower:
        """Set the mode of the head; the backbone's statistics stay as they are."""
        super().train(mode)
        self.backbone.eval()
        return self

    def features(self, images: Tensor) -> Tensor:
        """Return what the head sees.

        Parameters
        ----------
        images
            Shape ``(B, 3, H, W)``, values in [0, 1].

        Returns
        -------
        Tensor
            Shape ``(B, 1280)``.

        Raises
        ------
        ValueError, TypeError
            If these are no pictures, see
            :meth:`ravm_course.vision.efficientnet.EfficientNetLite0.maps`.
        """
        return self.backbone.features(self._shrunk(images))

    def maps(self, images: Tensor, after: int) -> Tensor:
        """Return the maps of the backbone after so many blocks, ``(B, C, S, S)``.

        Parameters and errors are those of :meth:`features` and of
        :meth:`ravm_course.vision.efficientnet.EfficientNetLite0.maps`.
        """
        return self.backbone.maps(self._shrunk(images), after)

    def _shrunk(self, images: Tensor) -> Tensor:
        if images.ndim == 4 and images.is_floating_point() and max(images.shape[2:]) > self.size:
            return F.adaptive_avg_pool2d(images, self.size)
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures ``(B, 3, H, W)`` in [0, 1] to vectors ``(B, dim)`` of any length."""
        return self.head(self.dropout(self.features(images)))
