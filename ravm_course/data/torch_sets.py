"""Pairs of image and caption as a :class:`torch.utils.data.Dataset`.

The loaders return plain numpy arrays, and a training loop may index them directly. Whoever prefers
PyTorch's data sets and loaders wraps them here; nothing is copied but the row that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset


class ImageTextDataset(Dataset):
    """Images with one caption each.

    Parameters
    ----------
    images
        uint8 of shape ``(N, H, W, 3)`` or ``(N, H, W)``.
    captions
        N strings.
    index
        Rows of `images` and `captions` to use, in this order; by default all.

    Raises
    ------
    ValueError
        If `images` and `captions` differ in length, or the images are not uint8.

    Examples
    --------
    >>> from ravm_course.data import load_stamps
    >>> stamps = load_stamps()
    >>> pairs = ImageTextDataset(stamps.images, stamps.caption_en)
    >>> image, caption = pairs[0]
    >>> image.shape, image.dtype, caption
    (torch.Size([3, 64, 64]), torch.float32, 'A frog')
    """

    def __init__(
        self, images: np.ndarray, captions: Sequence[str], index: Sequence[int] | None = None
    ) -> None:
        if len(images) != len(captions):
            raise ValueError(
                f"{len(images)} images came with {len(captions)} captions: give one for each."
            )
        if images.dtype != np.uint8:
            raise ValueError(f"images are {images.dtype}, expected uint8 as the loaders return.")
        self.images, self.captions = images, captions
        self.index = np.arange(len(images)) if index is None else np.asarray(index, np.int64)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.index)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, str]:
        """Return one image, float32 ``(3, H, W)`` or ``(1, H, W)`` in 0 to 1, and its caption."""
        row = int(self.index[item])
        image = torch.tensor(self.images[row])
        image = image.permute(2, 0, 1) if image.ndim == 3 else image[None]
        return image.float() / 255, self.captions[row]
