"""Pictures of every mode, format and fault: the right array, or a refusal that names the reason."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from ravm_course.data.pictures import (
    ENDINGS,
    FORMATS,
    MAX_PIXELS,
    PictureError,
    fit_square,
    read_picture,
)

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
LOSSLESS = {"BMP": {}, "PNG": {}, "PPM": {}, "TIFF": {}, "WEBP": {"lossless": True}}


def saved(picture, format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def png_of(width, height, bits=8, colour=2, rows=b""):
    """Write a PNG by hand, with a header that may promise more than it holds."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:
        data += struct.pack(">I", len(body)) + name + body
        data += struct.pack(">I", zlib.crc32(name + body))
    return data


@pytest.mark.parametrize("format", LOSSLESS)
def test_colours_come_back_from_a_file_and_from_bytes(format, tmp_path):
    data = saved(Image.fromarray(COLOURS), format, **LOSSLESS[format])
    file = tmp_path / "no ending"
    file.write_bytes(data)
    for source in (data, file, str(file)):
        picture = read_picture(source)
        assert (picture.dtype, picture.shape) == (np.uint8, (5, 7, 3))
        np.testing.assert_array_equal(picture, COLOURS)


def test_jpeg_is_near_and_its_grey_is_grey():
    flat = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    near = read_picture(saved(Image.fromarray(flat), "JPEG", quality=95)).astype(int)
    assert np.abs(near - flat).max() <= 3
    grey = read_picture(saved(Image.new("L", (4, 3), 77), "JPEG", quality=95))
    assert grey.shape == (3, 4, 3)
    assert np.ptp(grey) == 0


def test_four_inks_become_the_colours_they_print():
    inks = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # magenta and yellow print red
    for format in ("JPEG", "TIFF"):
        picture = read_picture(saved(inks, format)).astype(int)
        assert np.abs(picture - (255, 0, 0)).max() <= 4, format
    paper = read_picture(saved(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG"))
    assert paper.min() >= 252


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight_in_proportion(format):
    levels = np.array([[0, 257, 5000], [30000, 65278, 65535]], np.uint16)
    picture = read_picture(saved(Image.fromarray(levels), format))
    np.testing.assert_array_equal(picture[..., 0], np.round(levels / 257))
    assert np.ptp(picture, axis=2).max() == 0


def test_sixteen_bits_of_every_kind():
    assert read_picture(b"P5 2 1 65535\n\x00\x00\xff\xff")[0, :, 0].tolist() == [0, 255]
    row = b"\x00" + struct.pack(">6H", 65535, 0, 32896, 0, 257, 65535)
    assert read_picture(png_of(2, 1, 16, 2, row)).tolist() == [[[255, 0, 128], [0, 1, 255]]]
    clear = Image.fromarray(np.array([[5, 9000]], np.uint16))
    assert read_picture(saved(clear, "PNG", transparency=9000))[0, :, 0].tolist() == [0, 255]
    with pytest.raises(PictureError, match=r"greys run from 0.5 to 0.5, expected 0 to 65535"):
        read_picture(saved(Image.new("F", (2, 2), 0.5), "TIFF"))


def test_what_is_transparent_shows_white_paper():
    half = Image.new("RGBA", (2, 2), (255, 0, 0, 128))
    assert np.abs(read_picture(saved(half, "PNG")).astype(int) - (255, 127, 127)).max() <= 1
    assert read_picture(saved(Image.new("RGBA", (2, 2), (9, 9, 9, 0)), "WEBP")).min() >= 254
    assert read_picture(saved(Image.new("LA", (2, 2), (0, 0)), "PNG")).min() == 255
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1])
    for format in ("PNG", "GIF"):
        picture = read_picture(saved(palette, format, transparency=1))
        assert picture.tolist() == [[[255, 0, 0], [255, 255, 255]]], format
    keyed = read_picture(saved(Image.new("RGB", (2, 2), (1, 2, 3)), "PNG", transparency=(1, 2, 3)))
    assert keyed.min() == 255


def test_one_bit_and_indexed_pictures():
    bits = Image.fromarray(np.array([[True, False]]))
    assert read_picture(saved(bits, "PNG"))[0, :, 0].tolist() == [255, 0]
    few = Image.fromarray(COLOURS).quantize(8)
    np.testing.assert_array_equal(read_picture(saved(few, "GIF")), np.asarray(few.convert("RGB")))


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_many_frames_the_first_is_read(format):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 3
    picture = read_picture(data).astype(int)
    assert picture.shape == (8, 8, 3)
    assert np.abs(picture - (255, 0, 0)).max() <= 4


