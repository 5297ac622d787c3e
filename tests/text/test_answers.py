"""Exact match and F1, against SQuAD's published script written out, and on examples by hand."""

import collections
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.text.answers import exact_match, normalise_answer, token_f1

WORDS = st.text(alphabet="athe nS.,'-19", max_size=24)


def squad_normalise(s):
    """Take the steps of the official script, in its order."""
    s = s.lower()
    s = "".join(ch for ch in s if ch not in set(string.punctuation))
    s = re.sub(r"\b(a|an|the)\b", " ", s)
    return " ".join(s.split())


def squad_f1(prediction, truth):
    prediction, truth = squad_normalise(prediction).split(), squad_normalise(truth).split()
    if len(prediction) == 0 or len(truth) == 0:
        return int(prediction == truth)
    same = sum((collections.Counter(prediction) & collections.Counter(truth)).values())
    if same == 0:
        return 0
    precision, recall = same / len(prediction), same / len(truth)
    return (2 * precision * recall) / (precision + recall)


@given(WORDS, WORDS)
def test_equals_the_official_steps(a, b):
    assert normalise_answer(a) == squad_normalise(a)
    assert exact_match(a, b) == (squad_normalise(a) == squad_normalise(b))
    assert token_f1(a, b) == pytest.approx(squad_f1(a, b))


@pytest.mark.parametrize(
    ("answer", "right", "exact", "f1"),
    [
        ("the UK", "UK", True, 1.0),
        ("$7.569 billion", "7.569 billion", True, 1.0),
        ("Muslim 89.1%", "Muslim", False, 2 / 3),
        ("Theodor", "odor", False, 0.0),  # "the" within a word is no article
        ("Day Day", "Day", False, 2 / 3),  # a repeated word counts once
        ("", "UK", False, 0.0),
        ("the", "", True, 1.0),  # nothing is left of it
    ],
)
def test_by_hand(answer, right, exact, f1):
    assert exact_match(answer, right) is exact
    assert token_f1(answer, right) == pytest.approx(f1)


@given(WORDS, WORDS)
def test_f1_is_symmetric_and_one_only_for_the_same_words(a, b):
    assert token_f1(a, b) == pytest.approx(token_f1(b, a))
    same = sorted(normalise_answer(a).split()) == sorted(normalise_answer(b).split())
    assert (token_f1(a, b) == 1) == same
