"""Read a picture that somebody else made: any size, mode or format, or no picture at all.

What a network takes is an array of red, green and blue, 0 to 255. What lies in a folder may be in
four inks (CMYK), in 16 bits, half transparent, turned by a note of the camera, animated, cut off in
the middle, or a text with the name of a picture. Each of these becomes the array that a person
would expect to see, or is refused with the reason. The file is decoded by Pillow, and only formats
whose decoders run in this process are tried (PostScript, for one, would start another program).
"""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
#: A quarter of a gibibyte as red, green and blue. The number is Pillow's own first limit.
MAX_PIXELS = 2**28 // 3
# what Pillow's decoders raise when they meet damaged bytes
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)


class PictureError(ValueError):
    """A file is no picture that can be read; the message names it and the reason."""


def read_picture(
    source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Return a picture as red, green and blue.

    Of an animation the first frame is returned. What is transparent shows white paper. A picture
    is turned as its camera noted. 16 bits become 8, in proportion. Four inks are converted by
    Pillow's formula, without a colour profile.

    Parameters
    ----------
    source
        A file, or the bytes of one. The ending of a name does not matter.
    max_pixels
        Larger pictures are refused before they are decoded: a file of a few kilobytes can hold
        billions of white pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape ``(H, W, 3)``.

    Raises
    ------
    OSError
        If there is no such file (``FileNotFoundError``), or the system does not give it.
    PictureError
        If it is too large, damaged, cut off, or no picture in one of `FORMATS`.

    Examples
    --------
    >>> buffer = io.BytesIO()
    >>> Image.new("LA", (3, 2), (0, 0)).save(buffer, "PNG")  # black, wholly transparent
    >>> read_picture(buffer.getvalue())[0, 0].tolist()
    [255, 255, 255]
    >>> read_picture(b"<html>Not found</html>")
    Traceback (most recent call last):
    ...
    ravm_course.data.pictures.PictureError: these 22 bytes are no picture: expected BMP, GIF, ...
    """
    if isinstance(source, bytes):
        name, file = f"these {len(source)} bytes", io.BytesIO(source)
    else:
        name, file = repr(os.fspath(source)), Path(source)
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {name}: check the name and the folder.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # every warning of a decoder is followed by our own check
        try:
            with Image.open(file, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    raise Image.DecompressionBombError(f"{width} x {height} pixels")
                return np.asarray(_as_rgb(picture))
        except Image.UnidentifiedImageError as error:
            raise PictureError(
                f"{name} {'are' if isinstance(source, bytes) else 'is'} no picture: expected "
                f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}, whole from the first byte on."
            ) from error
        except Image.DecompressionBombError as error:
            raise PictureError(
                f"{name}: the picture is too large ({error}; at most {max_pixels} are read): make "
                "it smaller with another program first."
            ) from error
        except _DAMAGED as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk or the rights, not the picture
            raise PictureError(
                f"{name}: the picture is damaged, cut off or of a rare kind ({error}): fetch it "
                "again, or save it in 8 bits with another program."
            ) from error


def fit_square(picture: np.ndarray, side: int, *, crop: bool = False) -> np.ndarray:
    """Return a picture of another size as a square.

    Parameters
    ----------
    picture
        uint8, shape ``(H, W, 3)``.
    side
        Height and width of what is returned.
    crop
        Cut the middle out, as CLIP does with photographs; otherwise nothing is lost, and white
        paper is added on both sides, as around the drawings of this course.

    Returns
    -------
    numpy.ndarray
        uint8, shape ``(side, side, 3)``.

    Raises
    ------
    ValueError
        If `picture` is of another shape or type, or `side` is less than 1.

    Examples
    --------
    >>> fit_square(np.zeros((2, 4, 3), np.uint8), 4)[:, 0, 0].tolist()
    [255, 0, 0, 255]
    >>> fit_square(np.zeros((2, 4, 3), np.uint8), 4, crop=True).shape
    (4, 4, 3)
    """
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"the picture has shape {picture.shape} and type {picture.dtype}, expected uint8 "
            "(H, W, 3) and at least one pixel: read_picture returns that."
        )
    if side < 1:
        raise ValueError(f"side is {side}: give the height and width in pixels, at least 1.")
    if crop:  # a long strip would be blown up to its full length before its middle is cut out
        longest = 64 * min(picture.shape[:2])
        top, left = (max(0, n - longest) // 2 for n in picture.shape[:2])
        picture = picture[top : picture.shape[0] - top, left : picture.shape[1] - left]
    height, width = picture.shape[:2]
    scale = side / (min(height, width) if crop else max(height, width))
    # as transformers does it: what is not the ruling side is rounded down
    size = (max(1, int(width * scale + 1e-9)), max(1, int(height * scale + 1e-9)))
    small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    top, left = abs(size[1] - side) // 2, abs(size[0] - side) // 2
    if crop:
        return small[top : top + side, left : left + side].copy()
    square = np.full((side, side, 3), 255, np.uint8)
    square[top : top + size[1], left : left + size[0]] = small
    return square


def _as_rgb(picture: Image.Image) -> Image.Image:
    """Return the first frame as red, green and blue on white paper."""
    turned = ImageOps.exif_transpose(picture)
    turned.load()
    if turned.mode.startswith("I") or turned.mode == "F":
        return _from_many_levels(turned).convert("RGB")
    if turned.has_transparency_data:
        paper = Image.new("RGBA", turned.size, "white")
        return Image.alpha_composite(paper, turned.convert("RGBA")).convert("RGB")
    return turned.convert("RGB")


def _from_many_levels(picture: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits in 8; Pillow's own conversion would cut off at 255."""
    levels = np.asarray(picture)
    low, high = levels.min(), levels.max()
    if levels.dtype.kind == "f" or low < 0 or high > 65535:
        raise ValueError(f"its greys run from {low} to {high}, expected 0 to 65535")
    grey = Image.fromarray(np.round(levels / 257).astype(np.uint8))
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        grey.paste(255, mask=Image.fromarray(levels == clear))
    return grey
