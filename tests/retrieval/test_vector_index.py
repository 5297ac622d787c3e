"""The index against brute force in float64 and against FAISS; its rules and refusals."""

import math

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.retrieval import VectorIndex

METRICS = ("cosine", "dot", "euclidean")
SMALL = {
    "flat": {},
    "ivf": {"nlist": 8, "nprobe": 8},
    "pq": {"m": 8, "nbits": 4},
    "ivfpq": {"nlist": 8, "nprobe": 8, "m": 8, "nbits": 4},
    "hnsw": {"ef_search": 128},
}
APPROXIMATE = ("ivf", "pq", "ivfpq", "hnsw")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def brute_force(queries, vectors, ids, k, metric):
    """Follow the definition: score in float64, round, sort by score and then by id."""
    q, x = queries.astype(np.float64), vectors.astype(np.float64)
    if metric == "cosine":
        q, x = (
            (a / np.linalg.norm(a, axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
            for a in (q, x)
        )
    if metric == "euclidean":
        scores = -np.linalg.norm(q[:, None] - x, axis=2)
    else:
        scores = np.einsum("qd,nd->qn", q, x)
    scores = scores.astype(np.float32)
    order = np.stack([np.lexsort((ids, -row)) for row in scores])[:, :k]
    return np.take_along_axis(scores, order, axis=1), ids[order]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "dim", "k"), [(1, 1, 1), (50, 3, 50), (3000, 64, 10)])
def test_flat_equals_the_definition(metric, n, dim, k):
    vectors, queries = normal(n, dim), normal(70, dim, seed=1)
    ids = np.random.default_rng(2).permutation(10 * n)[:n]
    index = VectorIndex(dim, metric=metric)
    index.add(vectors, ids)
    scores, found = index.search(queries, k)
    expected_scores, expected = brute_force(queries, vectors, ids, k, metric)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(scores, expected_scores)
    assert (scores.dtype, found.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize("metric", METRICS)
def test_flat_finds_what_faiss_finds(metric):
    vectors, queries = normal(2000, 32), normal(40, 32, seed=1)
    if metric == "cosine":
        faiss.normalize_L2(vectors)
        faiss.normalize_L2(queries)
    theirs = faiss.IndexFlatL2(32) if metric == "euclidean" else faiss.IndexFlatIP(32)
    theirs.add(vectors)
    distances, expected = theirs.search(queries, 10)
    index = VectorIndex(32, metric=metric)
    index.add(vectors)
    scores, found = index.search(queries, 10)
    np.testing.assert_array_equal(found, expected)
    if metric == "euclidean":
        distances = -np.sqrt(distances)
    np.testing.assert_allclose(scores, distances, atol=1e-4)


@pytest.mark.parametrize("metric", METRICS)
def test_ties_go_to_the_smaller_id_whatever_the_batch(metric):
    """Each vector occurs seven times; a matrix product alone would tell some copies apart."""
    base = normal(60, 37)
    vectors = np.repeat(base, 7, axis=0)[np.random.default_rng(1).permutation(420)]
    ids = np.random.default_rng(2).permutation(420)
    queries = np.concatenate([base, normal(30, 37, seed=3)])
    index = VectorIndex(37, metric=metric)
    index.add(vectors, ids)
    scores, found = index.search(queries, 10)
    for row in range(len(queries)):
        same = np.diff(scores[row]) == 0
        assert (np.diff(found[row])[same] > 0).all()
        one_scores, one = index.search(queries[row : row + 1], 10)
        np.testing.assert_array_equal(one[0], found[row])
        np.testing.assert_array_equal(one_scores[0], scores[row])
    equal = [ids[(vectors == base[i]).all(axis=1)] for i in range(60)]
    for row in range(60) if metric != "dot" else ():
        np.testing.assert_array_equal(found[row, :7], np.sort(equal[row]))


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=20),
    st.integers(1, 20),
    st.sampled_from(METRICS),
    st.randoms(use_true_random=False),
)
def test_flat_equals_the_definition_on_grids_full_of_ties(points, k, metric, random):
    vectors = np.array([p for p in points if p != (0, 0)] or [(1, 0)], dtype=np.float32)
    ids = np.array(random.sample(range(100), len(vectors)))
    index = VectorIndex(2, metric=metric)
    index.add(vectors, ids)
    k = min(k, len(vectors))
    queries = np.float32([[1, 0], [1, 1], [-2, 3]])
    scores, found = index.search(queries, k)
    expected_scores, expected = brute_force(queries, vectors, ids, k, metric)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", APPROXIMATE)
