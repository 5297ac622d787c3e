"""Fusion: what each kind computes and what it can and cannot express."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ravm_course.vlm.fusion import AttentionFusion, FeatureFusion, OneInput, fuse_decisions

CORNERS = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=2)))
SAME = (CORNERS[:, 0] == CORNERS[:, 1]).long()


def test_decisions_are_products_of_probabilities():
    generator = torch.Generator().manual_seed(0)
    logits = [torch.randn(4, 3, generator=generator) for _ in range(2)]
    fused = torch.softmax(fuse_decisions(logits), dim=1)
    product = torch.softmax(logits[0], 1) * torch.softmax(logits[1], 1)
    torch.testing.assert_close(fused, product / product.sum(1, keepdim=True))
    moved = [logits[0] + 7, logits[1]]
    torch.testing.assert_close(fuse_decisions(moved), fuse_decisions(logits))
    torch.testing.assert_close(fuse_decisions(logits, [1.0, 0.0]), F.log_softmax(logits[0], dim=1))


def test_no_sum_of_decisions_says_whether_two_inputs_agree():
    draw = np.random.default_rng(0)
    for _ in range(200):
        f, g = (torch.tensor(draw.normal(size=(2, 2))) for _ in range(2))
        index = (CORNERS > 0).long()
        decided = fuse_decisions([f[index[:, 0]], g[index[:, 1]]]).argmax(1)
        assert not torch.equal(decided, SAME)


@pytest.mark.parametrize("kind", [FeatureFusion, AttentionFusion])
def test_joint_models_learn_whether_two_inputs_agree(kind):
    torch.manual_seed(0)
    model = kind(4, 4, 32, 2, dropout=0.0)
    # normalisation needs more than one number to see a sign
    sign = torch.tensor([1.0, -1.0, 0.5, -0.5])
    places, text = CORNERS[:, :1, None] * sign, CORNERS[:, 1:] * sign
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        F.cross_entropy(model(places, text), SAME).backward()
        optimiser.step()
    assert torch.equal(model(places, text).argmax(1), SAME)


def test_attention_can_pick_a_place_that_the_mean_loses():
    torch.manual_seed(0)
    model = AttentionFusion(4, 6, 8, 3, dropout=0.0, heads=1).eval()
    places, text = torch.randn(2, 5, 4), torch.randn(2, 6)
    shuffled = places[:, [3, 0, 4, 1, 2]]
    torch.testing.assert_close(model(shuffled, text), model(places, text))
    with torch.no_grad():
        model.key.weight.mul_(50)  # nearly hard attention
        keys, asked = model.key(places), model.ask(text)
        best = (keys @ asked[..., None]).squeeze(-1).argmax(1)
        picked = places[torch.arange(2), best]
        sides = [model.picture_norm(picked), model.text_norm(text)]
        expected = model.head(torch.cat(sides, dim=1))
    torch.testing.assert_close(model(places, text), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("kind", [FeatureFusion, AttentionFusion])
def test_a_side_that_is_longer_gets_no_louder(kind):
    torch.manual_seed(0)
    model = kind(8, 6, 16, 3).eval()
    places, text = torch.randn(4, 5, 8), torch.randn(4, 6)
    normed = []
    model.head.register_forward_hook(lambda _, read, __: normed.append(read[0]))
    model(places, text)
    model(places, 50 * text)
    torch.testing.assert_close(normed[1][:, 8:], normed[0][:, 8:], rtol=1e-3, atol=1e-3)
    for read in normed:  # neither side is louder than the other
        torch.testing.assert_close(
            read[:, :8].std(1, correction=0), torch.ones(4), rtol=1e-2, atol=0
        )
        torch.testing.assert_close(
            read[:, 8:].std(1, correction=0), torch.ones(4), rtol=1e-2, atol=0
        )


def test_refusals():
    with pytest.raises(ValueError, match="one weight a model"):
        fuse_decisions([torch.zeros(2, 3)], [1.0, 1.0])
    with pytest.raises(ValueError, match="one shape"):
        fuse_decisions([torch.zeros(2, 3), torch.zeros(2, 4)])
    with pytest.raises(ValueError, match="do not divide"):
        AttentionFusion(6, 4, 8, 2)
    assert OneInput(4, 8, 2)(torch.zeros(3, 4)).shape == (3, 2)
