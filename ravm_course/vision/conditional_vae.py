r"""A conditional variational autoencoder: draw what is asked for, and bound its probability.

A latent vector z is drawn from a standard normal, and a decoder turns z and a condition c, such as
a text's vector, into the probability that each pixel is white. How probable a picture is under c is
an integral over z that nobody can compute. An encoder proposes the z that may have made it, and
gives a bound from below (Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, section 2;
with a condition: Sohn, Lee & Yan, NeurIPS 2015, section 4):

.. math:: \log p(x \mid c) \ge \mathbb{E}_{q(z \mid x, c)} \log p(x \mid z, c)
          - \mathrm{KL}\big(q(z \mid x, c) \,\|\, p(z)\big).

Here z does not depend on c before x is seen. A grey pixel of brightness 0.3 is read as a dot that
is white three times out of ten. The cross-entropy with grey targets is then the mean over all such
dotted pictures, and the bound is one in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class VAEConfig:
    """Sizes of a :class:`ConditionalVAE`.

    Attributes
    ----------
    pixels
        Of a picture, height times width.
    condition
        Length of the vector that says what is asked for.
    hidden
        Units of both hidden layers, in encoder and decoder.
    latent
        Length of z.
    """

    pixels: int = 28 * 28
    condition: int = 10
    hidden: int = 256
    latent: int = 32


def _layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.SiLU(),
        nn.Linear(hidden, hidden),
        nn.SiLU(),
        nn.Linear(hidden, outputs),
    )


class ConditionalVAE(nn.Module):
    """Encoder and decoder, both told the condition.

    Parameters
    ----------
    config
        Sizes.

    Examples
    --------
    >>> model = ConditionalVAE(VAEConfig(pixels=16, condition=3, hidden=8, latent=2))
    >>> mean, log_var = model.encode(torch.rand(5, 1, 4, 4), torch.zeros(5, 3))
    >>> mean.shape, model.decode(mean, torch.zeros(5, 3)).shape
    (torch.Size([5, 2]), torch.Size([5, 16]))
    """

    def __init__(self, config: VAEConfig | None = None):
        super().__init__()
        self.config = config = config or VAEConfig()
        self.encoder = _layers(config.pixels + config.condition, config.hidden, 2 * config.latent)
        self.decoder = _layers(config.latent + config.condition, config.hidden, config.pixels)

    def encode(self, pictures: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z | picture, condition).

        Parameters
        ----------
        pictures
            In [0, 1], ``(B, ...)`` with as many pixels as the configuration says.
        condition
            ``(B, C)``.

        Returns
        -------
        tuple of Tensor
            ``(B, L)`` each.

        Raises
        ------
        ValueError
            If a shape is another.
        """
        flat, config = pictures.flatten(1), self.config
        expected = (len(flat), config.condition)
        if flat.shape[1] != config.pixels or tuple(condition.shape) != expected:
            raise ValueError(
                f"pictures have {flat.shape[1]} pixels and condition has shape "
                f"{tuple(condition.shape)}, expected {config.pixels} pixels and {expected}."
            )
        mean, log_var = self.encoder(torch.cat([2 * flat - 1, condition], dim=1)).chunk(2, dim=1)
        return mean, log_var

    def decode(self, latent: Tensor, condition: Tensor) -> Tensor:
        """Return the logit of white for each pixel, ``(B, P)``, from z ``(B, L)``, c ``(B, C)``."""
        return self.decoder(torch.cat([latent, condition], dim=1))


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """Return KL(N(mean, var) || N(0, 1)) of each dimension, in nats.

    Parameters
    ----------
    mean, log_var
        Of any one shape.

    Returns
    -------
    Tensor
        Of that shape; never negative, and zero where the latent says nothing.

    Examples
    --------
    >>> gaussian_kl(torch.tensor([0.0, 2.0]), torch.zeros(2))
    tensor([0., 2.])
    """
    return (mean.square() + log_var.exp() - 1 - log_var) / 2


