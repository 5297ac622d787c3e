"""Beam search equals exhaustive search where that is possible, and greedy search at width one."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm.beam import beam_search

END, SIZE, LONGEST = 0, 4, 4


class Written:
    """A state that is the text so far."""

    def __init__(self, texts):
        self.texts = texts

    def select(self, rows):
        """Return these rows."""
        return Written([self.texts[r] for r in rows.tolist()])


def language(seed):
    """Return log-probabilities that depend on the whole text so far."""

    def log_probs(text):
        key = sum((t + 1) * 7**i for i, t in enumerate(text)) + 100_003 * seed
        generator = torch.Generator().manual_seed(key)
        return (2 * torch.randn(SIZE, generator=generator, dtype=torch.float64)).log_softmax(0)

    def step(last, state):
        texts = [[*t, token] for t, token in zip(state.texts, last.tolist(), strict=True)]
        return torch.stack([log_probs(t[1:]) for t in texts]), Written(texts)

    return log_probs, step


def exhaustive(log_probs, power):
    """Return all texts that end in time, best first."""
    found = []
    for length in range(LONGEST):
        for text in product(range(1, SIZE), repeat=length):
            whole = [*text, END]
            total = sum(float(log_probs(list(whole[:i]))[t]) for i, t in enumerate(whole))
            found.append((total / (length + 1) ** power, total, list(text)))
    return sorted(found, reverse=True)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.sampled_from([0.0, 0.6, 1.0]))
def test_a_wide_beam_equals_exhaustive_search(seed, power):
    log_probs, step = language(seed)
    options = {"begin": 1, "end": END, "max_tokens": LONGEST, "length_power": power}
    found = beam_search(step, Written([[]]), width=200, **options)
    ended = [h for h in found if h.ended]
    expected = exhaustive(log_probs, power)
    assert [h.tokens for h in ended] == [text for *_, text in expected]
    assert [h.log_prob for h in ended] == pytest.approx([total for _, total, _ in expected])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_width_one_is_greedy(seed):
    log_probs, step = language(seed)
    (found,) = beam_search(step, Written([[]]), begin=1, end=END, width=1, max_tokens=6)
    text = []
    while len(text) < 6 and (not text or text[-1] != END):
        text.append(int(log_probs(text).argmax()))
    assert found.tokens == [t for t in text if t != END]
    assert found.ended == (text[-1] == END)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), width=st.integers(1, 5))
def test_scores_are_the_probabilities_of_the_texts(seed, width):
    log_probs, step = language(seed)
    found = beam_search(step, Written([[]]), begin=1, end=END, width=width, max_tokens=5)
    assert 1 <= len(found) <= width
    for text, total, ended in found:
        whole = [*text, END] if ended else text
        assert total == pytest.approx(
            sum(float(log_probs(whole[:i])[t]) for i, t in enumerate(whole))
        )


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="width 0 and max_tokens 5"):
        beam_search(None, None, begin=0, end=1, width=0, max_tokens=5)
