"""Choosing among neighbours: what votes and likeness must do at their limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.retrieval.consensus import consensus, nearness_weights, votes

weight = st.floats(0.01, 10)
neighbours = st.lists(st.tuples(st.sampled_from("abcd"), weight), min_size=1, max_size=9)


@given(neighbours)
def test_votes_keep_every_weight(pairs):
    answers, weights = zip(*pairs, strict=True)
    tally = votes(answers, weights)
    assert sum(tally.values()) == pytest.approx(sum(weights))
    assert list(tally) == list(dict.fromkeys(answers))
    for answer, total in tally.items():
        assert total == pytest.approx(sum(w for a, w in pairs if a == answer))


@given(neighbours)
def test_likeness_of_equal_answers_alone_is_a_vote(pairs):
    """Where answers are alike only if equal, both ways choose an answer of most weight.

    The vote counts an answer's own weight, consensus only that of the others like it; with three
    equal weights or more the winner of a clear vote is the same.
    """
    answers = [a for a, _ in pairs] * 3
    likeness = np.array([[float(a == b) for b in answers] for a in answers])
    tally = votes(answers)
    best = max(tally.values())
    assert tally[answers[consensus(likeness)]] == best


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.floats(0.01, 5))
def test_weights_sum_to_one_and_keep_the_order(similarities, temperature):
    weights = nearness_weights(similarities, temperature)
    assert weights.sum() == pytest.approx(1)
    order = np.argsort(similarities)
    assert (np.diff(weights[order]) >= 0).all()


def test_temperature_goes_from_the_nearest_to_all_alike():
    assert nearness_weights([0.9, 0.8], 1e-4)[0] == pytest.approx(1)
    assert nearness_weights([0.9, 0.8], 1e6)[0] == pytest.approx(0.5, abs=1e-6)


def test_an_answer_does_not_speak_for_itself():
    """The diagonal is large for the outlier; without it, the two that agree win."""
    assert consensus([[99, 0, 0], [0, 1, 1], [0, 1, 1]]) == 1


def test_the_right_answer_is_the_second_axis():
    """Row i: how good it is to say i. Column 0 is the probable truth, and 2 is best for it."""
    assert consensus([[0, 0, 0], [1, 0, 0], [5, 0, 0]], [1, 0, 0]) == 2


def test_the_input_is_left_alone():
    likeness = np.ones((2, 2))
    consensus(likeness)
    assert (likeness == 1).all()


def test_one_answer_is_taken():
    assert consensus([[0.0]]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: votes([]), "at least one answer"),
        (lambda: votes(["a"], [1, 2]), "one weight"),
        (lambda: consensus(np.ones((2, 3))), r"expected \(k, k\)"),
        (lambda: consensus([]), "at least 1"),
        (lambda: nearness_weights([1.0], 0), "above 0"),
    ],
)
def test_mistakes_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
