"""The conditional VAE: KL against torch, the bound against an integral that can be done."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Normal, kl_divergence

from ravm_course.training import fit
from ravm_course.vision.conditional_vae import (
    ConditionalVAE,
    VAEConfig,
    bound_under_each,
    draw_from_vae,
    elbo_terms,
    gaussian_kl,
    vae_loss,
)

SMALL = VAEConfig(pixels=6, condition=2, hidden=16, latent=1)


def small_model(seed=0):
    torch.manual_seed(seed)
    return ConditionalVAE(SMALL)


@given(mean=st.floats(-5, 5), log_var=st.floats(-8, 4))
def test_kl_equals_torchs(mean, log_var):
    mean, log_var = (torch.tensor(x, dtype=torch.float64) for x in (mean, log_var))
    expected = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(mean, log_var), expected.double())


def test_terms_equal_torchs_distributions():
    model = small_model()
    generator = torch.Generator().manual_seed(0)
    dots = (torch.rand(4, 1, 2, 3, generator=generator) < 0.5).float()
    condition = torch.randn(4, 2, generator=generator)
    noise = torch.randn(4, 1, generator=generator)
    told, cost = elbo_terms(model, dots, condition, noise)
    mean, log_var = model.encode(dots, condition)
    spread = (log_var / 2).exp()
    logits = model.decode(mean + noise * spread, condition)
    torch.testing.assert_close(told, Bernoulli(logits=logits).log_prob(dots.flatten(1)).sum(1))
    torch.testing.assert_close(cost, kl_divergence(Normal(mean, spread), Normal(0.0, 1.0)))


def test_the_bound_is_below_the_integral_and_meets_it_where_the_latent_says_nothing():
    model = small_model(1)
    dots = (torch.rand(8, 6, generator=torch.Generator().manual_seed(2)) < 0.5).float()
    condition = torch.zeros(8, 2)
    z = torch.linspace(-8, 8, 4001)
    with torch.no_grad():
        logits = model.decode(z[:, None], torch.zeros(len(z), 2))
        each = Bernoulli(logits=logits[:, None]).log_prob(dots).sum(2)  # (Z, 8)
        whole = Normal(0.0, 1.0).log_prob(z)[:, None] + each
        exact = torch.logsumexp(whole, 0) + math.log(16 / 4000)
    bound = bound_under_each(model, dots, condition[:1], draws=400)[:, 0]
    assert (bound < exact + 0.01).all()
    assert (bound < exact - 0.001).any(), "an untrained encoder leaves a gap"

    with torch.no_grad():  # a decoder that does not read z, an encoder that says so
        model.decoder[0].weight[:, :1] = 0
        model.encoder[-1].weight.zero_()
        model.encoder[-1].bias.zero_()
        each = Bernoulli(logits=model.decode(torch.zeros(8, 1), condition)).log_prob(dots).sum(1)
    torch.testing.assert_close(bound_under_each(model, dots, condition[:1])[:, 0], each)


def test_grey_is_the_mean_over_dots():
    """Two pixels of brightness a and b: the bound is the mean over the four dotted pictures."""
    torch.manual_seed(0)
    model = ConditionalVAE(VAEConfig(pixels=2, condition=1, hidden=8, latent=1))
    grey, condition, noise = torch.tensor([[0.3, 0.8]]), torch.zeros(1, 1), torch.zeros(1, 1)
    told, _ = elbo_terms(model, grey, condition, noise)
    mean, _ = model.encode(grey, condition)
    logits = model.decode(mean, condition)
    expected = torch.zeros(1)
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        dots = torch.tensor([[float(a), float(b)]])
        weight = Bernoulli(grey).log_prob(dots).sum().exp()
        expected += weight * Bernoulli(logits=logits).log_prob(dots).sum(1)
    torch.testing.assert_close(told, expected)


def learned(kl_weight):
    """Rows of six dots, of which a condition says three and chance the others."""

    def draw(generator):
        which = torch.randint(2, (64, 2), generator=generator)
        condition = torch.eye(2)[which[:, 0]]
        return which.repeat_interleave(3, dim=1).float(), condition

    model = small_model()
    fit(
        model, lambda m, b: vae_loss(m, b, kl_weight), draw,
        steps=300, lr=1e-2, progress=False,
    )  # fmt: skip
    return model, draw


def test_it_learns_what_the_condition_does_not_say_and_bounds_pick_the_condition():
    model, draw = learned(1.0)
    dots, condition = draw(torch.Generator().manual_seed(9))
    with torch.no_grad():
        told, cost = elbo_terms(model, dots, condition, torch.zeros(64, 1))
    bound = (told - cost.sum(1)).mean().item()
    assert -math.log(2) - 0.35 < bound  # log 2 is what three dots of chance cost
    scores = bound_under_each(model, dots, torch.eye(2))
    assert torch.equal(scores.argmax(1), condition.argmax(1))
    drawn = draw_from_vae(model, torch.eye(2).repeat_interleave(200, dim=0))
    assert (drawn[:200, :3] < 0.1).all()
    assert (drawn[200:, :3] > 0.9).all()
    assert 0.3 < drawn[:, 3:].mean() < 0.7


def test_a_dear_latent_collapses():
    model, draw = learned(100.0)
    dots, condition = draw(torch.Generator().manual_seed(9))
    with torch.no_grad():
        _, cost = elbo_terms(model, dots, condition, torch.zeros(64, 1))
    assert cost.mean() < 0.01


def test_draws_depend_on_the_seed_only():
    model, condition = small_model(), torch.zeros(3, 2)
    assert torch.equal(draw_from_vae(model, condition), draw_from_vae(model, condition))
    assert not torch.equal(draw_from_vae(model, condition), draw_from_vae(model, condition, seed=1))


@pytest.mark.parametrize(
    ("pixels", "condition"), [((2, 5), (2, 2)), ((2, 6), (2, 3)), ((2, 6), (1, 2))]
)
def test_another_shape_is_refused(pixels, condition):
    with pytest.raises(ValueError, match="expected 6 pixels"):
        small_model().encode(torch.zeros(pixels), torch.zeros(condition))
