"""MinHash against exact Jaccard similarity, and the search against all pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.text.minhash import estimate, jaccard, shingles, signatures
from ravm_course.text.near_duplicates import (
    candidates,
    chance_of_meeting,
    groups,
    near_duplicates,
)

words = st.lists(st.sampled_from("abcdefgh"), max_size=12)


def pair_with(similarity, size=200, seed=0):
    """Two lists of `size` words each whose sets of single words have about this similarity."""
    common = round(2 * size * similarity / (1 + similarity))
    names = [f"{seed}-{i}" for i in range(2 * size - common)]
    return names[:size], names[size - common :]


def test_over_all_numberings_the_share_of_equal_minima_is_the_similarity():
    a, b = {0, 1, 2, 3}, {2, 3, 4}
    equal = [
        min(order[x] for x in a) == min(order[x] for x in b)
        for order in itertools.permutations(range(5))
    ]
    assert np.mean(equal) == pytest.approx(jaccard(a, b))


@settings(deadline=None)
@given(words, words, st.integers(1, 4))
def test_equal_sets_have_equal_signatures_and_disjoint_ones_do_not(a, b, n):
    one, two = signatures([a, b], n=n, k=16)
    similarity = jaccard(shingles(a, n), shingles(b, n))
    assert 0 <= similarity <= 1
    if similarity == 1:
        assert (one == two).all()
    if similarity == 0:
        assert not (one == two).any()


@pytest.mark.parametrize("similarity", [0.1, 0.5, 0.9])
def test_the_estimate_is_unbiased_with_the_spread_of_a_coin(similarity):
    k, pairs = 64, 400
    texts = [text for i in range(pairs) for text in pair_with(similarity, seed=i)]
    exact = jaccard(shingles(texts[0], 1), shingles(texts[1], 1))
    hashed = signatures(texts, n=1, k=k)
    found = estimate(hashed[::2], hashed[1::2])
    error = math.sqrt(exact * (1 - exact) / k)
    assert abs(found.mean() - exact) < 4 * error / math.sqrt(pairs)
    assert found.std() == pytest.approx(error, rel=0.15)


def test_the_numbers_depend_on_the_text_and_the_seed_alone():
    texts = [["we", "the", "people"], ["字"], []]
    one = signatures(texts, k=8)
    np.testing.assert_array_equal(signatures(texts[::-1], k=8)[::-1], one)
    np.testing.assert_array_equal(signatures(iter(texts), k=4), one[:, :4])
    assert not (signatures(texts, k=8, seed=1)[:2] == one[:2]).any()
    assert (one[2] == np.iinfo(np.uint64).max).all()
    assert int(one[0, 0]) == 10056033033466465281  # the same on every machine
    assert signatures([], k=8).shape == (0, 8)


def test_order_within_a_shingle_counts():
    one, two = signatures([["a", "b", "c"], ["c", "b", "a"]], n=3)
    assert not (one == two).any()
    assert (estimate(*signatures([["a", "b", "c"], ["c", "b", "a"]], n=1))) == 1


@pytest.mark.parametrize("bad", [{"n": 0}, {"k": 0}])
def test_bad_sizes_are_refused(bad):
    with pytest.raises(ValueError, match="at least 1"):
        signatures([["a"]], **bad)
    with pytest.raises(ValueError, match="at least 1"):
        shingles(["a"], n=0)


def test_a_string_is_no_text_of_words():
    with pytest.raises(TypeError, match=r"text 1 is the string 'to be'.*text\.split"):
        signatures([["a"], "to be"])


def test_only_sets_and_signatures_of_one_length_compare():
    with pytest.raises(TypeError, match=r"list given, a set expected.*shingles"):
        jaccard({"a"}, ["a", "b"])
    with pytest.raises(ValueError, match=r"\(4,\) and \(2, 8\).*same k"):
        estimate(np.zeros(4), np.zeros((2, 8)))


def test_the_chance_of_meeting_is_what_is_measured():
    bands, rows = 16, 4
    for similarity in (0.3, 0.6, 0.8):
        texts = [text for i in range(300) for text in pair_with(similarity, seed=i)]
        exact = jaccard(set(texts[0]), set(texts[1]))
        met = {tuple(pair) for pair in candidates(signatures(texts, 1, bands * rows), bands)}
        share = np.mean([(2 * i, 2 * i + 1) in met for i in range(300)])
        expected = float(chance_of_meeting(exact, bands, rows))
        assert abs(share - expected) < 4 * math.sqrt(max(expected * (1 - expected), 0.01) / 300)


def test_the_search_finds_what_comparing_all_with_all_finds():
    rng = np.random.default_rng(0)
    base = [[f"w{i}" for i in rng.integers(0, 500, 40)] for _ in range(60)]
    texts = base + [[w if rng.random() > 0.04 else "new" for w in text] for text in base]
    sets = [shingles(text, 3) for text in texts]
    exact = {
        (i, j): jaccard(sets[i], sets[j])
        for i, j in itertools.combinations(range(len(texts)), 2)
        if jaccard(sets[i], sets[j]) >= 0.7
    }
    found = {(i, j): s for i, j, s in near_duplicates(texts, 0.7, k=256, bands=64)}
    assert len(exact) > 20
    assert found == exact


def test_many_copies_give_few_pairs():
    texts = [["the", "same", "text", "again"]] * 1000 + [[]] * 500 + [["other", "words"]]
    found = near_duplicates(texts, 0.5)
    assert len(found) == 999 + 499
    assert {similarity for _, _, similarity in found} == {1.0}
    assert len(set(groups(found, len(texts)).tolist())) == 3


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_bad_thresholds_are_refused(threshold):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        near_duplicates([["a"]], threshold)


def test_bands_must_divide_the_signature():
    with pytest.raises(ValueError, match=r"3 bands do not divide signatures of 8.*1, 2, 4, 8"):
        candidates(np.zeros((2, 8), np.uint64), bands=3)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_groups_are_the_connected_components(pairs):
    scipy = pytest.importorskip("scipy.sparse")
    matrix = np.zeros((10, 10))
    for i, j in pairs:
        matrix[i, j] = 1
    _, expected = scipy.csgraph.connected_components(matrix, directed=False)
    ours = groups(pairs, 10)
    np.testing.assert_array_equal(ours[:, None] == ours, expected[:, None] == expected)
    assert all(ours[ours[i]] == ours[i] <= i for i in range(10))
