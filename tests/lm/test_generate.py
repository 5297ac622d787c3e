"""Sampling equals transformers' filters; writing on equals asking again and again."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm import GPT, GPTConfig, generate, next_probabilities


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=30, context=24, channels=24, heads=2, layers=2)).eval()
    with torch.no_grad():
        model.token.weight.mul_(20)  # a peaked distribution: argmax is no accident of rounding
    return model


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    temperature=st.sampled_from([0.3, 1.0, 2.5]),
    top_k=st.none() | st.integers(1, 25),
    top_p=st.none() | st.floats(0.05, 0.999),
)
def test_filters_equal_transformers(seed, temperature, top_k, top_p):
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    torch.manual_seed(seed)
    logits = 3 * torch.randn(4, 20, dtype=torch.float64)
    ours = next_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
    scores = TemperatureLogitsWarper(temperature)(None, logits)
    if top_k is not None:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p is not None:
        scores = TopPLogitsWarper(top_p)(None, scores)
    torch.testing.assert_close(ours, scores.softmax(dim=-1))


def test_top_p_keeps_the_fewest_tokens_that_reach_it():
    p = torch.tensor([0.1, 0.4, 0.2, 0.3])
    kept = next_probabilities(p.log(), top_p=0.69)
    torch.testing.assert_close(kept, torch.tensor([0.0, 4 / 7, 0.0, 3 / 7]))
    assert (next_probabilities(p.log(), top_p=0.01) > 0).sum() == 1


def test_draws_follow_the_distribution(model):
    prompt = torch.full((4000, 1), 3)
    with torch.no_grad():
        expected = model(prompt[:1])[0, -1].softmax(dim=-1)
    drawn = generate(model, prompt, 1, generator=torch.Generator().manual_seed(0))[:, 1]
    share = torch.bincount(drawn, minlength=30) / len(drawn)
    assert (share - expected).abs().max() < 0.04


@pytest.mark.parametrize(
    "options", [{"temperature": 0}, {"top_k": 5}, {"top_p": 0.8, "temperature": 0.7}]
)
def test_with_and_without_cache_write_the_same(model, options):
    prompt = torch.randint(30, (3, 4), generator=torch.Generator().manual_seed(1))
    cached, plain = (
        generate(model, prompt, 20, cached=c, generator=torch.Generator().manual_seed(2), **options)
        for c in (True, False)
    )
    assert torch.equal(cached, plain)
    assert torch.equal(cached[:, :4], prompt)


def test_greedy_equals_transformers():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=30, n_positions=24, n_embd=24, n_layer=2, n_head=2,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    peer = transformers.GPT2LMHeadModel(config).eval()
    peer.transformer.wte.weight.data.mul_(20)
    prompt = torch.randint(30, (1, 4))
    expected = peer.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=20, do_sample=False,
        pad_token_id=0,
    )  # fmt: skip
    assert torch.equal(generate(GPT.from_transformers(peer), prompt, 20, temperature=0), expected)


def test_stops_when_every_text_has_ended(model):
    prompt = torch.tensor([[4, 5], [4, 5], [7, 8]])
    free = generate(model, prompt, 20, temperature=0)
    stop = int(free[0, 6])
    place = int((free[0, 2:] == stop).nonzero()[0]) + 2
    same = generate(model, prompt[:2], 20, temperature=0, stop=stop)
    assert torch.equal(same, free[:2, : place + 1])
    mixed = generate(model, prompt, 20, temperature=0, stop=stop)
    assert (mixed[:2, place:] == stop).all()
    other = [int(token) for token in free[2]]
    until = other.index(stop, 2) if stop in other[2:] else 21
    assert torch.equal(mixed[2, : until + 1], free[2, : until + 1])


def test_nothing_to_add_is_the_prompt(model):
    prompt = torch.tensor([[1, 2]])
    assert torch.equal(generate(model, prompt, 0), prompt)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: generate(m, torch.zeros(1, 20, dtype=torch.long), 5), "at most 4 new tokens"),
        (lambda m: generate(m, torch.zeros(1, 0, dtype=torch.long), 5), "at least one token"),
        (lambda m: generate(m, torch.zeros(1, 1, dtype=torch.long), -1), "new_tokens is -1"),
        (lambda m: next_probabilities(torch.zeros(3), temperature=-1), "temperature is -1"),
        (lambda m: next_probabilities(torch.zeros(3), top_k=0), "top_k is 0"),
        (lambda m: next_probabilities(torch.zeros(3), top_p=1.5), "top_p is 1.5"),
    ],
)
def test_wrong_input_is_named(model, call, message):
    with pytest.raises(ValueError, match=message):
        call(model)