def test_approximate_kinds_find_most_of_the_exact_answer(kind, metric):
    vectors, queries = normal(1500, 16), normal(50, 16, seed=1)
    exact, other = VectorIndex(16, metric=metric), VectorIndex(16, kind, metric, **SMALL[kind])
    exact.add(vectors)
    other.add(vectors)
    _, expected = exact.search(queries, 10)
    scores, found = other.search(queries, 10)
    overlap = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, expected, strict=True)])
    assert overlap > {"ivf": 0.999, "pq": 0.4, "ivfpq": 0.4, "hnsw": 0.95}[kind]
    assert (np.diff(scores, axis=1) <= 0).all()
    if "pq" not in kind:
        first = exact.search(queries, 1)[0]
        np.testing.assert_allclose(scores[:, :1].max(), first.max(), atol=1e-5)


@pytest.mark.parametrize("kind", SMALL)
def test_add_remove_save_load(kind, tmp_path):
    vectors = normal(400, 16)
    index = VectorIndex(16, kind, **SMALL[kind])
    ids = np.arange(1000, 1400)
    index.add(vectors[:300], ids[:300])
    index.add(vectors[300:], ids[300:])
    if kind == "hnsw":
        with pytest.raises(ValueError, match="cannot remove"):
            index.remove([1000])
        left = ids
    else:
        index.remove([1000, 1399, 1005, 1000])
        left = np.setdiff1d(ids, [1000, 1399, 1005])
    assert len(index) == len(left)
    assert (1005 in index) == (kind == "hnsw")
    scores, found = index.search(vectors, 5)
    assert np.isin(found, left).all()
    if "pq" not in kind:
        own = np.isin(ids, left)
        np.testing.assert_array_equal(found[own, 0], ids[own])
    index.save(tmp_path / "index.npz")
    loaded = VectorIndex.load(tmp_path / "index.npz")
    assert repr(loaded) == repr(index)
    np.testing.assert_array_equal(loaded.ids, left)
    for a, b in zip(loaded.search(vectors, 5), (scores, found), strict=True):
        np.testing.assert_array_equal(a, b)
    loaded.add(vectors[:1])
    assert loaded.ids[-1] == max(left) + 1
    if kind != "hnsw":
        loaded.remove(loaded.ids)
        assert len(loaded) == 0
        loaded.add(vectors[:3], [1, 2, 3])
        assert len(loaded) == 3


def test_fewer_than_k_reached_is_padded():
    index = VectorIndex(2, "ivf", nlist=2, nprobe=1)
    index.add(np.float32([[1, 0], [1, 0.01], [-1, 0]]))
    scores, ids = index.search(np.float32([[-1, 0]]), 3)
    assert ids.tolist() == [[2, -1, -1]]
    assert scores[0, 1:].tolist() == [-math.inf, -math.inf]


def test_trying_harder_finds_more():
    vectors, queries = normal(3000, 16), normal(50, 16, seed=1)
    exact, index = VectorIndex(16), VectorIndex(16, "ivf", nlist=32, nprobe=1)
    exact.add(vectors)
    index.add(vectors)
    _, expected = exact.search(queries, 1)
    before = np.mean(index.search(queries, 1)[1] == expected)
    index.tune(nprobe=32)
    assert before < 0.9
    assert (index.search(queries, 1)[1] == expected).all()


@pytest.mark.parametrize("kind", ["ivf", "pq", "ivfpq"])
def test_training_is_repeatable_and_needs_enough_vectors(kind, capfd):
    vectors = normal(200, 16)
    pair = [VectorIndex(16, kind, **SMALL[kind], seed=3) for _ in range(2)]
    for index in pair:
        with pytest.raises(ValueError, match="cannot train"):
            index.add(vectors[:7])
        assert len(index) == 0
        index.train(vectors)
        index.add(vectors[:7])
        with pytest.raises(ValueError, match="before adding"):
            index.train(vectors)
    np.testing.assert_array_equal(*(index.search(vectors, 5)[0] for index in pair))
    assert capfd.readouterr().err == ""  # FAISS would warn of few points


BAD = [
    ([[1.0, math.nan]], ValueError, "vector 0 is NaN"),
    ([[1.0, 0.0], [math.inf, 0.0]], ValueError, "vector 1 is NaN, infinite"),
    ([[1.0, 0.0], [0.0, 0.0]], ValueError, "vector 1 has length 0"),
    ([[1e30, 0.0]], ValueError, "longer than"),
    ([[1, 2]], TypeError, "floats, not int64"),
    ([["a", "b"]], TypeError, "floats"),
    ([1.0, 2.0], ValueError, r"shape \(2,\): expected \(number, 2\)"),
    ([[1.0, 2.0, 3.0]], ValueError, r"shape \(1, 3\)"),
]