def elbo_terms(
    model: ConditionalVAE, pictures: Tensor, condition: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Return what the bound consists of: how well pixels are told, and what the latent costs.

    Parameters
    ----------
    model
        The model.
    pictures
        In [0, 1], ``(B, ...)``.
    condition
        ``(B, C)``.
    noise
        Standard normal, ``(B, L)``: z is the mean plus this times the standard deviation.

    Returns
    -------
    tuple of Tensor
        Log-probability of the pixels ``(B,)``, and KL of each latent dimension ``(B, L)``, in nats.
        The bound is the first minus the sum of the second.

    Examples
    --------
    >>> model = ConditionalVAE(VAEConfig(pixels=4, condition=1, hidden=8, latent=2))
    >>> told, cost = elbo_terms(model, torch.rand(3, 4), torch.zeros(3, 1), torch.zeros(3, 2))
    >>> told.shape, cost.shape, bool((cost >= 0).all())
    (torch.Size([3]), torch.Size([3, 2]), True)
    """
    mean, log_var = model.encode(pictures, condition)
    logits = model.decode(mean + noise * (log_var / 2).exp(), condition)
    told = -F.binary_cross_entropy_with_logits(logits, pictures.flatten(1), reduction="none")
    return told.sum(1), gaussian_kl(mean, log_var)


def vae_loss(model: ConditionalVAE, batch: tuple[Tensor, Tensor], kl_weight: float = 1.0) -> Tensor:
    """Return the mean negative bound, with noise from torch's own generator.

    Parameters
    ----------
    model
        The model.
    batch
        Pictures in [0, 1], ``(B, ...)``, and conditions ``(B, C)``.
    kl_weight
        Factor on the KL. With 1 the loss is the bound; a larger one makes latents dearer than they
        are.

    Returns
    -------
    Tensor
        A scalar, in nats a picture.
    """
    pictures, condition = batch
    noise = torch.randn(len(pictures), model.config.latent, device=pictures.device)
    told, cost = elbo_terms(model, pictures, condition, noise)
    return (kl_weight * cost.sum(1) - told).mean()


@torch.no_grad()
def bound_under_each(
    model: ConditionalVAE, pictures: Tensor, conditions: Tensor, *, draws: int = 4, seed: int = 0
) -> Tensor:
    """Return the bound on log p(picture | condition) for each picture and each condition.

    Parameters
    ----------
    model
        The model.
    pictures
        In [0, 1], ``(N, ...)``.
    conditions
        ``(K, C)``.
    draws
        How many z are drawn for each pair; the bounds are averaged. All conditions get the same
        noise, so that they do not differ by luck.
    seed
        Of the noise.

    Returns
    -------
    Tensor
        In nats, ``(N, K)``.

    Examples
    --------
    >>> model = ConditionalVAE(VAEConfig(pixels=4, condition=2, hidden=8, latent=2))
    >>> bound_under_each(model, torch.rand(5, 4), torch.eye(2)).shape
    torch.Size([5, 2])
    """
    generator = torch.Generator().manual_seed(seed)
    bounds = torch.zeros(len(pictures), len(conditions))
    for _ in range(draws):
        noise = torch.randn(len(pictures), model.config.latent, generator=generator)
        for k, condition in enumerate(conditions):
            told, cost = elbo_terms(model, pictures, condition.expand(len(pictures), -1), noise)
            bounds[:, k] += (told - cost.sum(1)) / draws
    return bounds


@torch.no_grad()
def draw_from_vae(model: ConditionalVAE, condition: Tensor, *, seed: int = 0) -> Tensor:
    """Return the brightness of each pixel for z drawn from the standard normal.

    Parameters
    ----------
    model
        The model.
    condition
        ``(B, C)``, one picture for each row.
    seed
        Of z.

    Returns
    -------
    Tensor
        In [0, 1], ``(B, P)``.

    Examples
    --------
    >>> model = ConditionalVAE(VAEConfig(pixels=4, condition=1, hidden=8, latent=2))
    >>> draw_from_vae(model, torch.zeros(3, 1)).shape
    torch.Size([3, 4])
    """
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(len(condition), model.config.latent, generator=generator)
    return model.decode(latent, condition).sigmoid()
