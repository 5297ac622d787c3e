r"""Draw pictures: a small network that carries noise to data, given other pictures and a vector.

Flow matching joins a noise picture :math:`x_0` and a drawing :math:`x_1` by a straight line,
:math:`x_t = (1 - t)\,x_0 + t\,x_1`. Many lines cross at one point; following the mean of their
directions from noise carries it to the distribution of the drawings (Lipman et al., "Flow matching
for generative modeling", ICLR 2023, section 3; Liu, Gong & Liu, "Flow straight and fast", ICLR
2023, section 2.1). The direction is :math:`x_1 - x_0 = (x_1 - x_t) / (1 - t)`, so it is enough to
know the mean of the drawings that a point may end in. The network is trained, by least squares, to
say that. It could as well be trained to say the direction, but then it must say the noise, pixel by
pixel, and a small network has better things to learn.

The network is a U-Net of two levels (Ronneberger et al., MICCAI 2015). What it is told comes in on
two roads: pictures, such as retrieved neighbours, as further channels, so that a place of the
drawing sees the same place of the neighbours; and time and a vector, such as a text's, as a factor
and a summand for each channel (FiLM: Perez et al., AAAI 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FREQUENCIES = 8  # of the sines and cosines that tell the time


@dataclass(frozen=True)
class FlowConfig:
    """Sizes of a :class:`FlowNet`.

    Attributes
    ----------
    pictures
        How many pictures it is shown beside the one it draws.
    vector
        Length of the vector it is told.
    channels
        Of the maps at full size; those at half size have twice as many.
    """

    pictures: int = 2
    vector: int = 256
    channels: int = 32


class _FilmBlock(nn.Module):
    """Two convolutions around a scale and shift of each channel, added to their input."""

    def __init__(self, channels: int, told: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, channels), nn.GroupNorm(8, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.film = nn.Linear(told, 2 * channels)
        nn.init.zeros_(self.conv2.weight)  # every block starts as the identity
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Map ``(B, C, H, W)``, told ``(B, T)``, to ``(B, C, H, W)``."""
        scale, shift = self.film(told)[:, :, None, None].chunk(2, dim=1)
        inner = self.conv1(F.silu(self.norm1(x)))
        inner = self.norm2(inner) * (1 + scale) + shift
        return x + self.conv2(F.silu(inner))


class FlowNet(nn.Module):
    """Say what drawing a noisy picture will become: the mean of all that it may.

    Parameters
    ----------
    config
        Sizes.

    Examples
    --------
    >>> net = FlowNet(FlowConfig(pictures=1, vector=4, channels=8))
    >>> noisy, shown = torch.zeros(2, 3, 16, 16), torch.zeros(2, 1, 3, 16, 16)
    >>> net(noisy, torch.tensor([0.0, 0.5]), shown, torch.zeros(2, 4)).shape
    torch.Size([2, 3, 16, 16])
    """

    def __init__(self, config: FlowConfig | None = None):
        super().__init__()
        self.config = config = config or FlowConfig()
        width, told = config.channels, 2 * config.channels
        self.enter = nn.Conv2d(3 + 3 * config.pictures, width, 3, padding=1)
        self.listen = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES + config.vector, told), nn.SiLU(), nn.Linear(told, told)
        )
        self.down = _FilmBlock(width, told)
        self.halve = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.low = nn.ModuleList(_FilmBlock(2 * width, told) for _ in range(2))
        self.widen = nn.Conv2d(2 * width, width, 1)
        self.up = _FilmBlock(width, told)
        self.leave = nn.Conv2d(width, 3, 3, padding=1)
        self.to(memory_format=torch.channels_last)

    def facts(self) -> dict:
        """Return what must be stored beside the weights to build this network again."""
        return {"config": asdict(self.config)}

    def forward(self, noisy: Tensor, time: Tensor, shown: Tensor, vector: Tensor) -> Tensor:
        """Return the drawing that is expected.

        Parameters
        ----------
        noisy
            Points between noise and drawing, ``(B, 3, H, W)``; 2 divides H and W.
        time
            From 0 (noise) to 1 (drawing), ``(B,)``.
        shown
            Pictures in [-1, 1], ``(B, P, 3, H, W)``; zeros where there is nothing to show.
        vector
            ``(B, D)``.

        Returns
        -------
        Tensor
            ``(B, 3, H, W)``.

        Raises
        ------
        ValueError
            If a shape is another.
        """
        batch, _, height, width = noisy.shape
        expected = (batch, self.config.pictures, 3, height, width)
        if tuple(shown.shape) != expected or height % 2 or width % 2:
            raise ValueError(
                f"shown has shape {tuple(shown.shape)}, expected {expected} beside a noisy picture "
                f"of shape {tuple(noisy.shape)}, with even height and width."
            )
        if tuple(vector.shape) != (batch, self.config.vector) or tuple(time.shape) != (batch,):
            raise ValueError(
                f"vector has shape {tuple(vector.shape)} and time {tuple(time.shape)}, expected "
                f"({batch}, {self.config.vector}) and ({batch},)."
            )
        angle = time[:, None] * math.pi * 2.0 ** torch.arange(_FREQUENCIES, device=time.device) / 2
        told = self.listen(torch.cat([angle.sin(), angle.cos(), vector], dim=1))
        seen = torch.cat([noisy, shown.flatten(1, 2)], dim=1)
        full = self.down(self.enter(seen.to(memory_format=torch.channels_last)), told)
        half = self.halve(full)
        for block in self.low:
            half = block(half, told)
        full = full + F.interpolate(self.widen(half), scale_factor=2.0, mode="nearest")
        return self.leave(F.silu(self.up(full, told)))


