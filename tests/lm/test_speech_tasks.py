"""Labelled sentences are what they claim to be, and only two words are exchanged."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.data import load_speeches
from ravm_course.data.sentences import ERAS, era
from ravm_course.lm.speech_tasks import (
    Example,
    draw_balanced,
    era_examples,
    exchange_neighbours,
    order_examples,
)

WORDS = st.lists(st.sampled_from(["We", "the", "people", "of", "1790,", "law", "law."]), max_size=9)


def test_sentences_carry_the_era_of_their_speech():
    speeches = load_speeches()[::40]
    examples = era_examples(speeches, per_speech=5)
    assert examples == era_examples(speeches, per_speech=5)
    assert examples != era_examples(speeches, per_speech=5, seed=1)
    for example in examples:
        assert example.text in speeches[example.speech].text
        assert example.label == era(speeches[example.speech].year)
        assert 8 <= len(example.text.split()) <= 40


@given(words=WORDS, seed=st.integers(0, 99))
def test_exchanging_moves_two_neighbours_and_no_others(words, seed):
    text = " ".join(words)
    changed = exchange_neighbours(text, random.Random(seed))
    places = [
        i
        for i in range(1, len(words) - 2)
        if words[i] != words[i + 1] and words[i] in ("the", "people", "of", "law")
        and words[i + 1] in ("the", "people", "of", "law")
    ]  # fmt: skip
    assert (changed is None) == (not places)
    if changed is not None:
        now = changed.split(" ")
        (first, second) = (i for i in range(len(words)) if now[i] != words[i])
        assert second == first + 1
        assert first in places
        assert [now[first], now[second]] == [words[second], words[first]]


def test_order_examples_are_balanced_and_keep_their_speech():
    examples = [Example("We thank the people of the land.", 3, i) for i in range(10)]
    by_turns = order_examples(examples, both=False)
    assert [e.label for e in by_turns] == [0, 1] * 5
    assert [e.speech for e in by_turns] == list(range(10))
    both = order_examples(examples, both=True)
    assert [e.label for e in both] == [0, 1] * 10
    for whole, changed in zip(both[::2], both[1::2], strict=True):
        assert sorted(whole.text.split()) == sorted(changed.text.split())
        assert whole.text != changed.text
    assert order_examples([Example("God bless America.", 0, 0)], both=True) == []


def test_draws_are_balanced_and_depend_on_the_seed():
    pool = [Example(str(i), i % len(ERAS), 0) for i in range(80)]
    first = draw_balanced(pool, 20, seed=0)
    assert [sum(e.label == k for e in first) for k in range(len(ERAS))] == [5] * 4
    assert first == draw_balanced(pool, 20, seed=0)
    assert first != draw_balanced(pool, 20, seed=1)
    for count in (0, 10, 101):
        with pytest.raises(ValueError, match=f"count is {count}"):
            draw_balanced(pool, count, seed=0)
