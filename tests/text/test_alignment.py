"""IBM model 1 equals NLTK's and a sum over all alignments, and never gets worse."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate import AlignedSent, IBMModel1

from ravm_course.text.alignment import IBM1, NULL

PAIRS = [
    (["the", "red", "cat"], ["红", "猫"]),
    (["a", "red", "heart"], ["红", "心"]),
    (["the", "cat"], ["猫"]),
    (["cat", "and", "dog"], ["猫", "和", "狗"]),
]
TEXT = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4)


def by_enumeration(pairs, n_iterations):
    """Return the table after some iterations, each a sum over all alignments."""
    words = {t for _, target in pairs for t in target}
    table = defaultdict(lambda: 1 / len(words))
    for _ in range(n_iterations):
        count, total = defaultdict(float), defaultdict(float)
        for source, target in pairs:
            ways = list(product([NULL, *source], repeat=len(target)))
            chance = [np.prod([table[s, t] for s, t in zip(w, target, strict=True)]) for w in ways]
            for way, p in zip(ways, chance, strict=True):
                for s, t in zip(way, target, strict=True):
                    count[s, t] += p / sum(chance)
                    total[s] += p / sum(chance)
        table = {cell: n / total[cell[0]] for cell, n in count.items()}
    return table


@settings(max_examples=10, deadline=None)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3))
def test_equals_the_sum_over_all_alignments(pairs):
    ours = IBM1(pairs).fit(3)
    for (source, target), expected in by_enumeration(pairs, 3).items():
        assert ours.probability(target, source) == pytest.approx(expected, abs=1e-9)


# NLTK 3.10 divides a target word that occurs twice in one text by the sum over both places, which
# halves its counts: it is compared where no word repeats.
ONCE = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)


@settings(max_examples=20, deadline=None)
@given(pairs=st.lists(st.tuples(TEXT, ONCE), min_size=1, max_size=6))
def test_equals_nltk(pairs):
    ours = IBM1(pairs).fit(4)
    # NLTK calls the language that is produced the words and the producing one mots
    theirs = IBMModel1([AlignedSent(target, source) for source, target in pairs], 4)
    met = {(s, t) for source, target in pairs for s in [NULL, *source] for t in target}
    for source, target in met:
        expected = theirs.translation_table[target][source or None]
        assert ours.probability(target, source) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_no_step_lowers_the_likelihood(pairs):
    model = IBM1(pairs).fit(8)
    assert (np.diff(model.log_likelihoods) > -1e-9).all()
    for source in [NULL, *{w for s, _ in pairs for w in s}]:
        total = sum(model.probability(t, source) for t in model.target_words)
        assert total == pytest.approx(1)


def test_the_likelihood_is_that_of_the_definition():
    model = IBM1(PAIRS).fit(2)
    expected = sum(
        np.log(sum(model.probability(t, s) for s in [NULL, *source]) / (len(source) + 1))
        for source, target in PAIRS
        for t in target
    )
    assert model.log_likelihoods[-1] == pytest.approx(expected)


def test_words_find_each_other():
    model = IBM1(PAIRS).fit(30)
    assert model.best("red")[0] == "红"
    assert model.best("cat")[0] == "猫"
    assert model.best("zebra") is None
    assert model.probability("红", "zebra") == model.probability("斑马", "red") == 0
    assert model.align(["red", "cat"], ["猫", "红"]) == [1, 0]


@pytest.mark.parametrize("pairs", [[], [(["a"], [])], [([], ["a"])]])
def test_wrong_input_is_named(pairs):
    with pytest.raises(ValueError, match="at least one"):
        IBM1(pairs)