@pytest.mark.parametrize(("vectors", "error", "message"), BAD)
def test_bad_vectors_are_refused_and_nothing_is_added(vectors, error, message):
    index = VectorIndex(2)
    index.add([[1.0, 0.0]])
    with pytest.raises(error, match=message):
        index.add(np.array(vectors))
    with pytest.raises(error, match=message.replace("vector", "query")):
        index.search(np.array(vectors), 1)
    assert len(index) == 1


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([1, 1], ValueError, "id 1 is used twice"),
        ([5, 9], ValueError, "id 9 is used twice"),
        ([1], ValueError, r"expected \(2,\)"),
        ([-1, 2], ValueError, "expected 0 to"),
        ([0.5, 1.0], TypeError, "expected integers"),
        (["a", "b"], TypeError, "expected integers"),
    ],
)
def test_bad_ids_are_refused(ids, error, message):
    index = VectorIndex(2)
    index.add([[1.0, 0.0]], [9])
    with pytest.raises(error, match=message):
        index.add([[1.0, 0.0], [0.0, 1.0]], ids)
    assert index.ids.tolist() == [9]


def test_other_refusals(tmp_path):
    index = VectorIndex(2)
    with pytest.raises(ValueError, match="k is 1 but the index holds 0 vectors: add"):
        index.search([[1.0, 0.0]], 1)
    index.add(np.eye(2, dtype=np.float32), [3, 4])
    for k in (0, 3):
        with pytest.raises(ValueError, match=f"k is {k} but the index holds 2 vectors: ask for 1"):
            index.search([[1.0, 0.0]], k)
    with pytest.raises(KeyError, match="id 7 is not"):
        index.remove([3, 7])
    with pytest.raises(KeyError, match="id 7 is not"):
        index.vectors([7])
    assert len(index) == 2
    with pytest.raises(ValueError, match="expected one of flat"):
        VectorIndex(2, "tree")
    with pytest.raises(ValueError, match="expected one of cosine"):
        VectorIndex(2, metric="l2")
    with pytest.raises(TypeError, match="'nlist' cannot be set"):
        VectorIndex(2, "hnsw", nlist=4)
    with pytest.raises(TypeError, match="'nlist' cannot be set"):
        VectorIndex(2, "ivf").tune(nlist=4)
    with pytest.raises(ValueError, match="nprobe is 0"):
        VectorIndex(2, "ivf", nprobe=0)
    for kind in ("pq", "ivfpq"):
        with pytest.raises(ValueError, match="choose a divisor of 10"):
            VectorIndex(10, kind, m=4)
    with pytest.raises(ValueError, match="use 'flat'"):
        VectorIndex(2, "hnsw").vectors([1])
    with pytest.raises(FileNotFoundError):
        VectorIndex.load(tmp_path / "no.npz")


@pytest.mark.parametrize("kind", SMALL)
def test_damaged_files_are_refused(kind):
    index = VectorIndex(16, kind, **SMALL[kind])
    index.add(normal(100, 16))
    data = index.to_bytes()
    flipped = bytearray(data)
    flipped[len(data) * 3 // 4] ^= 1
    for bad in (b"", b"nonsense", data[: len(data) // 2], bytes(flipped)):
        with pytest.raises(ValueError, match="not the bytes of a whole index"):
            VectorIndex.from_bytes(bad)


def test_tensors_and_vectors_of_ones_own():
    index = VectorIndex(3)
    index.add(torch.tensor([[3.0, 0, 0], [0, 2.0, 0]], requires_grad=True), torch.tensor([8, 2]))
    np.testing.assert_array_equal(
        index.vectors([2, 8, 2]), np.float32([[0, 1, 0], [1, 0, 0], [0, 1, 0]])
    )
    assert index.vectors([]).shape == (0, 3)
    dot = VectorIndex(3, metric="dot")
    dot.add(np.float64([[3, 0, 0]]))
    np.testing.assert_array_equal(dot.vectors([0]), np.float32([[3, 0, 0]]))


@settings(max_examples=30)
@given(st.lists(st.one_of(st.integers(1, 9), st.integers(-30, -1)), max_size=25))
def test_many_small_additions_and_removals_equal_one_big_one(steps):
    """Positive: add that many; negative: remove the one at that place, if there is one."""
    index, kept, fresh = VectorIndex(4, metric="dot"), {}, 0
    for step in steps:
        if step > 0:
            rows = normal(step, 4, seed=fresh)
            index.add(rows, range(fresh, fresh + step))
            kept |= dict(zip(range(fresh, fresh + step), rows, strict=True))
            fresh += step
        elif -step <= len(kept):
            id = list(kept)[step]
            index.remove([id])
            del kept[id]
    assert index.ids.tolist() == list(kept)
    if kept:
        other = VectorIndex(4, metric="dot")
        other.add(np.stack(list(kept.values())), list(kept))
        for a, b in zip(*(i.search(normal(3, 4), len(kept)) for i in (index, other)), strict=True):
            np.testing.assert_array_equal(a, b)
