"""Pictures as sums of waves.

Every picture is a sum of gratings: cosine waves of all directions and widths, each with a strength
(amplitude) and a place (phase). The Fourier transform finds them. Laying a pattern on a picture
multiplies each grating by one number and changes no other (the convolution theorem; Goodfellow,
Bengio & Courville, *Deep Learning*, 2016, section 9.6 on its cost; Oppenheim & Schafer,
*Discrete-time signal processing*, ch. 8), so a filter is known by its *response* to each of them.
"""

from __future__ import annotations

import torch
from torch import Tensor


def frequencies(height: int, width: int) -> Tensor:
    """Return how fine each grating of the transform is, in cycles a pixel, ``(H, W)``.

    Zero, the mean brightness, stands first; 0.5 is black and white in turn.

    Examples
    --------
    >>> frequencies(1, 4)
    tensor([[0.0000, 0.2500, 0.5000, 0.2500]])
    """
    return torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width))


def grating(height: int, width: int, down: int, right: int, phase: float = 0.0) -> Tensor:
    """Return a cosine wave with so many cycles over the height and over the width, ``(H, W)``.

    Examples
    --------
    >>> grating(1, 4, down=0, right=1).round().tolist()
    [[1.0, -0.0, -1.0, 0.0]]
    """
    y = torch.arange(height)[:, None] * (down / height)
    x = torch.arange(width) * (right / width)
    return torch.cos(2 * torch.pi * (y + x) + phase)


def response(pattern: Tensor, height: int, width: int) -> Tensor:
    """Return what laying a pattern on does to each grating, ``(H, W)``.

    Parameters
    ----------
    pattern
        ``(k, k)``; its first entry lies on the pixel itself, and borders are joined.
    height, width
        Of the picture.

    Returns
    -------
    Tensor
        Complex numbers: the absolute value is the factor of the amplitude, the angle the shift of
        the phase.

    Raises
    ------
    ValueError
        If the pattern is larger than the picture.

    Examples
    --------
    >>> response(torch.tensor([[0.5, 0.5]]), 1, 4).abs().numpy().round(2)
    array([[1.  , 0.71, 0.  , 0.71]], dtype=float32)
    """
    if pattern.ndim != 2 or pattern.shape[0] > height or pattern.shape[1] > width:
        raise ValueError(
            f"a pattern of shape {tuple(pattern.shape)} does not fit into {height} x {width} "
            "pixels: expected (k, k) of at most that size."
        )
    return torch.fft.fft2(pattern, s=(height, width)).conj()


def circular_correlate(images: Tensor, pattern: Tensor) -> Tensor:
    """Lay a pattern on by way of the transform; what leaves on one side comes in on the other.

    Parameters
    ----------
    images
        ``(..., H, W)``.
    pattern
        ``(k, k)``.

    Returns
    -------
    Tensor
        Of the shape of `images`.

    Examples
    --------
    >>> circular_correlate(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([[0.0, 1.0]])).round()
    tensor([[2., 3., 4., 1.]])
    """
    waves = torch.fft.fft2(images) * response(pattern, *images.shape[-2:])
    return torch.fft.ifft2(waves).real


def keep_band(images: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Keep the gratings whose fineness lies in a band.

    Parameters
    ----------
    images
        ``(..., H, W)``.
    low, high
        Cycles a pixel, both included.

    Returns
    -------
    Tensor
        Of the same shape. Values may leave the range they were in.

    Raises
    ------
    ValueError
        If the band is empty.

    Examples
    --------
    >>> keep_band(torch.tensor([[1.0, 3.0]]), high=0.0)
    tensor([[2., 2.]])
    """
    if not 0 <= low <= high:
        raise ValueError(f"the band from {low} to {high} is empty: expected 0 <= low <= high.")
    fine = frequencies(*images.shape[-2:])
    inside = (fine >= low) & (fine <= high + 1e-6)
    return torch.fft.ifft2(torch.fft.fft2(images) * inside).real


def exchange_phase(strengths: Tensor, places: Tensor) -> Tensor:
    """Return pictures with the amplitudes of one and the phases of another.

    Parameters
    ----------
    strengths, places
        ``(..., H, W)``, of one shape.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> picture = torch.rand(4, 4)
    >>> exchange_phase(picture, picture).allclose(picture, atol=1e-5)
    True
    """
    if strengths.shape != places.shape:
        raise ValueError(
            f"shapes {tuple(strengths.shape)} and {tuple(places.shape)} differ: give pictures of "
            "one size."
        )
    amplitude = torch.fft.fft2(strengths).abs()
    return torch.fft.ifft2(torch.polar(amplitude, torch.fft.fft2(places).angle())).real
