r"""A small conditional GAN: one network draws, another says whether a picture is real.

The discriminator gives a logit for "real"; the generator is trained to be taken for real
(Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, equation 1). Both are told a
condition (Mirza & Osindero, "Conditional generative adversarial nets", 2014, section 3.2). For a
picture x with density p(x) in the data and g(x) among the drawings, the best discriminator says

.. math:: D(x) = \frac{p(x)}{p(x) + g(x)},

and if the drawings have the data's own distribution it says 1/2 everywhere: its loss is
:math:`\log 4`, and nothing can be learned from it any more (section 4.1 of the first). There is no
density and no bound: what a GAN has learned must be judged by what it draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class GANConfig:
    """Sizes of a :class:`Generator` and a :class:`Discriminator`.

    Attributes
    ----------
    pixels
        Of a picture, height times width.
    condition
        Length of the vector that says what is asked for.
    hidden
        Units of both hidden layers, in each network.
    noise
        Length of the noise vector.
    """

    pixels: int = 28 * 28
    condition: int = 10
    hidden: int = 256
    noise: int = 64


class Generator(nn.Module):
    """Turn noise and a condition into a picture.

    Parameters
    ----------
    config
        Sizes.

    Examples
    --------
    >>> generator = Generator(GANConfig(pixels=16, condition=3, hidden=8, noise=2))
    >>> generator(torch.zeros(5, 2), torch.zeros(5, 3)).shape
    torch.Size([5, 16])
    """

    def __init__(self, config: GANConfig | None = None):
        super().__init__()
        self.config = config = config or GANConfig()
        self.layers = nn.Sequential(
            nn.Linear(config.noise + config.condition, config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, config.hidden),
            nn.BatchNorm1d(config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, config.pixels),
            nn.Sigmoid(),
        )

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Return pixels in [0, 1], ``(B, P)``, from ``(B, Z)`` and ``(B, C)``."""
        return self.layers(torch.cat([noise, condition], dim=1))


class Discriminator(nn.Module):
    """Give the logit that a picture is real.

    Parameters
    ----------
    config
        Sizes.

    Examples
    --------
    >>> discriminator = Discriminator(GANConfig(pixels=16, condition=3, hidden=8))
    >>> discriminator(torch.rand(5, 1, 4, 4), torch.zeros(5, 3)).shape
    torch.Size([5])
    """

    def __init__(self, config: GANConfig | None = None):
        super().__init__()
        config = config or GANConfig()
        self.layers = nn.Sequential(
            nn.Linear(config.pixels + config.condition, config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, 1),
        )

    def forward(self, pictures: Tensor, condition: Tensor) -> Tensor:
        """Return logits ``(B,)`` of pictures in [0, 1], ``(B, ...)``, and conditions ``(B, C)``."""
        return self.layers(torch.cat([2 * pictures.flatten(1) - 1, condition], dim=1)).squeeze(1)


def discriminator_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """Return minus the discriminator's log-probability of being right.

    Parameters
    ----------
    real, drawn
        Its logits for real and for drawn pictures, ``(B,)`` each.

    Returns
    -------
    Tensor
        A scalar: the mean over real plus the mean over drawn pictures; log 4 for logits of zero.

    Examples
    --------
    >>> round(discriminator_loss(torch.zeros(3), torch.zeros(3)).exp().item(), 4)
    4.0
    """
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def generator_loss(drawn: Tensor, *, saturating: bool = False) -> Tensor:
    """Return what the generator makes small.

    Parameters
    ----------
    drawn
        Logits that the discriminator gives to drawn pictures, ``(B,)``.
    saturating
        True for the mean of log(1 - D), the discriminator's own loss turned round: flat where the
        discriminator is sure. False for the mean of -log D, which is steep there (Goodfellow et
        al., section 3).

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> sure = torch.tensor([-8.0], requires_grad=True)
    >>> for saturating in (True, False):
    ...     slope, = torch.autograd.grad(generator_loss(sure, saturating=saturating), sure)
    ...     print(f"{slope.item():.4f}")
    -0.0003
    -0.9997
    """
    return -F.softplus(drawn).mean() if saturating else F.softplus(-drawn).mean()


