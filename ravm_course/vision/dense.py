"""A network that assumes nothing about pictures: every unit sees every pixel.

Exchange the pixels of all pictures in one fixed way, and it learns as before: its first matrix has
no order. It is the measure for what the other networks of this room assume.
"""

from __future__ import annotations

from torch import Tensor, nn


class Dense(nn.Module):
    """Linear maps with bends between, from all pixels to scores of classes.

    Parameters
    ----------
    pixels
        Numbers a picture, ``C H W``.
    hidden
        Units of each hidden layer; none make it a linear classifier.
    classes
        Outputs, K.
    dropout
        Of hidden units, in training.

    Examples
    --------
    >>> import torch
    >>> Dense(28 * 28)(torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        pixels: int,
        hidden: tuple[int, ...] = (256, 256),
        classes: int = 10,
        dropout: float = 0.0,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        before = pixels
        for width in hidden:
            layers += [nn.Linear(before, width), nn.ReLU(), nn.Dropout(dropout)]
            before = width
        self.layers = nn.Sequential(*layers, nn.Linear(before, classes))

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` in [0, 1] to logits ``(B, K)``."""
        return self.layers(images.flatten(1) * 2 - 1)
