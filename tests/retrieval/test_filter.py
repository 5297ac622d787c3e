"""A search among some ids: exact where it can be, and never an id that is not allowed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.retrieval import VectorIndex

KINDS = {
    "flat": {},
    "ivf": {"nlist": 8, "nprobe": 8},
    "pq": {"m": 8, "nbits": 6},
    "ivfpq": {"nlist": 8, "nprobe": 8, "m": 8, "nbits": 6},
    "hnsw": {"ef_search": 64},
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def filled(kind, metric="cosine"):
    index = VectorIndex(16, kind, metric, **KINDS[kind])
    ids = np.random.default_rng(3).permutation(5000)[:800]
    index.add(normal(800, 16), ids)
    return index, ids


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_allowed_is_found(kind, metric):
    index, ids = filled(kind, metric)
    allowed = ids[::7]
    scores, found = index.search(normal(30, 16, seed=1), 5, only=allowed)
    assert np.isin(found[found >= 0], allowed).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    if kind not in ("hnsw", "ivfpq"):
        assert (found >= 0).all()
    if kind in ("flat", "ivf"):
        alone = VectorIndex(16, metric=metric)
        alone.add(normal(800, 16)[::7], allowed)
        expected_scores, expected = alone.search(normal(30, 16, seed=1), 5)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(scores, expected_scores, atol=1e-6)


def test_codes_rank_everything_and_leave_out():
    index, ids = filled("pq")
    queries, allowed = normal(10, 16, seed=1), ids[:20]
    everything, order = index.search(queries, 800)
    scores, found = index.search(queries, 20, only=allowed)
    for row in range(10):
        keep = np.isin(order[row], allowed)
        np.testing.assert_array_equal(found[row], order[row][keep])
        np.testing.assert_array_equal(scores[row], everything[row][keep])


@pytest.mark.parametrize("kind", KINDS)
def test_all_ids_allowed_is_no_filter(kind):
    index, ids = filled(kind)
    queries = normal(20, 16, seed=1)
    for a, b in zip(index.search(queries, 5, only=ids), index.search(queries, 5), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_refusals(kind):
    index, ids = filled(kind)
    query = normal(1, 16)
    with pytest.raises(KeyError, match="id 5001 is not in the index"):
        index.search(query, 1, only=[int(ids[0]), 5001])
    with pytest.raises(ValueError, match="k is 3 but `only` names 2 vectors: ask for 1 to 2"):
        index.search(query, 3, only=[ids[0], ids[1], ids[0]])
    with pytest.raises(ValueError, match="k is 1 but `only` names 0 vectors: add"):
        index.search(query, 1, only=[])
    with pytest.raises(TypeError, match="integers"):
        index.search(query, 1, only=["a"])


@given(st.sets(st.integers(0, 59), min_size=1), st.integers(1, 60))
def test_flat_equals_an_index_of_the_allowed_alone(allowed, k):
    rng = np.random.default_rng(0)
    vectors = rng.integers(-1, 2, (60, 3)).astype(np.float32)
    index, alone = VectorIndex(3, metric="euclidean"), VectorIndex(3, metric="euclidean")
    index.add(vectors)
    kept = sorted(allowed)
    alone.add(vectors[kept], kept)
    k = min(k, len(kept))
    for a, b in zip(
        index.search(vectors[:4], k, only=allowed), alone.search(vectors[:4], k), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["flat", "ivf", "pq", "ivfpq"])
def test_everything_can_be_deleted_and_then_nothing_is_found(kind):
    index, ids = filled(kind)
    index.remove(ids)
    assert len(index) == 0
    with pytest.raises(ValueError, match="k is 1 but the index holds 0 vectors: add"):
        index.search(normal(1, 16), 1)
    with pytest.raises(KeyError):
        index.search(normal(1, 16), 1, only=ids)
    with pytest.raises(KeyError):
        index.remove(ids[:1])
    index.remove([])
    index.add(normal(5, 16), range(5))
    assert index.search(normal(5, 16), 5)[1].shape == (5, 5)