def train_gan(
    generator: Generator,
    discriminator: Discriminator,
    draw: Callable[[torch.Generator], tuple[Tensor, Tensor]],
    *,
    steps: int,
    lr: float = 1e-3,
    generator_updates: int = 1,
    wrong_conditions: bool = False,
    seed: int = 0,
) -> list[float]:
    """Train both networks in place, in turns, and leave them in evaluation mode.

    Parameters
    ----------
    generator, discriminator
        The two networks.
    draw
        From a generator of chance to real pictures ``(B, ...)`` and conditions ``(B, C)``.
    steps
        Updates of the discriminator.
    lr
        Of Adam, for both; its first moment forgets fast (0.5), since the opponent moves.
    generator_updates
        Updates of the generator for each of the discriminator; 0 leaves it as it is.
    wrong_conditions
        Show the discriminator real pictures with the condition of another one of the batch, too,
        as half of what it shall refuse (Reed et al., "Generative adversarial text to image
        synthesis", ICML 2016, section 4.2). Without them nothing tells it that a real picture can
        be the wrong one.
    seed
        Of batches and noise.

    Returns
    -------
    list of float
        Loss of the discriminator at each step.

    Raises
    ------
    ValueError
        If there is no step, or a negative number of updates.

    Examples
    --------
    >>> config = GANConfig(pixels=4, condition=1, hidden=8, noise=2)
    >>> real = lambda chance: (torch.rand(16, 4, generator=chance), torch.zeros(16, 1))
    >>> len(train_gan(Generator(config), Discriminator(config), real, steps=3))
    3
    """
    if steps < 1 or generator_updates < 0:
        raise ValueError(
            f"steps is {steps} and generator_updates is {generator_updates}: take at least 1 step "
            f"and no negative number of updates."
        )
    chance = torch.Generator().manual_seed(seed)
    adam = {"lr": lr, "betas": (0.5, 0.99), "fused": True}
    of_generator = torch.optim.Adam(generator.parameters(), **adam)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), **adam)
    generator.train()
    discriminator.train()

    def drawn(condition: Tensor) -> Tensor:
        noise = torch.randn(len(condition), generator.config.noise, generator=chance)
        return generator(noise, condition)

    losses = []
    for _ in range(steps):
        pictures, condition = draw(chance)
        with torch.no_grad():
            faked = drawn(condition)
        both = torch.cat([pictures.flatten(1), faked])
        real, refused = discriminator(both, condition.repeat(2, 1)).chunk(2)
        loss = discriminator_loss(real, refused)
        if wrong_conditions:
            other = condition[torch.randperm(len(condition), generator=chance)]
            loss = (loss + discriminator_loss(real, discriminator(pictures, other))) / 2
        of_discriminator.zero_grad()
        loss.backward()
        of_discriminator.step()
        losses.append(loss.item())
        for _ in range(generator_updates):
            of_generator.zero_grad()
            loss = generator_loss(discriminator(drawn(condition), condition))
            loss.backward(inputs=list(generator.parameters()))
            of_generator.step()
    generator.eval()
    discriminator.eval()
    return losses


@torch.no_grad()
def draw_from_gan(generator: Generator, condition: Tensor, *, seed: int = 0) -> Tensor:
    """Return one picture for each condition.

    Parameters
    ----------
    generator
        In evaluation mode.
    condition
        ``(B, C)``.
    seed
        Of the noise.

    Returns
    -------
    Tensor
        In [0, 1], ``(B, P)``.

    Examples
    --------
    >>> generator = Generator(GANConfig(pixels=4, condition=1, hidden=8, noise=2)).eval()
    >>> draw_from_gan(generator, torch.zeros(3, 1)).shape
    torch.Size([3, 4])
    """
    chance = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(condition), generator.config.noise, generator=chance)
    return generator(noise, condition)