def test_a_picture_is_turned_as_its_camera_noted():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter, clockwise
    picture = read_picture(saved(Image.fromarray(COLOURS), "PNG", exif=exif))
    np.testing.assert_array_equal(picture, np.rot90(COLOURS, -1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.4",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"P5 2 1 255\n",
    ],
)
def test_what_is_no_picture_is_refused(data, tmp_path):
    with pytest.raises(PictureError, match=r"these \d+ bytes"):
        read_picture(data)
    (tmp_path / "cat.jpg").write_bytes(data)
    with pytest.raises(PictureError, match=re.escape(str(tmp_path / "cat.jpg"))):
        read_picture(tmp_path / "cat.jpg")


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path / "no.png", tmp_path):
        with pytest.raises(FileNotFoundError, match=re.escape(path.name)):
            read_picture(path)


def test_a_fault_of_the_disk_is_not_a_fault_of_the_picture(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(saved(Image.fromarray(COLOURS), "PNG"))

    def failing(*arguments, **options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Image, "open", failing)
    with pytest.raises(OSError, match="Input/output error") as caught:
        read_picture(tmp_path / "a.png")
    assert not isinstance(caught.value, PictureError)


@pytest.mark.parametrize(
    "data", [png_of(60_000, 60_000), png_of(10_000, 9_000), png_of(MAX_PIXELS + 1, 1)]
)
def test_a_bomb_is_refused_before_it_is_decoded(data, recwarn):
    assert len(data) < 100
    with pytest.raises(PictureError, match=rf"too large .*at most {MAX_PIXELS}"):
        read_picture(data)
    assert not recwarn.list


def test_the_limit_can_be_chosen():
    data = saved(Image.fromarray(COLOURS), "PNG")
    assert read_picture(data, max_pixels=35).shape == (5, 7, 3)
    with pytest.raises(PictureError, match="7 x 5 pixels; at most 34"):
        read_picture(data, max_pixels=34)


WHOLE = {
    format: saved(
        Image.fromarray(np.kron(COLOURS, np.ones((6, 6, 1), np.uint8))), format, **options
    )
    for format, options in {**LOSSLESS, "JPEG": {}, "GIF": {}}.items()
}


def test_every_format_is_tried():
    assert set(WHOLE) == set(FORMATS)
    assert all(ending == ending.lower() and ending[0] == "." for ending in ENDINGS)


@pytest.mark.parametrize("format", ["BMP", "JPEG", "PNG", "PPM", "WEBP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_truncated_picture_is_refused(format, share):
    data = WHOLE[format]
    with pytest.raises(PictureError, match=r"damaged|no picture"):
        read_picture(data[: int(share * len(data))])


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_damaged_bytes_give_a_picture_or_a_refusal(format, draw):
    data = bytearray(WHOLE[format])
    for _ in range(draw.draw(st.integers(1, 4))):
        # the first bytes say what the rest means: damage them often
        place = draw.draw(st.one_of(st.integers(0, 63), st.integers(0, len(data) - 1)))
        data[min(place, len(data) - 1)] = draw.draw(st.integers(0, 255))
    data = data[: draw.draw(st.integers(0, len(data)))] if draw.draw(st.booleans()) else data
    try:
        picture = read_picture(bytes(data), max_pixels=100_000)
    except PictureError:
        return
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3


@pytest.mark.parametrize("shape", [(64, 64), (80, 50), (31, 97), (20, 20), (33, 200)])
def test_a_cut_middle_equals_that_of_transformers(shape):
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": 32},
        crop_size={"height": 32, "width": 32},
        do_rescale=False,
        do_normalize=False,
    )
    expected = processor(Image.fromarray(picture), return_tensors="np")["pixel_values"][0]
    ours = fit_square(picture, 32, crop=True)
    np.testing.assert_array_equal(ours, expected.transpose(1, 2, 0))


def test_a_long_strip_costs_no_more_than_its_middle():
    strip = np.zeros((1, 2_000_000, 3), np.uint8)
    strip[0, 999_990:1_000_010] = 200
    assert fit_square(strip, 64, crop=True).min() == 200
    assert fit_square(strip, 64).shape == (64, 64, 3)
    assert fit_square(strip.transpose(1, 0, 2), 64, crop=True).min() == 200


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 40), st.booleans())
def test_a_square_of_the_asked_side_and_a_picture_of_that_side_as_it_is(height, width, side, crop):
    picture = np.full((height, width, 3), 40, np.uint8)
    square = fit_square(picture, side, crop=crop)
    assert square.shape == (side, side, 3)
    if crop or height == width:
        assert np.all(square == 40)
    else:
        assert set(np.unique(square)) <= {40, 255}
    square[:] = 7  # what comes back is the caller's own
    assert picture.min() == 40


@pytest.mark.parametrize(
    ("picture", "side", "message"),
    [
        (np.zeros((2, 2), np.uint8), 4, "shape"),
        (np.zeros((2, 2, 3)), 4, "float64"),
        (np.zeros((0, 2, 3), np.uint8), 4, "at least one pixel"),
        (np.zeros((2, 2, 3), np.uint8), 0, "side is 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(picture, side, message):
    with pytest.raises(ValueError, match=message):
        fit_square(picture, side)
