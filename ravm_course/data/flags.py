"""The flags of the countries in three styles: the pictures of the question-answering chapters.

A flag is an emoji too, but its drawing is fixed by law and differs between artists only in shape,
shading and detail, and it stands for a country, about which facts are known
(:func:`ravm_course.data.load_countries`). That makes flags a small, honest test of finding the
right entry of a knowledge base by a picture.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field

import numpy as np

from ravm_course.data import files, sheets
from ravm_course.data.countries import load_countries


@dataclass(frozen=True)
class Flags:
    """All flags, one row for each style and country.

    Attributes
    ----------
    images
        uint8 of shape ``(N, 64, 64, 3)`` on white; read-only.
    style
        ``"openmoji"``, ``"twemoji"`` or ``"emojione"`` for each image, shape ``(N,)``.
    country
        Index into :func:`ravm_course.data.load_countries` of each image, shape ``(N,)``.
    """

    images: np.ndarray = field(repr=False)
    style: np.ndarray = field(repr=False)
    country: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


@functools.cache
def load_flags() -> Flags:
    """Return the flags of all countries of the table, in three styles.

    Returns
    -------
    Flags
        The arrays are shared and read-only.

    Raises
    ------
    ravm_course.data.files.DataError
        If a bundled file is missing or damaged.

    Examples
    --------
    >>> flags = load_flags()
    >>> sorted(set(flags.style.tolist()))
    ['emojione', 'openmoji', 'twemoji']
    """
    index = json.loads(files.path("flags/index.json").read_text(encoding="utf-8"))
    number = {country.iso2: place for place, country in enumerate(load_countries())}
    images, style, country = [], [], []
    for name, codes in index.items():
        kept = [place for place, code in enumerate(codes) if code in number]
        images.append(sheets.unpack(f"flags/{name}.webp", len(codes))[kept])
        style += [name] * len(kept)
        country += [number[codes[place]] for place in kept]
    arrays = np.concatenate(images), np.array(style), np.array(country, np.int64)
    for array in arrays:
        array.setflags(write=False)
    return Flags(*arrays)