def flow_loss(net: FlowNet, batch: tuple[Tensor, Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Return the mean squared error of the expected drawing.

    Parameters
    ----------
    net
        The network.
    batch
        Drawings in [-1, 1] and noise, ``(B, 3, H, W)`` each; times ``(B,)``; pictures shown
        ``(B, P, 3, H, W)``; vectors ``(B, D)``.

    Returns
    -------
    Tensor
        A scalar.
    """
    drawing, noise, time, shown, vector = batch
    t = time[:, None, None, None]
    return F.mse_loss(net((1 - t) * noise + t * drawing, time, shown, vector), drawing)


@torch.no_grad()
def follow(expect: Callable[[Tensor, Tensor], Tensor], noise: Tensor, steps: int = 16) -> Tensor:
    """Carry noise to a drawing by Euler steps, from time 0 to time 1.

    Parameters
    ----------
    expect
        From points ``(B, ...)`` and times ``(B,)`` to the drawings expected, ``(B, ...)``.
    noise
        Where to begin, ``(B, ...)``.
    steps
        How many, at least 1.

    Returns
    -------
    Tensor
        Where the steps end, ``(B, ...)``.

    Raises
    ------
    ValueError
        If `steps` is below 1.

    Examples
    --------
    Where there is one drawing, at 5, all lines end in it, and any number of steps arrives:

    >>> follow(lambda x, t: torch.full_like(x, 5), torch.tensor([0.0, -1.0]), steps=3)
    tensor([5., 5.])
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}: take at least 1.")
    x = noise
    for step in range(steps):
        expected = expect(x, x.new_full((len(x),), step / steps))
        x = x + (expected - x) / (steps - step)  # dt / (1 - t) = 1 / (steps - step)
    return x


def draw_pictures(
    net: FlowNet, shown: Tensor, vector: Tensor, *, steps: int = 16, seed: int = 0
) -> Tensor:
    """Draw one picture for each row.

    Parameters
    ----------
    net
        A trained network.
    shown
        Pictures in [-1, 1], ``(B, P, 3, H, W)``.
    vector
        ``(B, D)``.
    steps
        Of :func:`follow`.
    seed
        Of the noise.

    Returns
    -------
    Tensor
        Pictures in [0, 1], ``(B, 3, H, W)``.

    Examples
    --------
    >>> net = FlowNet(FlowConfig(pictures=1, vector=4, channels=8))
    >>> draw_pictures(net, torch.zeros(2, 1, 3, 8, 8), torch.zeros(2, 4), steps=2).shape
    torch.Size([2, 3, 8, 8])
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(shown), *shown.shape[2:], generator=generator).to(shown.device)
    drawn = follow(lambda x, t: net(x, t, shown, vector), noise, steps)
    return ((drawn + 1) / 2).clamp(0, 1)
