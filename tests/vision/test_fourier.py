"""Waves: filters by transform equal filters by hand; nothing is lost; what is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.vision.convolution import correlate
from ravm_course.vision.fourier import (
    circular_correlate,
    exchange_phase,
    frequencies,
    grating,
    keep_band,
    response,
)


@given(st.integers(1, 4), st.integers(4, 9), st.integers(4, 9), st.integers(0, 99))
def test_the_transform_equals_laying_on(kernel, height, width, seed):
    draw = torch.Generator().manual_seed(seed)
    image = torch.randn(height, width, generator=draw, dtype=torch.double)
    pattern = torch.randn(kernel, kernel, generator=draw, dtype=torch.double)
    joined = torch.cat([image, image[: kernel - 1]])
    joined = torch.cat([joined, joined[:, : kernel - 1]], dim=1)
    direct = correlate(joined[None, None], pattern[None, None])[0, 0]
    torch.testing.assert_close(circular_correlate(image, pattern), direct)


@given(st.integers(-3, 3), st.integers(-3, 3), st.floats(0, 6))
def test_a_grating_stays_a_grating(down, right, phase):
    wave = grating(8, 8, down, right, phase).double()
    pattern = torch.rand(3, 3, dtype=torch.double)
    factor = response(pattern, 8, 8)[down % 8, right % 8]
    expected = factor.abs() * grating(8, 8, down, right, phase + factor.angle().item())
    torch.testing.assert_close(
        circular_correlate(wave, pattern), expected.double(), atol=1e-5, rtol=1e-5
    )


@given(st.floats(0, 0.7))
def test_bands_add_up(edge):
    image = torch.randn(9, 8)
    fine = frequencies(9, 8)
    below = fine[fine <= edge + 1e-6].max().item()
    above = fine[fine > edge + 1e-6]
    low = keep_band(image, 0, below)
    high = keep_band(image, above.min().item(), 1) if len(above) else torch.zeros_like(image)
    torch.testing.assert_close(low + high, image, atol=1e-4, rtol=1e-4)


def test_energy_is_kept():
    image = torch.randn(6, 7)
    waves = torch.fft.fft2(image).abs().square().sum() / image.numel()
    torch.testing.assert_close(waves, image.square().sum())


def test_exchanged_phases_are_those_of_the_other():
    a, b = torch.rand(2, 8, 8) + 0.1
    mixed = torch.fft.fft2(exchange_phase(a, b))
    torch.testing.assert_close(mixed.abs(), torch.fft.fft2(a).abs(), atol=1e-4, rtol=1e-3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit into 2 x 2"):
        response(torch.rand(3, 3), 2, 2)
    with pytest.raises(ValueError, match=r"from 0.3 to 0.2 is empty"):
        keep_band(torch.rand(4, 4), 0.3, 0.2)
    with pytest.raises(ValueError, match="differ"):
        exchange_phase(torch.rand(4, 4), torch.rand(4, 5))
