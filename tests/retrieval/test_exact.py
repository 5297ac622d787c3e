"""Exact search across tiles: the same answer however the product is cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.retrieval import exact
from ravm_course.retrieval.exact import exact_search


def by_definition(queries, vectors, ids, k, euclidean):
    q, x = queries.astype(np.float64), vectors.astype(np.float64)
    scores = -np.linalg.norm(q[:, None] - x, axis=2) if euclidean else q @ x.T
    scores = scores.astype(np.float32)
    order = np.stack([np.lexsort((ids, -row)) for row in scores])[:, :k]
    return np.take_along_axis(scores, order, axis=1), ids[order]


@given(
    st.integers(1, 200),
    st.integers(1, 9),
    st.integers(1, 40),
    st.integers(1, 64),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_tiles_give_the_same(n, q, k, scores_a_tile, euclidean, tied, seed):
    rng = np.random.default_rng(seed)
    k = min(k, n)
    draw = (lambda *s: rng.integers(-2, 3, s)) if tied else (lambda *s: rng.normal(size=s))
    vectors, queries = draw(n, 4).astype(np.float32), draw(q, 4).astype(np.float32)
    ids = rng.permutation(3 * n)[:n]
    squares = np.einsum("nd,nd->n", vectors, vectors)
    before = exact._SCORES, exact._QUERIES
    exact._SCORES, exact._QUERIES = scores_a_tile, 3
    try:
        scores, found = exact_search(queries, vectors, ids, k, squares=squares, euclidean=euclidean)
    finally:
        exact._SCORES, exact._QUERIES = before
    expected_scores, expected = by_definition(queries, vectors, ids, k, euclidean)
    if tied and not euclidean:
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-6, atol=1e-6)
    whole = exact_search(queries, vectors, ids, k, squares=squares, euclidean=euclidean)
    np.testing.assert_array_equal(found, whole[1])
    np.testing.assert_array_equal(scores, whole[0])


@pytest.mark.parametrize("euclidean", [False, True])
def test_the_nearest_come_last_and_in_worse_and_worse_order(euclidean):
    """Every vector is nearer than all before it, so the bar rises with every tile."""
    vectors = np.linspace(0, 1, 5000, dtype=np.float32)[:, None] * np.ones(8, np.float32)
    ids, query = np.arange(5000), np.ones((2, 8), np.float32)
    squares = np.einsum("nd,nd->n", vectors, vectors)
    for rows in (slice(None), slice(None, None, -1)):
        _, found = exact_search(
            query, vectors[rows], ids[rows], 7, squares=squares[rows], euclidean=euclidean
        )
        np.testing.assert_array_equal(found, np.arange(4999, 4992, -1) * np.ones((2, 1), int))
