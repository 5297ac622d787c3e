"""Inverted lists against FAISS's with the same centres, and against an exact search."""

import faiss
import numpy as np
import pytest

from ravm_course.retrieval.inverted import InvertedLists
from ravm_course.retrieval.kmeans import kmeans
from ravm_course.retrieval.neighbours import neighbour_recall


@pytest.fixture(scope="module")
def example():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3000, 16)).astype(np.float32)
    queries = rng.normal(size=(80, 16)).astype(np.float32)
    lists = InvertedLists(kmeans(vectors, 20).centres)
    lists.add(vectors[:1000])
    lists.add(vectors[1000:])
    return vectors, queries, lists


@pytest.mark.parametrize("nprobe", [1, 3, 20])
def test_it_finds_what_faiss_finds_with_the_same_centres(example, nprobe):
    vectors, queries, lists = example
    coarse = faiss.IndexFlatL2(16)
    coarse.add(lists.centres)
    theirs = faiss.IndexIVFFlat(coarse, 16, 20)
    theirs.is_trained, theirs.nprobe = True, nprobe
    theirs.add(vectors)
    distances, expected = theirs.search(queries, 10)
    ours, found = lists.search(queries, 10, nprobe)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(ours, distances, atol=1e-4)
    np.testing.assert_array_equal(lists.sizes, [theirs.invlists.list_size(i) for i in range(20)])


def test_all_lists_are_an_exact_search_and_more_lists_find_more(example):
    vectors, queries, lists = example
    away = ((queries[:, None].astype(float) - vectors) ** 2).sum(axis=2)
    exact = np.argsort(away, axis=1)[:, :10]
    np.testing.assert_array_equal(lists.search(queries, 10, 20)[1], exact)
    recalls = np.stack(
        [neighbour_recall(lists.search(queries, 10, p)[1], exact) for p in range(1, 21)]
    )
    assert (np.diff(recalls, axis=0) >= 0).all(), "for every query, not only on average"
    looked = np.stack([lists.looked_at(queries, p) for p in range(1, 21)])
    assert (np.diff(looked, axis=0) >= 0).all()
    assert (looked[-1] == 20 + 3000).all()
    assert lists.sizes.sum() == 3000


def test_what_was_found_is_exact_in_its_distances(example):
    vectors, queries, lists = example
    distances, found = lists.search(queries, 10, 1)
    true = ((vectors[found].astype(float) - queries[:, None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances, true, rtol=1e-5)


def test_too_few_in_the_lists_are_padded_and_bad_input_refused():
    lists = InvertedLists(np.array([[0.0, 0.0], [9.0, 0.0]]))
    distances, found = lists.search(np.zeros((1, 2)), 2, 1)
    assert found.tolist() == [[-1, -1]]
    assert np.isinf(distances).all()
    lists.add(np.array([[1.0, 0.0]]))
    assert lists.search(np.zeros((1, 2)), 2, 1)[1].tolist() == [[0, -1]]
    for bad in (np.zeros((1, 3)), np.zeros(2)):
        with pytest.raises(ValueError, match=r"expected \(N, 2\)"):
            lists.add(bad)
    for nprobe in (0, 3):
        with pytest.raises(ValueError, match="expected 1 to 2 lists"):
            lists.search(np.zeros((1, 2)), 1, nprobe)
    with pytest.raises(ValueError, match=r"expected \(K, D\)"):
        InvertedLists(np.zeros((0, 2)))
