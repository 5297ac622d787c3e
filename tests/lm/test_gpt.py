"""GPT equals transformers' GPT-2; the future is hidden; wrong input is named."""

import math

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ravm_course.lm import GPT, GPTConfig, next_token_loss
from ravm_course.lm.gpt import POSITIONS
from ravm_course.nn.transformer import matrix_flops


def small(positions="learned", layers=2):
    torch.manual_seed(0)
    config = GPTConfig(
        vocab_size=50, context=16, channels=24, heads=2, layers=layers, positions=positions
    )
    return GPT(config).eval()


def gpt2(**options):
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=50, n_positions=16, n_embd=24, n_layer=2, n_head=2,
        bos_token_id=None, eos_token_id=None, **options,
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(config).eval()


def test_logits_and_gradients_equal_transformers():
    peer = gpt2()
    for weight in peer.parameters():  # biases and norms that are not 0 and 1
        weight.data += 0.05 * torch.randn_like(weight)
    own, peer = GPT.from_transformers(peer).double(), peer.double()
    ids = torch.randint(50, (3, 16))
    torch.testing.assert_close(own(ids), peer(ids).logits, rtol=1e-5, atol=1e-8)
    loss = next_token_loss(own, ids)
    logits = peer(ids).logits[:, :-1]  # its own loss is computed in single precision
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(own.token.weight.grad, peer.transformer.wte.weight.grad)
    torch.testing.assert_close(
        own.blocks[0].attention.project_in.weight.grad.T,
        peer.transformer.h[0].attn.c_attn.weight.grad,
    )


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"activation_function": "relu"}, "activation_function is 'relu', expected 'gelu_new'"),
        ({"n_inner": 32}, "n_inner is 32"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings is False"),
    ],
)
def test_another_architecture_is_refused(options, name):
    with pytest.raises(ValueError, match=name):
        GPT.from_transformers(gpt2(**options))


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_future_changes_nothing_before_it(positions):
    model = small(positions)
    ids = torch.randint(50, (2, 12))
    changed = ids.clone()
    changed[:, 8:] = (changed[:, 8:] + 1) % 50
    with torch.no_grad():
        before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :8], after[:, :8])
    assert not torch.allclose(before[:, 8], after[:, 8])


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("layers", [1, 2])
def test_one_layer_without_positions_reads_a_bag_and_two_do_not(positions, layers):
    model = small(positions, layers=layers)
    ids = torch.tensor([[3, 7, 9], [7, 3, 9]])
    with torch.no_grad():
        first, second = model(ids)[:, -1]
    bag = positions == "none" and layers == 1  # the causal mask itself tells a second layer
    assert torch.allclose(first, second, atol=1e-6) == bag


@pytest.mark.parametrize("positions", POSITIONS)
def test_cached_equals_uncached(positions):
    model = small(positions)
    ids = torch.randint(50, (2, 16))
    cache = model.new_cache()
    with torch.no_grad():
        pieces = [model(part, cache) for part in ids.split((5, 1, 1, 9), dim=1)]
        torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids), rtol=1e-4, atol=1e-5)


def test_knows_nothing_at_first():
    loss = next_token_loss(small(), torch.randint(50, (64, 17)))
    assert loss.item() == pytest.approx(math.log(50), abs=0.02)


def test_overfits_one_batch():
    model = small().train()
    ids = torch.randint(50, (4, 9))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        loss = next_token_loss(model, ids)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.6  # the first tokens of four texts cannot be told apart


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: small("rotatory"), ValueError, "positions is 'rotatory', expected one of"),
        (lambda: GPT(GPTConfig(vocab_size=0)), ValueError, "vocab_size is 0"),
        (lambda: GPT(GPTConfig(9, heads=3)), ValueError, "3 heads do not divide 128"),
        (lambda: small()(torch.zeros(3, dtype=torch.long)), ValueError, r"expected \(batch, time"),
        (lambda: small()(torch.zeros(1, 0, dtype=torch.long)), ValueError, "at least one token"),
        (lambda: small()(torch.zeros(1, 17, dtype=torch.long)), ValueError, "context of 16"),
        (lambda: small()(torch.tensor([[50]])), IndexError, "out of range"),
    ],
)
def test_wrong_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_waves_are_as_large_as_token_vectors_at_first():
    model = GPT(GPTConfig(vocab_size=500, context=64, channels=64, heads=2, positions="sinusoidal"))
    size, expected = (x.pow(2).mean().sqrt().item() for x in (model.wave, model.token.weight))
    assert size == pytest.approx(expected, rel=0.05)


def test_operations_are_those_that_pytorch_counts():
    model, batch, time = small(), 3, 10
    c = model.config
    attention = 4 * batch * time**2 * c.channels * c.layers
    output = 2 * batch * time * c.channels * c.vocab_size
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(torch.zeros(batch, time, dtype=torch.long))
    assert counter.get_total_flops() == matrix_flops(model, batch * time) + attention + output
