"""Small photographs of products: ten thousand pictures of Fashion-MNIST in ten classes.

Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) was made from a shop's catalogue in the format of the
MNIST digits: 28 x 28 pixels, grey on black. It is real, balanced and small, and hard enough that
shirts, coats and pullovers are confused by people as well.
"""

from __future__ import annotations

import functools
import io
import json
import lzma
from dataclasses import dataclass, field

import numpy as np

from ravm_course.data import files


@dataclass(frozen=True)
class Products:
    """Pictures of products with their class.

    Attributes
    ----------
    images
        uint8 of shape ``(10000, 28, 28)``, bright on black; read-only.
    labels
        Index into `names` of each image, shape ``(10000,)``, a thousand of each.
    names
        The ten classes in English.
    """

    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


@functools.cache
def load_products() -> Products:
    """Return the product photographs, in an order that was shuffled once.

    Returns
    -------
    Products

    Raises
    ------
    ravm_course.data.files.DataError
        If a bundled file is missing or damaged.

    Examples
    --------
    >>> products = load_products()
    >>> products.images.shape, products.names[7]
    ((10000, 28, 28), 'Sneaker')
    """
    packed = lzma.decompress(files.path("products/images.npy.xz").read_bytes())
    images = np.load(io.BytesIO(packed), allow_pickle=False)
    table = json.loads(files.path("products/labels.json").read_text(encoding="utf-8"))
    labels = np.asarray(table["labels"], np.int64)
    images.setflags(write=False)
    labels.setflags(write=False)
    return Products(images, labels, tuple(table["names"]))
