"""Every exercise hides what it asks for, loses nothing, and depends on its generator alone."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm import BERT, T5, BERTConfig, T5Config
from ravm_course.lm.objectives import (
    IGNORED,
    cut_spans,
    hide_tokens,
    next_tokens,
    restoring_loss,
    writing_loss,
)


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 4), length=st.integers(2, 20))
def test_next_tokens_are_the_text_moved_by_one(rows, length):
    ids = torch.arange(rows * length).view(rows, length)
    inputs, targets = next_tokens(ids)
    assert torch.equal(inputs + 1, targets)
    assert torch.equal(torch.cat([inputs[:, :1], targets], dim=1), ids)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999), share=st.floats(0.05, 1))
def test_hidden_tokens_are_a_share_and_the_rest_is_untouched(seed, share):
    generator = chance(seed)
    ids = torch.randint(2, 50, (8, 400), generator=generator)
    inputs, targets = hide_tokens(
        ids, generator, mask_token=1, vocab_size=50, share=share, keep=(7,)
    )
    chosen = targets != IGNORED
    assert torch.equal(targets[chosen], ids[chosen])
    assert torch.equal(inputs[~chosen], ids[~chosen])
    assert not chosen[ids == 7].any()
    n, error = int((ids != 7).sum()), 5 * (share * 3200) ** 0.5
    assert abs(int(chosen.sum()) - share * n) < error
    assert abs(int((inputs[chosen] == 1).sum()) - 0.8 * share * n) < error
    assert abs(int((inputs[chosen] == ids[chosen]).sum()) - 0.1 * share * n) < error


@settings(max_examples=50, deadline=None)
@given(
    length=st.integers(2, 80),
    share=st.floats(0.01, 0.49),
    mean_length=st.floats(1, 10),
    seed=st.integers(0, 9999),
)
def test_cut_spans_can_be_put_back(length, share, mean_length, seed):
    ids, sentinels = torch.arange(3 * length).view(3, length), list(range(1000, 1100))
    batch = cut_spans(ids, chance(seed), sentinels=sentinels, share=share, mean_length=mean_length)
    for row, source, target in zip(ids.tolist(), *(part.tolist() for part in batch), strict=True):
        places = [i for i, token in enumerate(target) if token >= 1000]
        spans = {target[a]: target[a + 1 : b] for a, b in pairwise(places)}
        assert [t for token in source for t in spans.get(token, [token])] == row
        assert sum(map(len, spans.values())) == max(1, round(share * length))
        assert all(spans.values())
        assert [t for t in source if t >= 1000] == sentinels[: len(spans)]
        assert target[-1] == sentinels[len(spans)]


@pytest.mark.parametrize(
    "make",
    [
        lambda ids, g: hide_tokens(ids, g, mask_token=1, vocab_size=50),
        lambda ids, g: cut_spans(ids, g, sentinels=range(90, 99)),
    ],
)
def test_chance_flows_from_the_generator_alone(make):
    ids = torch.randint(2, 50, (4, 40), generator=chance(3))
    before = ids.clone()
    first, again, other = make(ids, chance(0)), make(ids, chance(0)), make(ids, chance(1))
    assert all(map(torch.equal, first, again))
    assert not all(map(torch.equal, first, other))
    assert torch.equal(ids, before)


def test_losses_score_exactly_the_targets():
    torch.manual_seed(0)
    bert = BERT(BERTConfig(vocab_size=40, context=12, channels=16, heads=2, layers=1)).eval()
    t5 = T5(T5Config(vocab_size=40, channels=16, heads=2, layers=1, hidden=32)).eval()
    ids = torch.randint(30, (5, 12))
    inputs, targets = hide_tokens(ids, chance(), mask_token=39, vocab_size=30, share=0.4)
    by_hand = torch.nn.functional.cross_entropy(
        bert(inputs).flatten(0, 1), targets.flatten(), ignore_index=IGNORED
    )
    torch.testing.assert_close(restoring_loss(bert, inputs, targets), by_hand)
    source, target = cut_spans(ids, chance(), sentinels=[31, 32, 33])
    logs = t5(source, torch.cat([torch.full((5, 1), 38), target], dim=1)).log_softmax(-1)
    by_hand = -logs[:, :-1].gather(2, target[:, :, None]).mean()
    torch.testing.assert_close(writing_loss(t5, source, target, begin=38), by_hand)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: next_tokens(torch.tensor([1])), "at least two tokens"),
        (lambda: next_tokens(torch.tensor(1)), "at least two tokens"),
        (
            lambda: hide_tokens(torch.ones(3), chance(), mask_token=0, vocab_size=5, share=0),
            "share is 0",
        ),
        (
            lambda: cut_spans(torch.tensor([[5]]), chance(), sentinels=[90, 91]),
            "1 tokens are too few",
        ),
        (lambda: cut_spans(torch.tensor([5, 6]), chance(), sentinels=[90]), r"\(batch, time\)"),
        (
            lambda: cut_spans(torch.arange(60)[None], chance(), sentinels=[90, 91]),
            "3 holes need 4 sentinels, 2 were given",
        ),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
