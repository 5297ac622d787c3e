"""Patches go out and come back; exchanged places lose nothing; who notices."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.vision.patches import (
    ARRANGEMENTS,
    from_patches,
    rearrange_pictures,
    to_patches,
)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))
def test_patches_come_back_and_equal_unfold(channels, rows, columns, size):
    images = torch.rand(2, channels, rows * size, columns * size)
    patches = to_patches(images, size)
    assert torch.equal(from_patches(patches, size, rows * size, columns * size), images)
    assert torch.equal(patches, F.unfold(images, size, stride=size).transpose(1, 2))


def test_a_linear_map_of_patches_is_a_convolution():
    images, weight = torch.rand(2, 3, 8, 8), torch.rand(5, 3, 4, 4)
    by_patches = to_patches(images, 4) @ weight.flatten(1).T
    by_convolution = F.conv2d(images, weight, stride=4).flatten(2).transpose(1, 2)
    torch.testing.assert_close(by_patches, by_convolution)


@given(st.sampled_from(ARRANGEMENTS), st.integers(0, 99))
def test_rearranging_keeps_every_number(kind, seed):
    images = torch.arange(2 * 64.0).view(2, 1, 8, 8)
    moved = rearrange_pictures(images, kind, seed=seed, size=4)
    for before, after in zip(images, moved, strict=True):
        assert torch.equal(before.flatten(), after.flatten().sort().values)
    # the same way in every picture
    assert torch.equal(moved[1] - moved[0], torch.full_like(moved[0], 64))


def test_patches_stay_whole():
    images = torch.rand(1, 1, 8, 8)
    before, after = (
        {tuple(row) for row in to_patches(x, 4)[0].tolist()}
        for x in (images, rearrange_pictures(images, "patches", seed=3, size=4))
    )
    assert before == after


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not divide 8 x 6"):
        to_patches(torch.rand(1, 1, 8, 6), 4)
    with pytest.raises(ValueError, match=r"expected \(B, C, H, W\)"):
        to_patches(torch.rand(8, 8), 4)
    with pytest.raises(ValueError, match="expected one of ordinary, patches, pixels"):
        rearrange_pictures(torch.rand(1, 1, 8, 8), "columns")
    with pytest.raises(ValueError, match=r"expected \(B, 4"):
        from_patches(torch.rand(1, 3, 16), 4, 8, 8)
