"""Product quantisation against FAISS's with the same codebooks; what must hold; refusals."""

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.retrieval.kmeans import squared_distances
from ravm_course.retrieval.product import ProductQuantiser


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    vectors = normal(3000, 16)
    return vectors, ProductQuantiser.fit(vectors, 4, iterations=10)


def test_codes_and_ids_equal_those_of_faiss_with_the_same_codebooks(fitted):
    vectors, quantiser = fitted
    theirs = faiss.IndexPQ(16, 4, 8)
    faiss.copy_array_to_vector(quantiser.codebooks.ravel(), theirs.pq.centroids)
    theirs.is_trained = True
    theirs.add(vectors)
    codes = quantiser.encode(vectors)
    np.testing.assert_array_equal(codes, theirs.pq.compute_codes(vectors))
    np.testing.assert_array_equal(quantiser.decode(codes), theirs.pq.decode(codes))
    queries = normal(60, 16, seed=1)
    distances, expected = theirs.search(queries, 10)
    ours, found = quantiser.search(queries, codes, 10)
    np.testing.assert_allclose(ours, distances, atol=1e-4)
    assert (found == expected).mean() > 0.99  # equal sums may differ in the last bit
    assert quantiser.bytes_a_vector == theirs.code_size == 4


@given(st.integers(1, 3), st.integers(1, 4), st.integers(2, 9), st.integers(0, 1000))
def test_the_table_gives_the_distance_to_what_the_code_stands_for(width, m, k, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(12, width * m))
    quantiser = ProductQuantiser.fit(vectors, m, k, seed=seed)
    codes, queries = quantiser.encode(vectors), rng.normal(size=(5, width * m))
    decoded = quantiser.decode(codes)
    np.testing.assert_allclose(
        quantiser.distances(queries, codes), squared_distances(queries, decoded), atol=1e-9
    )
    np.testing.assert_array_equal(quantiser.encode(decoded), codes)
    # no other code is nearer: each piece is at its nearest centre
    some = quantiser.decode(rng.integers(0, k, (40, m)))
    own = ((vectors - decoded) ** 2).sum(axis=1)
    assert (own[:, None] <= squared_distances(vectors, some) + 1e-9).all()


def test_more_pieces_lose_less(fitted):
    vectors, _ = fitted
    losses = []
    for m in (1, 2, 4, 8, 16):
        quantiser = ProductQuantiser.fit(vectors, m, 16, iterations=5)
        lost = vectors - quantiser.decode(quantiser.encode(vectors))
        losses.append(float((lost**2).sum(axis=1).mean()))
        assert quantiser.bytes_a_vector == m / 2
    assert (np.diff(losses) < 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: ProductQuantiser.fit(v, 3), "cannot be cut into 3"),
        (lambda v: ProductQuantiser.fit(v, 0), "cannot be cut into 0"),
        (lambda v: ProductQuantiser.fit(v[:10], 4, 16), "k is 16 but there are 10"),
        (lambda v: ProductQuantiser(np.zeros((2, 257, 1))), "at most 256"),
        (lambda v: ProductQuantiser(np.zeros((2, 4))), "expected"),
        (lambda v: ProductQuantiser(np.zeros((2, 4, 8))).encode(v[0]), "cannot be cut"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(normal(50, 16))


def test_k_out_of_range(fitted):
    vectors, quantiser = fitted
    codes = quantiser.encode(vectors[:5])
    for k in (0, 6):
        with pytest.raises(ValueError, match=f"k is {k} but there are 5 codes"):
            quantiser.search(vectors[:1], codes, k)
