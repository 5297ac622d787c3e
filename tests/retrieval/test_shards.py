"""An index built in parts equals one built at once."""

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.retrieval import VectorIndex
from ravm_course.retrieval.shards import blank, merge, search_shards

OPTIONS = {
    "flat": {},
    "ivf": {"nlist": 16, "nprobe": 4},
    "pq": {"m": 4, "nbits": 6},
    "ivfpq": {"nlist": 16, "nprobe": 4, "m": 4, "nbits": 6},
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def single_and_shards(kind, metric, n=600, parts=3):
    vectors, ids = normal(n, 16), np.random.default_rng(5).permutation(10 * n)[:n]
    whole = VectorIndex(16, kind, metric, **OPTIONS[kind])
    whole.train(vectors)
    shards = [blank(whole) for _ in range(parts)]
    whole.add(vectors, ids)
    for shard, rows in zip(shards, np.array_split(np.arange(n), parts), strict=True):
        shard.add(vectors[rows], ids[rows])
    return whole, shards


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("kind", OPTIONS)
def test_merged_and_side_by_side_equal_a_single_build(kind, metric):
    whole, shards = single_and_shards(kind, metric)
    queries = normal(50, 16, seed=1)
    scores, found = whole.search(queries, 10)
    other_scores, other = search_shards(shards, queries, 10)
    if kind == "flat":
        np.testing.assert_array_equal(other, found)
    np.testing.assert_allclose(other_scores, scores, rtol=1e-6)  # equal codes are tied
    merged = merge(shards)
    assert merged is shards[0]
    assert [len(shard) for shard in shards] == [600, 0, 0]
    np.testing.assert_array_equal(merged.ids, whole.ids)
    for a, b in zip(merged.search(queries, 10), (scores, found), strict=True):
        np.testing.assert_array_equal(a, b)
    merged.remove(whole.ids[:100])
    assert len(merged) == 500
    shards[1].add(normal(3, 16), [1, 2, 3])
    assert len(shards[1]) == 3


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 30), st.booleans())
def test_flat_shards_of_any_size_equal_the_whole_ties_included(sizes, k, tied):
    n = sum(sizes)
    rng = np.random.default_rng(n)
    vectors = rng.integers(-1, 2, (n, 3)).astype(np.float32) if tied else normal(n, 3)
    whole, shards, start = VectorIndex(3, metric="dot"), [], 0
    whole.add(vectors)
    for size in sizes:
        shards.append(blank(whole))
        shards[-1].add(vectors[start : start + size], range(start, start + size))
        start += size
    queries = normal(4, 3, seed=1)
    if k > n:
        with pytest.raises(ValueError, match=f"the shards hold {n} vectors"):
            search_shards(shards, queries, k)
        return
    for a, b in zip(search_shards(shards, queries, k), whole.search(queries, k), strict=True):
        np.testing.assert_array_equal(a, b)


def test_graphs_are_searched_side_by_side_and_not_joined():
    vectors = normal(400, 16)
    shards = [VectorIndex(16, "hnsw", ef_search=64) for _ in range(2)]
    for shard, rows in zip(shards, (range(200), range(200, 400)), strict=True):
        shard.add(vectors[rows], rows)
    assert blank(shards[0]).kind == "hnsw"
    with pytest.raises(ValueError, match="graphs cannot be joined"):
        merge(shards)
    assert [len(shard) for shard in shards] == [200, 200]
    np.testing.assert_array_equal(search_shards(shards, vectors, 1)[1][:, 0], np.arange(400))


def test_shards_trained_apart_are_refused_and_nothing_is_moved():
    parts = []
    for seed in (0, 1):
        parts.append(VectorIndex(16, "ivf", nlist=8))
        parts[-1].add(normal(300, 16, seed=seed), range(300 * seed, 300 * seed + 300))
    with pytest.raises(ValueError, match="same centres"):
        merge(parts)
    whole = VectorIndex(16, "ivf", nlist=8)
    whole.train(normal(300, 16))
    same = [blank(whole), blank(whole), blank(whole)]
    for shard in same[:2]:
        shard.add(normal(10, 16), range(10))
    with pytest.raises(ValueError, match="id 0 is in two shards"):
        merge(same)
    assert [len(shard) for shard in [*parts, *same]] == [300, 300, 10, 10, 0]
    same[1].tune(nprobe=3)  # how hard a search tries is no hindrance
    same[1].remove(range(10))
    assert len(merge(same)) == 10
    with pytest.raises(ValueError, match="no shards"):
        merge([])
    for other in (VectorIndex(16), VectorIndex(16, "ivf", "dot", nlist=8), VectorIndex(8)):
        with pytest.raises(ValueError, match="one kind"):
            merge([same[0], other])


def test_a_blank_copy_has_the_centres_of_faiss_and_leaves_the_first_alone():
    whole = VectorIndex(16, "ivf", **OPTIONS["ivf"])
    whole.add(normal(200, 16))
    copy = blank(whole)
    assert (len(copy), len(whole)) == (0, 200)
    a, b = (faiss.downcast_index(i._faiss.quantizer).reconstruct_n(0, 16) for i in (whole, copy))
    np.testing.assert_array_equal(a, b)
