"""Stamps: photographs cut out and drawings from Tux Paint, a world away from emoji.

Tux Paint is a drawing program for children; its stamps are contributed by many people, in many
styles, with a caption that is read aloud, translated by volunteers. A model that was trained on
emoji meets here other pictures and other words: the out-of-domain test.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field

import numpy as np

from ravm_course.data import files, sheets


@dataclass(frozen=True)
class Stamps:
    """Pictures with captions.

    Attributes
    ----------
    images
        uint8 of shape ``(N, 64, 64, 3)`` on white; read-only.
    caption_en
        English caption of each image, such as ``"A frog"``. Captions repeat: two frogs.
    caption_zh
        Chinese caption in simplified script, or ``""`` where none was made.
    category
        One of a dozen, such as ``"animals"``.
    name
        Path within the source package, such as ``"animals/amphibians/frog-1"``.
    """

    images: np.ndarray = field(repr=False)
    caption_en: tuple[str, ...] = field(repr=False)
    caption_zh: tuple[str, ...] = field(repr=False)
    category: tuple[str, ...] = field(repr=False)
    name: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


@functools.cache
def load_stamps() -> Stamps:
    """Return the stamps.

    Returns
    -------
    Stamps

    Raises
    ------
    ravm_course.data.files.DataError
        If a bundled file is missing or damaged.

    Examples
    --------
    >>> stamps = load_stamps()
    >>> stamps.caption_en[0], stamps.caption_zh[0], stamps.category[0]
    ('A frog', '青蛙', 'animals')
    """
    rows = json.loads(files.path("stamps/stamps.json").read_text(encoding="utf-8"))
    images = sheets.unpack("stamps/stamps.webp", len(rows))
    images.setflags(write=False)
    columns = ("caption_en", "caption_zh", "category", "name")
    return Stamps(images, *(tuple(row[column] for row in rows) for column in columns))
