"""Pairs of texts become tensors, and come back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.data.pairs import BEGIN, END, PAD, UNKNOWN, Symbols, pad, pair_batch

IDS = st.lists(st.integers(UNKNOWN + 1, 50), min_size=1, max_size=6)


@given(texts=st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_known_symbols_come_back(texts):
    symbols = Symbols.of(texts)
    for text in texts:
        assert symbols.decode(symbols.encode(text)) == list(text)


def test_rare_symbols_are_unknown():
    symbols = Symbols.of([["the", "cat"], ["the", "dog"]], at_least=2)
    assert symbols.symbols == ("the",)
    assert len(symbols) == 5
    assert symbols.encode(["the", "cow"]) == [4, UNKNOWN]
    assert symbols.decode([BEGIN, 4, UNKNOWN, END, 4]) == ["the", "?"]


@given(pairs=st.lists(st.tuples(IDS, IDS), min_size=1, max_size=5))
def test_given_and_expected_are_moved_by_one(pairs):
    batch = pair_batch(pairs)
    for row, (source, target) in enumerate(pairs):
        assert batch.source[row, : batch.lengths[row]].tolist() == source
        assert (batch.source[row, batch.lengths[row] :] == PAD).all()
        n = len(target) + 1
        assert batch.given[row, :n].tolist() == [BEGIN, *target]
        assert batch.expected[row, :n].tolist() == [*target, END]
        assert (batch.expected[row, n:] == PAD).all()
    assert torch.equal(batch.given[:, 1:][batch.expected[:, :-1] > END],
                       batch.expected[:, :-1][batch.expected[:, :-1] > END])  # fmt: skip


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="'a' is given twice"):
        Symbols("aba")
    with pytest.raises(ValueError, match="there are no texts"):
        pad([])
    with pytest.raises(ValueError, match="a source is empty"):
        pair_batch([([], [5])])
