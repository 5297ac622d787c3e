"""Recall of neighbours, ratio of distances, and how hard a set is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.retrieval.neighbours import (
    distance_ratio,
    intrinsic_dimension,
    neighbour_recall,
    relative_contrast,
)


@given(st.integers(1, 8), st.integers(0, 100))
def test_recall_equals_sets_and_ignores_the_order(k, seed):
    rng = np.random.default_rng(seed)
    true = np.stack([rng.permutation(12)[:k] for _ in range(5)])
    found = np.stack([rng.permutation(12)[: k + 2] for _ in range(5)])
    expected = [
        len(set(a) & set(b)) / k for a, b in zip(found.tolist(), true.tolist(), strict=True)
    ]
    np.testing.assert_allclose(neighbour_recall(found, true), expected)
    np.testing.assert_allclose(neighbour_recall(found[:, ::-1], true[:, ::-1]), expected)
    assert (neighbour_recall(true, true) == 1).all()


def test_recall_refusals():
    with pytest.raises(ValueError, match="twice"):
        neighbour_recall([[1, 2]], [[3, 3]])
    for found, true in (([[1]], [[1], [2]]), ([1], [1]), (np.zeros((0, 1)), np.zeros((0, 1)))):
        with pytest.raises(ValueError, match="expected"):
            neighbour_recall(found, true)


def test_ratio():
    np.testing.assert_allclose(distance_ratio([[0.0, 2.0]], [[0.0, 1.0]]), [1.5])
    assert distance_ratio([[math.inf]], [[1.0]])[0] == math.inf
    with pytest.raises(ValueError, match="negative or NaN"):
        distance_ratio([[-1.0]], [[1.0]])
    with pytest.raises(ValueError, match="negative or NaN"):
        distance_ratio([[math.nan]], [[1.0]])
    with pytest.raises(ValueError, match="differ"):
        distance_ratio([[1.0, 2.0]], [[1.0]])


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_a_flat_piece_of_space_has_the_dimension_it_is_made_of(dim):
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    points = rng.random((6000, dim)) @ turn[:dim]
    away = np.sort(np.linalg.norm(points[:300, None] - points, axis=2), axis=1)[:, 1:21]
    assert intrinsic_dimension(away) == pytest.approx(dim, rel=0.12)


def test_dimension_refusals():
    with pytest.raises(ValueError, match="zero or not finite"):
        intrinsic_dimension([[0.0, 1.0, 2.0]])
    with pytest.raises(ValueError, match="at least 3"):
        intrinsic_dimension([[1.0, 2.0]])


def test_contrast():
    assert relative_contrast([1, 1], [2, 4]) == 3
