"""What a text costs: against one forward pass, against single steps, for texts of every length."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm import GPT, GPTConfig, load_speech_tokens, token_log_probs

CONTEXT = 8


def small():
    torch.manual_seed(0)
    config = GPTConfig(
        vocab_size=20, context=CONTEXT, channels=16, heads=2, layers=2, positions="rotary"
    )
    model = GPT(config).eval()
    model.token.weight.data.mul_(20)  # peaked, so that a wrong context shows
    return model


MODEL = small()


def by_single_steps(ids, begin, step):
    """Score one token at a time, from the tokens that its window reads before it."""
    costs = []
    for position, token in enumerate(ids.tolist()):
        if position < CONTEXT:
            first = 0
        else:  # windows that end at CONTEXT + step, CONTEXT + 2 step, ..., and at the end
            end = CONTEXT + math.ceil((position + 1 - CONTEXT) / step) * step
            first = min(end, len(ids)) - CONTEXT
        read = torch.tensor([begin, *ids.tolist()])[first : position + 1]
        costs.append(MODEL(read[None])[0, -1].log_softmax(dim=0)[token])
    return torch.stack(costs)


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 19), min_size=1, max_size=40),
    st.integers(1, CONTEXT),
    st.integers(1, 4),
)
def test_windows_cost_what_single_steps_cost(ids, step, batch):
    ids = torch.tensor(ids)
    with torch.no_grad():
        expected = by_single_steps(ids, 3, step)
    came = token_log_probs(MODEL, ids, begin=3, step=step, batch=batch)
    torch.testing.assert_close(came, expected, rtol=1e-4, atol=1e-5)


def test_a_short_text_is_one_forward_pass():
    ids = torch.tensor([5, 1, 7])
    logits = MODEL(torch.tensor([[0, 5, 1]]))[0].log_softmax(dim=-1)
    expected = logits.gather(1, ids[:, None])[:, 0]
    torch.testing.assert_close(token_log_probs(MODEL, ids, begin=0), expected)


def test_what_comes_later_changes_nothing():
    ids = torch.arange(20) % 20
    changed = ids.clone()
    changed[13:] = 0
    before, after = (token_log_probs(MODEL, some, begin=0, step=1) for some in (ids, changed))
    torch.testing.assert_close(before[:13], after[:13])


def test_what_cannot_be_scored_is_refused():
    ids = torch.tensor([1, 2])
    with pytest.raises(ValueError, match=r"one text \(T,\)"):
        token_log_probs(MODEL, ids[None], begin=0)
    with pytest.raises(ValueError, match="at least one token"):
        token_log_probs(MODEL, ids[:0], begin=0)
    for step in (0, 9):
        with pytest.raises(ValueError, match=f"step is {step}, expected 1 to 8"):
            token_log_probs(MODEL, ids, begin=0, step=step)
    with pytest.raises(IndexError):
        token_log_probs(MODEL, torch.tensor([20]), begin=0)


def test_the_ids_spell_every_speech_and_end_it_once():
    speeches = load_speech_tokens(512)
    parts = (speeches.train, speeches.validation, speeches.test)
    assert [len(part.ids) for part in parts] == [165, 22, 46]
    assert sum(speeches.train.n_bytes) == 8_026_635
    for part in parts:
        for ids, n in zip(part.ids, part.n_bytes, strict=True):
            assert ids[-1] == speeches.end
            assert (ids[:-1] < speeches.end).all()
            assert len(speeches.tokenizer.decode_bytes(ids[:-1].tolist())) == n
    assert len(speeches.train.stream()) == sum(map(len, speeches.train.ids))
    assert speeches.vocab_size == 513
    assert load_speech_tokens(512) is speeches
