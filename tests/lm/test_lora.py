"""LoRA starts as nothing, learns only its own weights, and merges into the same function."""

import pytest
import torch
from torch import nn

from ravm_course.lm import GPT, GPTConfig, next_token_loss
from ravm_course.lm.lora import LoRALinear, add_lora, merge_lora


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=20, context=8, channels=16, heads=2, layers=2)).double().eval()


def test_changes_nothing_at_first_and_only_itself_later(model):
    ids = torch.randint(20, (4, 8))
    before = model(ids)
    frozen = {name: p.clone() for name, p in model.named_parameters()}
    trainable = add_lora(model, ["project_in", "widen"], rank=2)
    assert torch.equal(model(ids), before)
    assert {id(p) for p in model.parameters() if p.requires_grad} == {id(p) for p in trainable}
    optimizer = torch.optim.Adam(trainable, lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        loss = next_token_loss(model, ids)
        loss.backward()
        optimizer.step()
    assert loss < next_token_loss(lambda x: before[:, : x.shape[1]], ids) - 0.1
    for name, weight in model.named_parameters():
        plain = name.replace(".linear.", ".")
        if plain in frozen:
            assert torch.equal(weight, frozen[plain])


def test_merged_equals_unmerged(model):
    for p in add_lora(model, ["project_in", "project_out", "widen", "narrow"], rank=3):
        p.data.normal_(std=0.1)
    ids = torch.randint(20, (4, 8))
    adapted = model(ids)
    merge_lora(model)
    assert not any(isinstance(m, LoRALinear) for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())
    torch.testing.assert_close(model(ids), adapted)


def test_the_difference_has_the_rank_that_was_asked_for():
    layer = LoRALinear(nn.Linear(12, 10), rank=3, alpha=6)
    layer.up.data.normal_()
    before = layer.linear.weight.clone()
    difference = layer.merged().weight - before
    assert torch.linalg.matrix_rank(difference, rtol=1e-4) == 3


def test_wrong_input_is_named(model):
    with pytest.raises(ValueError, match="rank is 5, expected 1 to 4"):
        LoRALinear(nn.Linear(9, 4), rank=5)
    with pytest.raises(ValueError, match=r"no linear map is called \['c_attn'\]; there are"):
        add_lora(model, ["widen", "c_attn"], rank=2)
