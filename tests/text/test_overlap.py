"""Shared n-grams as measures: equal to the libraries, and what must hold of each."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance
from nltk.translate.bleu_score import corpus_bleu

from ravm_course.text.overlap import CIDEr, bleu, chrf, rouge_l

#: what sacreBLEU, rouge-score and pycocoevalcap say, see ``tools/reference_overlap.py``
REFERENCE = json.loads(Path(__file__).with_name("overlap_reference.json").read_text("utf-8"))
PAIRS = [(p["written"].split(), [r.split() for r in p["right"]]) for p in REFERENCE["pairs"]]
WRITTEN, RIGHT = zip(*PAIRS, strict=True)

words = st.lists(st.sampled_from("abcde"), max_size=8)
captions = st.lists(st.sampled_from("abcde"), min_size=1, max_size=8)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_bleu_equals_sacrebleu_and_nltk(n):
    assert bleu(WRITTEN, RIGHT, n) == pytest.approx(REFERENCE["bleu"][str(n)], abs=1e-9)
    # NLTK counts one n-gram for a text that is too short to have any
    written, right = zip(*[(w, r) for w, r in PAIRS if len(w) >= n], strict=True)
    theirs = corpus_bleu(right, written, weights=[1 / n] * n)
    assert bleu(written, right, n) == pytest.approx(theirs, abs=1e-9)


def test_cider_equals_the_coco_code():
    measure = CIDEr(RIGHT)
    ours = [measure.score(w, r) for w, r in PAIRS]
    np.testing.assert_allclose(ours, [p["cider"] for p in REFERENCE["pairs"]], atol=1e-9)


def test_rouge_equals_rouge_score():
    ours = [rouge_l(w, r[0]) for w, r in PAIRS]
    np.testing.assert_allclose(ours, [p["rouge_l"] for p in REFERENCE["pairs"]], atol=1e-9)


def test_chrf_equals_sacrebleu():
    ours = [chrf(p["written"], p["right"][0]) for p in REFERENCE["pairs"]]
    np.testing.assert_allclose(ours, [p["chrf"] for p in REFERENCE["pairs"]], atol=1e-9)


def slow_cider(written, references, corpus, n=4, sigma=6.0):
    """Compute the formula of the paper over all n-grams of all texts, as dense vectors."""
    total = []
    for reference in references:
        score = 0.0
        for m in range(1, n + 1):

            def grams(text, m=m):
                return [tuple(text[i : i + m]) for i in range(len(text) - m + 1)]

            every = sorted(
                {g for c in [*corpus, [written], [reference]] for t in c for g in grams(t)}
            )
            df = [sum(any(g in grams(t) for t in texts) for texts in corpus) for g in every]
            idf = np.array([math.log(len(corpus)) - math.log(max(1, d)) for d in df])
            a = np.array([grams(written).count(g) for g in every]) * idf
            b = np.array([grams(reference).count(g) for g in every]) * idf
            norm = np.linalg.norm(a) * np.linalg.norm(b)
            if norm > 0:
                score += float((np.minimum(a, b) * b).sum() / norm)
        d = len(written) - len(reference)
        total.append(10 * score / n * math.exp(-(d**2) / (2 * sigma**2)))
    return float(np.mean(total))


@settings(max_examples=40, deadline=None)
@given(
    written=words,
    references=st.lists(captions, min_size=1, max_size=3),
    corpus=st.lists(st.lists(captions, min_size=1, max_size=2), min_size=2, max_size=5),
)
def test_cider_equals_its_formula(written, references, corpus):
    ours = CIDEr(corpus).score(written, references)
    assert ours == pytest.approx(slow_cider(written, references, corpus), abs=1e-9)
    assert 0 <= ours <= 10 + 1e-9


def test_cider_of_the_right_caption_is_ten_where_all_lengths_have_rare_ngrams():
    corpus = [["abcdef"], ["ghijkl"], ["mnopqr"]]
    assert CIDEr(corpus).score("abcdef", ["abcdef"]) == pytest.approx(10)


def test_cider_gains_nothing_by_repeating():
    measure = CIDEr([[["red", "cat"]], [["blue", "dog"]]], n=1)
    right = [["red", "cat", "on", "a", "mat"]]
    once = measure.score(["red", "cat", "so", "so", "so"], right)
    assert measure.score(["red", "red", "red", "red", "cat"], right) < once


def test_cider_punishes_another_length():
    corpus = [["abcd"], ["efgh"]]
    short, long = (CIDEr(corpus, sigma=s).score("abcdabcd", ["abcd"]) for s in (1.0, 100.0))
    assert short < 0.01 * long


@settings(deadline=None)
@given(st.lists(captions, min_size=2, max_size=5))
def test_matrix_holds_the_scores(texts):
    measure = CIDEr([[t] for t in texts])
    table = measure.matrix(texts)
    for i, a in enumerate(texts):
        for j, b in enumerate(texts):
            assert table[i, j] == pytest.approx(measure.score(a, [b]))


def test_matrix_of_nothing_has_no_rows():
    assert CIDEr([["a"], ["b"]]).matrix([]).shape == (0, 0)


@given(a=words, b=words)
def test_rouge_l_counts_what_no_insertion_or_deletion_needs(a, b):
    """Without substitutions, each word outside of the common subsequence costs one edit."""
    score = rouge_l(a, b)
    assert score == rouge_l(b, a)
    if a and b:
        edits = edit_distance(a, b, substitution_cost=2)
        assert score == pytest.approx(1 - edits / (len(a) + len(b)))


@given(st.lists(captions, min_size=1, max_size=4))
def test_a_text_agrees_with_itself(texts):
    for text in texts:
        assert rouge_l(text, text) == 1
        assert chrf("".join(text), "".join(text)) == pytest.approx(1)
    assert bleu(texts, [[t] for t in texts], n=1) == pytest.approx(1)


def test_nothing_shared_is_zero():
    assert bleu([["a"]], [[["b"]]], n=1) == rouge_l(["a"], ["b"]) == chrf("a", "b") == 0
    assert chrf("", "") == rouge_l([], []) == 0


def test_bleu_is_clipped():
    """Saying "the" four times is not all right because the reference says it once."""
    assert bleu([["the"] * 4], [[["the", "cat", "is", "in"]]], n=1) == pytest.approx(1 / 4)


def test_bleu_takes_the_nearest_length_the_shorter_of_two():
    written = [["a", "b", "c"]]
    assert bleu(written, [[["a", "b"], ["a", "b", "c", "d"]]], n=1) == pytest.approx(1)


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="2 texts and 1 lists"):
        bleu([["a"], ["b"]], [[["a"]]])
    with pytest.raises(ValueError, match="no empty list"):
        bleu([["a"]], [[]])
    with pytest.raises(ValueError, match="at least two"):
        CIDEr([[["a"]]])
    with pytest.raises(ValueError, match="no right caption"):
        CIDEr([[["a"]], [["b"]]]).score(["a"], [])


def test_counts_are_of_pictures_not_of_captions():
    """A word that one picture's two captions have is in one document."""
    both = CIDEr([[["a"], ["a"]], [["b"]]], n=1)
    assert both._frequency == Counter({("a",): 1, ("b",): 1})
