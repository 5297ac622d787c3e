"""Unpack a sheet: many small pictures of one size stored as one WebP picture.

A thousand files of 1 kB cost more to store and to open than one of 1 MB. The tiles of a sheet lie
row by row, 40 in a row; the last row is filled up with white.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from ravm_course.data import files

COLUMNS = 40


def unpack(name: str, count: int, size: int = 64, out: np.ndarray | None = None) -> np.ndarray:
    """Return the tiles of a bundled sheet.

    Parameters
    ----------
    name
        The file, relative to the data folder, such as ``"emoji/noto.webp"``.
    count
        How many tiles the sheet holds.
    size
        Side of a tile in pixels.
    out
        Where to put the tiles; of the shape of what is returned. By default a new array.

    Returns
    -------
    numpy.ndarray
        uint8 of shape ``(count, size, size, 3)``.

    Raises
    ------
    ravm_course.data.files.DataError
        If the file is missing or damaged, or is too small for `count` tiles.

    Examples
    --------
    >>> unpack("flags/twemoji.webp", 3).shape
    (3, 64, 64, 3)
    """
    with Image.open(files.path(name)) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    if rows * columns < count:
        raise files.DataError(
            f"the sheet {name!r} has room for {rows * columns} tiles, expected {count}: "
            "its index is of another build. Rebuild both with `python tools/build_data.py`."
        )
    grid = pixels.reshape(rows, size, columns, size, 3).swapaxes(1, 2)
    if out is None:
        out = np.empty((count, size, size, 3), np.uint8)
    full, rest = divmod(count, columns)
    out[: full * columns].reshape(full, columns, size, size, 3)[:] = grid[:full]
    if rest:
        out[full * columns :] = grid[full, :rest]
    return out
