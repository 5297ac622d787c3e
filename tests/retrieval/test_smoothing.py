"""Smoothing over a graph against its closed form."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from ravm_course.retrieval.smoothing import link_neighbours, smooth_scores


def example(seed=0, items=12, answers=4):
    draw = np.random.default_rng(seed)
    similarity = draw.normal(size=(items, items))
    np.fill_diagonal(similarity, -np.inf)
    return draw.normal(size=(items, answers)), link_neighbours(similarity, 3), similarity


def test_many_rounds_reach_the_closed_form():
    scores, links, _ = example()
    expected = 0.3 * np.linalg.solve(np.eye(12) - 0.7 * links.toarray(), scores)
    np.testing.assert_allclose(smooth_scores(scores, links, share=0.7, rounds=200), expected)


def test_one_round_by_hand_and_none():
    scores, links, _ = example()
    once = smooth_scores(scores, links, share=0.25, rounds=1)
    dense = links.toarray()
    for i in range(12):
        heard = sum(dense[i, j] * scores[j] for j in range(12))
        np.testing.assert_allclose(once[i], 0.75 * scores[i] + 0.25 * heard)
    np.testing.assert_array_equal(smooth_scores(scores, links, rounds=0), scores)
    np.testing.assert_array_equal(smooth_scores(scores, links, share=0), scores)


def test_who_listens_to_nobody_stays_and_order_of_items_does_not_matter():
    scores, links, _ = example()
    dense = links.toarray()
    dense[5] = 0
    smoothed = smooth_scores(scores, csr_array(dense), share=0.9)
    np.testing.assert_allclose(smoothed[5], scores[5])
    order = np.random.default_rng(1).permutation(12)
    moved = smooth_scores(scores[order], csr_array(dense[np.ix_(order, order)]), share=0.9)
    np.testing.assert_allclose(moved, smoothed[order])
    assert smoothed.max() <= scores.max() + 1e-12


def test_links_go_to_the_nearest_with_weights_that_sum_to_one():
    _, links, similarity = example()
    dense = links.toarray()
    for i in range(12):
        assert set(np.flatnonzero(dense[i])) == set(np.argsort(-similarity[i])[:3])
    warm = link_neighbours(similarity, 3, temperature=0.5).toarray()
    np.testing.assert_allclose(warm.sum(axis=1), 1)
    best = similarity.argmax(axis=1)
    np.testing.assert_array_equal(warm.argmax(axis=1), best)
    second = np.argsort(-similarity, axis=1)[:, 1]
    rows = np.arange(12)
    gap = (similarity[rows, best] - similarity[rows, second]) / 0.5
    np.testing.assert_allclose(warm[rows, best] / warm[rows, second], np.exp(gap))


@pytest.mark.parametrize(
    ("scores", "links", "share", "message"),
    [
        (np.zeros(3), csr_array(np.eye(3)), 0.5, "do not fit"),
        (np.zeros((2, 1)), csr_array(np.eye(3)), 0.5, "do not fit"),
        (np.zeros((3, 1)), csr_array(2 * np.eye(3)), 0.5, "neither to one"),
        (np.zeros((3, 1)), csr_array(np.eye(3)), 1.0, "below 1"),
    ],
)
def test_smoothing_refuses(scores, links, share, message):
    with pytest.raises(ValueError, match=message):
        smooth_scores(scores, links, share=share)


def test_linking_refuses():
    with pytest.raises(ValueError, match="k is 4"):
        link_neighbours(np.zeros((2, 3)), 4)
    with pytest.raises(ValueError, match="ask for fewer"):
        link_neighbours([[0.0, -np.inf]], 2)
