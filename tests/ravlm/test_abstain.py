"""Risk, coverage and refusals, against scikit-learn and a loop over thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ravm_course.ravlm.abstain import aurc, refusal_auc, risk_coverage, threshold_for

ANSWERS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30)


def split(answers):
    return np.array([c for c, _ in answers], float), np.array([r for _, r in answers])


@given(ANSWERS)
def test_curve_equals_a_loop_over_thresholds(answers):
    confidence, right = split(answers)
    coverage, risk = risk_coverage(confidence, right)
    for i, threshold in enumerate(np.unique(confidence)[::-1]):
        given_ = confidence >= threshold
        assert coverage[i] == pytest.approx(given_.mean())
        assert risk[i] == pytest.approx((~right[given_]).mean())
    assert len(coverage) == len(np.unique(confidence))


@given(ANSWERS, st.floats(0, 1))
def test_threshold_is_the_lowest_that_keeps_the_risk(answers, risk):
    confidence, right = split(answers)
    found = threshold_for(confidence, right, risk)
    kept = [t for t in confidence if (~right[confidence >= t]).mean() <= risk]
    assert found == min(kept, default=np.inf)


def test_aurc_without_ties_is_the_mean_height_of_the_curve():
    rng = np.random.default_rng(0)
    confidence, right = rng.permutation(50).astype(float), rng.random(50) < 0.7
    assert aurc(confidence, right) == pytest.approx(risk_coverage(confidence, right)[1].mean())


def test_aurc_of_ties_is_the_mean_over_all_orders():
    rng = np.random.default_rng(1)
    confidence, right = rng.integers(0, 4, 40).astype(float), rng.random(40) < 0.6
    jittered = [aurc(confidence + 1e-6 * rng.random(40), right) for _ in range(4000)]
    assert aurc(confidence, right) == pytest.approx(np.mean(jittered), abs=2e-3)


def test_the_right_answers_first_are_best():
    right = np.array([True] * 6 + [False] * 4)
    rng = np.random.default_rng(2)
    best = aurc(right.astype(float) + 0.0, right)
    assert best < min(aurc(rng.random(10), right) for _ in range(200))
    assert aurc(np.zeros(10), right) == pytest.approx(0.4)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=20),
    st.lists(st.integers(0, 4), min_size=1, max_size=20),
)
def test_auc_equals_scikit_learn(answerable, unanswerable):
    labels = [1] * len(answerable) + [0] * len(unanswerable)
    expected = roc_auc_score(labels, answerable + unanswerable)
    assert refusal_auc(answerable, unanswerable) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("confidence", "right", "message"),
    [
        ([0.1], [True, False], "one value of each"),
        ([], [], "one value of each"),
        ([np.nan], [True], "not finite"),
    ],
)
def test_says_what_is_wrong(confidence, right, message):
    with pytest.raises(ValueError, match=message):
        risk_coverage(confidence, right)
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold_for([0.5], [True], risk=2)
    with pytest.raises(ValueError, match="at least one"):
        refusal_auc([], [0.5])
