"""Losses that learn to order, and the merging of orders."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.retrieval.ranking import (
    listwise_loss,
    pairwise_loss,
    pointwise_loss,
    reciprocal_rank_fusion,
)
from ravm_course.vlm import clip_loss

LOSSES = (pointwise_loss, pairwise_loss, listwise_loss)


def example(seed, queries=5, candidates=7):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(queries, candidates, generator=generator, dtype=torch.float64)
    relevance = torch.randint(0, 3, (queries, candidates), generator=generator)
    relevance[:, 0], relevance[:, 1] = 2, 0
    return scores, relevance


def test_they_equal_loops():
    scores, relevance = example(1)
    expected = {loss: [] for loss in LOSSES}
    for row, truth in zip(scores.tolist(), relevance.tolist(), strict=True):
        expected[pointwise_loss].append(
            np.mean([math.log1p(math.exp(-s if r else s)) for s, r in zip(row, truth, strict=True)])
        )
        expected[pairwise_loss].append(
            np.mean(
                [
                    math.log1p(math.exp(row[j] - row[i]))
                    for i in range(len(row))
                    for j in range(len(row))
                    if truth[i] > truth[j]
                ]
            )
        )
        total = math.log(sum(math.exp(s) for s in row))
        expected[listwise_loss].append(
            -sum(r / sum(truth) * (s - total) for s, r in zip(row, truth, strict=True))
        )
    for loss, values in expected.items():
        assert loss(scores, relevance).item() == pytest.approx(np.mean(values))


def test_listwise_with_one_right_answer_is_cross_entropy_and_half_of_clips_loss():
    generator = torch.Generator().manual_seed(2)
    pictures, texts = (F.normalize(torch.randn(6, 4, generator=generator), dim=1) for _ in range(2))
    one = listwise_loss(10 * pictures @ texts.T, torch.eye(6))
    torch.testing.assert_close(one, F.cross_entropy(10 * pictures @ texts.T, torch.arange(6)))
    other = listwise_loss(10 * texts @ pictures.T, torch.eye(6))
    torch.testing.assert_close((one + other) / 2, clip_loss(pictures, texts, 10.0))


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_differences(loss):
    scores, relevance = example(3, 2, 4)
    assert torch.autograd.gradcheck(lambda s: loss(s, relevance), scores.requires_grad_())


@given(st.integers(0, 10_000))
def test_only_pointwise_sees_what_changes_no_order(seed):
    scores, relevance = example(seed)
    moved = scores + torch.arange(len(scores), dtype=scores.dtype)[:, None] + 1
    for loss in (pairwise_loss, listwise_loss):
        torch.testing.assert_close(loss(moved, relevance), loss(scores, relevance))
    assert pointwise_loss(moved, relevance) != pytest.approx(
        pointwise_loss(scores, relevance).item()
    )


def test_queries_weigh_the_same_and_those_without_a_pair_do_not_count():
    scores, relevance = example(4)
    flat = torch.cat([relevance, torch.ones(1, relevance.shape[1], dtype=relevance.dtype)])
    more = torch.cat([scores, scores[:1] + 3])
    assert pairwise_loss(more, flat).item() == pytest.approx(
        pairwise_loss(scores, relevance).item()
    )
    with pytest.raises(ValueError, match="nothing to order"):
        pairwise_loss(scores, torch.ones_like(relevance))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("scores", "relevance", "message"),
    [
        (torch.zeros(2, 3), torch.ones(2, 2), "must both be"),
        (torch.zeros(3), torch.ones(3), "must both be"),
        (torch.zeros(0, 3), torch.ones(0, 3), "must both be"),
        (torch.zeros(2, 2), torch.tensor([[1, 0], [0, 0]]), "did not find"),
        (torch.zeros(1, 2), torch.tensor([[1, -1]]), "none below 0"),
    ],
)
def test_losses_refuse(loss, scores, relevance, message):
    with pytest.raises(ValueError, match=message):
        loss(scores, relevance)


def test_fusion_of_one_system_keeps_its_order_and_of_two_needs_both():
    draw = np.random.default_rng(5)
    scores = draw.normal(size=(4, 9))
    alone = reciprocal_rank_fusion([scores])
    np.testing.assert_array_equal(np.argsort(-alone), np.argsort(-scores))
    np.testing.assert_array_equal(alone, reciprocal_rank_fusion([np.exp(scores) * 100]))
    other = draw.normal(size=(4, 9))
    np.testing.assert_allclose(
        reciprocal_rank_fusion([scores, other]), reciprocal_rank_fusion([other, scores])
    )


def test_fusion_ranks_ties_by_the_smaller_index():
    fused = reciprocal_rank_fusion([np.zeros((1, 3))], constant=0)
    np.testing.assert_allclose(fused, [[1, 1 / 2, 1 / 3]])


@pytest.mark.parametrize(
    ("scores", "constant", "message"),
    [
        ([], 60, "at least one"),
        ([np.zeros(3)], 60, "all"),
        ([np.zeros((1, 3)), np.zeros((1, 2))], 60, "all"),
        ([np.full((1, 2), np.nan)], 60, "NaN"),
        ([np.zeros((1, 2))], -1, "above -1"),
    ],
)
def test_fusion_refuses(scores, constant, message):
    with pytest.raises(ValueError, match=message):
        reciprocal_rank_fusion(scores, constant)
