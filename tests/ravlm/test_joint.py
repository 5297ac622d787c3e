"""Losses of joint training: closed forms, and what must hold for any numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax

from ravm_course.ravlm.hard_negatives import contrastive_loss, mine_negatives, random_negatives
from ravm_course.ravlm.joint import distillation_loss, marginal_loss, posterior, with_guess


def draw(seed, rows=3, k=4):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, k, generator=generator, dtype=torch.float64)
    reading = torch.rand(rows, k, generator=generator, dtype=torch.float64).clamp(min=0.01).log()
    return scores.requires_grad_(), reading


seeds = st.integers(0, 10_000)


@given(seeds)
def test_gradient_of_the_marginal_is_prior_minus_posterior(seed):
    scores, reading = draw(seed)
    marginal_loss(scores, reading).backward()
    expected = (scores.softmax(1) - posterior(scores, reading)) / len(scores)
    torch.testing.assert_close(scores.grad, expected.detach())


@given(seeds)
def test_gradient_of_distillation_is_prior_minus_preference(seed):
    scores, reading = draw(seed)
    loss = distillation_loss(scores, reading)
    loss.backward()
    target = reading.exp() / reading.exp().sum(1, keepdim=True)
    torch.testing.assert_close(scores.grad, ((scores.softmax(1) - target) / len(scores)).detach())
    prior = softmax(scores.detach().numpy(), axis=1)
    kl = rel_entr(target.numpy(), prior).sum(1).mean()
    assert loss.item() == pytest.approx(kl, abs=1e-10)


@given(seeds, st.floats(-50, 50))
def test_a_shift_of_all_scores_changes_nothing(seed, shift):
    scores, reading = draw(seed)
    torch.testing.assert_close(
        marginal_loss(scores, reading), marginal_loss(scores + shift, reading)
    )


def test_the_reader_gets_the_posterior_as_its_weights():
    scores, reading = draw(0)
    reading.requires_grad_()
    marginal_loss(scores, reading).backward()
    torch.testing.assert_close(reading.grad, -posterior(scores, reading).detach() / len(scores))


def test_one_passage_or_equal_likelihoods_teach_the_retriever_nothing():
    scores, reading = draw(1, k=1)
    marginal_loss(scores, reading).backward()
    assert torch.equal(scores.grad, torch.zeros_like(scores))
    scores, _ = draw(1)
    marginal_loss(scores, torch.full_like(scores, -2.0).detach()).backward()
    torch.testing.assert_close(scores.grad, torch.zeros_like(scores), atol=1e-12, rtol=0)


def test_distillation_does_not_reach_the_reader():
    scores, reading = draw(2)
    reading.requires_grad_()
    distillation_loss(scores, reading).backward()
    assert reading.grad is None


def test_a_sharper_temperature_asks_for_the_best_passage():
    reading = torch.tensor([[0.5, 0.4]]).log()
    sure, even = torch.tensor([[20.0, 0.0]]), torch.zeros(1, 2)
    assert distillation_loss(sure, reading, 0.01) < distillation_loss(even, reading, 0.01)
    assert distillation_loss(sure, reading) > distillation_loss(even, reading)


def test_guessing_makes_absent_answers_finite_and_silent():
    scores = torch.randn(1, 3, requires_grad=True)
    absent = torch.full((1, 3), -torch.inf)
    with pytest.raises(ValueError, match="no passage gives"):
        marginal_loss(scores, absent)
    marginal_loss(scores, with_guess(absent)).backward()
    torch.testing.assert_close(scores.grad, torch.zeros(1, 3))


@given(seeds)
def test_gradient_of_a_negative_is_its_probability(seed):
    scores, _ = draw(seed)
    right = torch.zeros_like(scores, dtype=torch.bool)
    right[:, 0] = True
    contrastive_loss(scores, right).backward()
    expected = scores.softmax(1).detach()
    expected[:, 0] -= 1
    torch.testing.assert_close(scores.grad, expected / len(scores))


def test_contrast_with_one_right_passage_is_cross_entropy():
    scores, _ = draw(3)
    right = torch.eye(4, dtype=torch.bool)[[2, 0, 1]]
    torch.testing.assert_close(
        contrastive_loss(scores, right),
        torch.nn.functional.cross_entropy(scores, torch.tensor([2, 0, 1])),
    )


def test_passages_that_do_not_take_part_get_no_gradient():
    scores, _ = draw(4, rows=1)
    right = torch.tensor([[True, False, False, False]])
    contrastive_loss(scores, right, torch.tensor([[False, True, False, False]])).backward()
    assert torch.equal(scores.grad[0, 2:], torch.zeros(2, dtype=scores.dtype))
    assert bool((scores.grad[0, :2] != 0).all())


@given(seeds, st.integers(1, 5))
def test_mined_negatives_are_wrong_and_the_highest(seed, count):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(4, 8, generator=generator)
    right = torch.zeros(4, 8, dtype=torch.bool)
    right[:, :2] = True
    mined = mine_negatives(scores, right, count)
    assert not right.gather(1, mined).any()
    others = np.sort(scores[:, 2:].numpy(), axis=1)[:, ::-1][:, :count]
    np.testing.assert_array_equal(scores.gather(1, mined).numpy(), others)
    drawn = random_negatives(right, count, generator)
    assert not right.gather(1, drawn).any()
    assert all(len(set(row)) == count for row in drawn.tolist())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: marginal_loss(torch.zeros(2), torch.zeros(2)), r"\(B, K\)"),
        (lambda: posterior(torch.zeros(1, 2), torch.zeros(1, 3)), r"\(1, 3\)"),
        (lambda: distillation_loss(torch.zeros(1, 2), torch.zeros(1, 2), 0.0), "temperature"),
        (lambda: with_guess(torch.zeros(1), 0.0), "chance is 0.0"),
        (lambda: mine_negatives(torch.zeros(1, 2), torch.ones(1, 2) > 0, 1), "only 0 wrong"),
        (lambda: contrastive_loss(torch.zeros(1, 2), torch.zeros(1, 2) > 0), "no right passage"),
        (lambda: contrastive_loss(torch.zeros(1, 2), torch.zeros(1, 2)), "booleans"),
    ],
)
def test_errors(call, said):
    with pytest.raises(ValueError, match=said):
        call()
