"""The losses of a GAN in closed form, and small data that it can learn."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, kl_divergence

from ravm_course.vision.gan import (
    Discriminator,
    GANConfig,
    Generator,
    discriminator_loss,
    draw_from_gan,
    generator_loss,
    train_gan,
)

SMALL = GANConfig(pixels=4, condition=2, hidden=32, noise=4)


def expected_loss(logits, data, drawn):
    """Loss of a discriminator over four pictures that occur with these probabilities."""
    rows = torch.arange(4)
    counts = [torch.repeat_interleave(rows, (1000 * p).round().long()) for p in (data, drawn)]
    return discriminator_loss(logits[counts[0]], logits[counts[1]])


DATA = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
DRAWN = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)


def test_the_best_discriminator_has_the_loss_of_the_theorem():
    """Goodfellow et al., section 4.1: log 4 - 2 JSD(data, drawn), at D = p / (p + g)."""
    best = torch.logit(DATA / (DATA + DRAWN))
    middle = Categorical(probs=(DATA + DRAWN) / 2)
    jsd = sum(kl_divergence(Categorical(probs=p), middle) for p in (DATA, DRAWN)) / 2
    torch.testing.assert_close(expected_loss(best, DATA, DRAWN), math.log(4) - 2 * jsd)
    for move in torch.eye(4, dtype=torch.float64) * 0.1:
        assert expected_loss(best + move, DATA, DRAWN) > expected_loss(best, DATA, DRAWN)
        assert expected_loss(best - move, DATA, DRAWN) > expected_loss(best, DATA, DRAWN)


def test_where_drawings_are_like_the_data_nothing_beats_log_four():
    even = torch.zeros(4, dtype=torch.float64)
    assert expected_loss(even, DATA, DATA).item() == pytest.approx(math.log(4))
    assert expected_loss(even + 0.3, DATA, DATA) > math.log(4)


@given(st.floats(-30, 30))
def test_slopes_of_both_losses_of_the_generator(logit):
    for saturating in (True, False):
        drawn = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(generator_loss(drawn, saturating=saturating), drawn)
        real = 1 / (1 + math.exp(-logit))
        assert slope.item() == pytest.approx(-real if saturating else real - 1, abs=1e-8)


def test_the_saturating_loss_is_the_discriminators_turned_round():
    real, drawn = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    both = discriminator_loss(real, drawn) + generator_loss(drawn, saturating=True)
    torch.testing.assert_close(both, discriminator_loss(real, torch.full((9,), -1e3)))


def pair(seed=0):
    torch.manual_seed(seed)
    return Generator(SMALL), Discriminator(SMALL)


def draw(generator):
    """Draw rows of four; the condition says which half is white."""
    which = torch.randint(2, (64,), generator=generator)
    rows = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]])[which]
    return rows, torch.eye(2)[which]


def test_it_learns_to_draw_what_is_asked_for():
    generator, discriminator = pair()
    losses = train_gan(generator, discriminator, draw, steps=400, lr=2e-3)
    drawn = draw_from_gan(generator, torch.eye(2).repeat_interleave(50, dim=0))
    expected = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]).repeat_interleave(50, dim=0)
    assert (drawn - expected).abs().mean() < 0.15
    assert len(losses) == 400
    assert not generator.training
    assert not discriminator.training


def test_a_discriminator_left_alone_wins():
    generator, discriminator = pair()
    before = [p.clone() for p in generator.parameters()]
    losses = train_gan(generator, discriminator, draw, steps=300, generator_updates=0)
    assert losses[0] > 1
    assert losses[-1] < 0.1
    assert all(torch.equal(a, b) for a, b in zip(before, generator.parameters(), strict=True))


def test_only_wrong_conditions_teach_that_a_real_picture_can_be_the_wrong_one():
    rows = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]])
    gaps = {}
    for shown in (False, True):
        generator, discriminator = pair()
        train_gan(
            generator, discriminator, draw, steps=300, generator_updates=0, wrong_conditions=shown
        )
        with torch.no_grad():
            right = discriminator(rows, torch.eye(2)).mean()
            gaps[shown] = (right - discriminator(rows, torch.eye(2).flip(0)).mean()).item()
    assert gaps[True] > 3
    assert gaps[False] < gaps[True] / 2


def test_the_same_seed_gives_the_same_networks():
    runs = []
    for _ in range(2):
        generator, discriminator = pair()
        train_gan(generator, discriminator, draw, steps=5, seed=3)
        runs.append(draw_from_gan(generator, torch.eye(2), seed=1))
    assert torch.equal(*runs)
    assert not torch.equal(runs[0], draw_from_gan(generator, torch.eye(2), seed=2))


@pytest.mark.parametrize(("steps", "updates"), [(0, 1), (1, -1)])
def test_senseless_numbers_are_refused(steps, updates):
    with pytest.raises(ValueError, match="at least 1 step"):
        train_gan(*pair(), draw, steps=steps, generator_updates=updates)
