"""k-means against scikit-learn; what must hold; refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from ravm_course.retrieval.kmeans import kmeans, nearest_centre, squared_distances


def theirs(vectors, centres):
    return KMeans(len(centres), init=centres, n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(
        vectors
    )


@pytest.mark.parametrize(("n", "dim", "k"), [(50, 2, 5), (500, 8, 20), (3000, 32, 64), (7, 3, 7)])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_scikit_learn(n, dim, k, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim))
    centres = vectors[rng.choice(n, k, replace=False)]
    ours, other = kmeans(vectors, centres=centres, iterations=300), theirs(vectors, centres)
    np.testing.assert_allclose(ours.centres, other.cluster_centers_, atol=1e-10)
    np.testing.assert_array_equal(ours.labels, other.labels_)
    assert ours.losses[-1] * n == pytest.approx(other.inertia_, abs=1e-9)


def test_centres_without_vectors_move_as_in_scikit_learn():
    vectors = np.random.default_rng(0).normal(size=(60, 2))
    centres = np.concatenate([vectors[:3], [[50.0, 50.0], [60.0, 60.0]]])
    ours, other = kmeans(vectors, centres=centres, iterations=300), theirs(vectors, centres)
    np.testing.assert_allclose(ours.centres, other.cluster_centers_, atol=1e-10)
    assert (np.bincount(ours.labels, minlength=5) > 0).all()


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 1000), st.booleans())
def test_the_loss_never_rises_and_every_vector_has_its_nearest_centre(n, dim, seed, on_a_grid):
    rng = np.random.default_rng(seed)
    vectors = (
        rng.integers(-2, 3, (n, dim)).astype(float) if on_a_grid else rng.normal(size=(n, dim))
    )
    k = int(rng.integers(1, n + 1))
    found = kmeans(vectors, k, seed=seed)
    if len(np.unique(vectors, axis=0)) >= k and not on_a_grid:
        assert (np.diff(found.losses) <= 1e-9).all()
    away = squared_distances(vectors, found.centres)
    np.testing.assert_allclose(away[np.arange(n), found.labels], away.min(axis=1), atol=1e-9)
    assert np.isfinite(found.centres).all()
    again = kmeans(vectors, k, seed=seed)
    np.testing.assert_array_equal(found.centres, again.centres)


def test_one_centre_is_the_mean_and_as_many_as_vectors_leave_nothing():
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_allclose(kmeans(vectors, 1).centres[0], vectors.mean(axis=0))
    assert kmeans(vectors, 20).losses[-1] == 0


def test_all_vectors_equal():
    found = kmeans(np.ones((6, 2)), 3)
    np.testing.assert_array_equal(found.centres, np.ones((3, 2)))
    assert found.losses[-1] == 0


def test_nearest_centre_in_blocks_equals_the_definition(monkeypatch):
    monkeypatch.setattr("ravm_course.retrieval.kmeans._SCORES", 50)
    rng = np.random.default_rng(0)
    vectors, centres = rng.normal(size=(100, 5)), rng.normal(size=(9, 5))
    expected = ((vectors[:, None] - centres) ** 2).sum(axis=2)
    np.testing.assert_array_equal(nearest_centre(vectors, centres), expected.argmin(axis=1))
    np.testing.assert_allclose(squared_distances(vectors, centres), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either k or the centres"),
        ({"k": 2, "centres": np.zeros((2, 2))}, "not both"),
        ({"k": 0}, "k is 0 but there are 5"),
        ({"k": 6}, "k is 6 but there are 5"),
        ({"centres": np.zeros((2, 3))}, "do not fit"),
        ({"centres": np.zeros((6, 2))}, "5 vectors cannot have 6 centres"),
        ({"centres": np.full((1, 2), np.nan)}, "NaN"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        kmeans(np.random.default_rng(0).normal(size=(5, 2)), **arguments)


def test_a_vector_with_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        kmeans(np.array([[1.0], [np.nan]]), 1)
