"""Ranking measures against scikit-learn and trec_eval."""

import math

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from ravm_course.metrics import bootstrap_interval
from ravm_course.retrieval import average_precision, mrr, ndcg_at_k, precision_at_k, recall_at_k


def trec(scores, relevance):
    """trec_eval puts the larger name first in a tie, so names fall where indices rise."""
    names = [f"d{999 - i:03d}" for i in range(scores.shape[1])]
    run = {
        f"q{q:03d}": dict(zip(names, map(float, row), strict=True)) for q, row in enumerate(scores)
    }
    truth = {
        f"q{q:03d}": dict(zip(names, map(int, row), strict=True)) for q, row in enumerate(relevance)
    }
    wanted = {"map", "recip_rank", "ndcg", "recall.3,10", "P.3,10", "ndcg_cut.3,10"}
    results = pytrec_eval.RelevanceEvaluator(truth, wanted).evaluate(run)
    return {key: np.array([results[q][key] for q in sorted(results)]) for key in results["q000"]}


def example(ties, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, (40, 25)) / 4 if ties else rng.normal(size=(40, 25))
    relevance = rng.integers(0, 4, (40, 25)) * (rng.random((40, 25)) < 0.3)
    relevance[np.arange(40), rng.integers(0, 25, 40)] = 2
    return scores, relevance


@pytest.mark.parametrize("ties", [False, True])
def test_all_measures_equal_trec_eval(ties):
    scores, relevance = example(ties)
    expected = trec(scores, relevance)
    ours = {
        "map": average_precision(scores, relevance),
        "recip_rank": mrr(scores, relevance),
        "ndcg": ndcg_at_k(scores, relevance),
    }
    for k in (3, 10):
        ours[f"recall_{k}"] = recall_at_k(scores, relevance, k)
        ours[f"P_{k}"] = precision_at_k(scores, relevance, k)
        ours[f"ndcg_cut_{k}"] = ndcg_at_k(scores, relevance, k)
    assert ours.keys() == expected.keys()
    for name, values in ours.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-9, err_msg=name)


def test_without_ties_they_equal_scikit_learn():
    scores, relevance = example(ties=False)
    for k in (1, 5, 25):
        assert ndcg_at_k(scores, relevance, k).mean() == pytest.approx(
            ndcg_score(relevance, scores, k=k)
        )
    expected = [average_precision_score(r > 0, s) for r, s in zip(relevance, scores, strict=True)]
    np.testing.assert_allclose(average_precision(scores, relevance), expected)


def test_libraries_disagree_on_ties_so_the_rule_must_be_stated():
    scores, relevance = np.zeros((1, 3)), np.array([[3, 0, 1]])
    ours = ndcg_at_k(scores, relevance)[0]
    assert ours == pytest.approx((3 + 1 / 2) / (3 + 1 / math.log2(3)))
    assert ndcg_score(relevance, scores) != pytest.approx(ours, abs=0.05)  # the mean over orders


@given(st.integers(1, 12), st.integers(0, 10_000))
def test_properties(n, seed):
    rng = np.random.default_rng(seed)
    scores, relevance = rng.integers(0, 3, (4, n)).astype(float), rng.integers(0, 2, (4, n))
    relevance[:, rng.integers(n)] = 1
    recalls = np.stack([recall_at_k(scores, relevance, k) for k in range(1, n + 1)])
    assert (np.diff(recalls, axis=0) >= 0).all()
    np.testing.assert_array_equal(recalls[-1], 1)
    for measure in (average_precision, mrr, ndcg_at_k):
        values = measure(scores, relevance)
        assert ((values > 0) & (values <= 1 + 1e-12)).all()
        np.testing.assert_array_equal(values, measure(np.exp(scores), relevance))
        np.testing.assert_allclose(measure(relevance, relevance), 1)


def test_one_query_integers_booleans_and_infinities_are_taken():
    np.testing.assert_array_equal(mrr([3, 1, 2], [False, True, False]), [1 / 3])
    np.testing.assert_array_equal(mrr([-math.inf, 0.0], [1, 0]), [0.5])
    assert str(bootstrap_interval(mrr(*example(False)))).count(",") == 1


@pytest.mark.parametrize(
    ("scores", "relevance", "k", "message"),
    [
        ([[1, 2]], [[1, 0, 0]], 1, "one relevance for each"),
        ([[1.0, math.nan]], [[1, 0]], 1, "query 0 has a score that is NaN"),
        ([[1, 2], [1, 2]], [[1, 0], [0, 0]], 1, "query 1 has no relevant item"),
        ([[1, 2]], [[1, -1]], 1, "negative"),
        ([[1, 2]], [[1, 0]], 3, "k is 3 but there are 2"),
        ([[1, 2]], [[1, 0]], 0, "k is 0"),
    ],
)
def test_refusals(scores, relevance, k, message):
    for measure in (recall_at_k, precision_at_k, ndcg_at_k):
        with pytest.raises(ValueError, match=message):
            measure(scores, relevance, k)
