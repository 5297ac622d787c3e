"""Slopes against SciPy, histograms of directions, and what they refuse."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from ravm_course.vision.edges import blur, edge_histograms, gaussian, slopes


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 99))
def test_slopes_equal_scipys_sobel(height, width, seed):
    images = torch.rand(2, height, width, generator=torch.Generator().manual_seed(seed))
    right, down = slopes(images)
    for image, r, d in zip(images, right, down, strict=True):
        for ours, axis in ((r, 1), (d, 0)):
            theirs = ndimage.sobel(image.numpy(), axis=axis, mode="nearest") / 8
            torch.testing.assert_close(ours, torch.tensor(theirs), rtol=1e-4, atol=1e-6)


def test_blur_equals_scipys_inside():
    image = torch.rand(1, 20, 20)
    theirs = ndimage.gaussian_filter(image[0].numpy(), 1.0, truncate=3, mode="nearest")
    torch.testing.assert_close(blur(image, 1.0)[0], torch.tensor(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sigma", [0, -1, math.inf, math.nan])
def test_a_bell_needs_a_width(sigma):
    with pytest.raises(ValueError, match="positive number of pixels"):
        gaussian(sigma)


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_a_slope_votes_for_its_direction(angle):
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    turn = math.radians(angle)
    image = (x * math.cos(turn) + y * math.sin(turn))[None] / 30
    votes = edge_histograms(image, cell=4, bins=8).view(8, 4, 4)[:, 1:3, 1:3].mean((1, 2))
    assert votes.argmax() == angle / 180 * 8


@given(st.floats(0.2, 1), st.floats(-0.3, 0.3))
def test_brightness_does_not_matter_and_contrast_hardly(contrast, brightness):
    image = torch.rand(1, 14, 14, generator=torch.Generator().manual_seed(0)) * 5
    before = edge_histograms(image, cell=7)
    after = edge_histograms(contrast * image + brightness, cell=7)
    torch.testing.assert_close(after, before, rtol=0.02, atol=0.01)


def test_the_inverse_has_the_same_edges():
    image = torch.rand(2, 14, 14)
    torch.testing.assert_close(edge_histograms(1 - image), edge_histograms(image))


def test_an_empty_picture_has_no_edges():
    assert (edge_histograms(torch.zeros(1, 28, 28)) == 0).all()


@pytest.mark.parametrize(
    ("images", "options", "error"),
    [
        (torch.rand(2, 1, 28, 28), {}, r"expected floating point \(N, H, W\)"),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), {}, "torch.uint8"),
        (torch.rand(2, 28, 28), {"cell": 29}, "do not fit"),
        (torch.rand(2, 28, 28), {"cell": 0}, "do not fit"),
        (torch.rand(2, 28, 28), {"step": 0}, "do not fit"),
    ],
)
def test_what_does_not_fit_is_refused(images, options, error):
    with pytest.raises(ValueError, match=error):
        edge_histograms(images, **options)
