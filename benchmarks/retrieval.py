"""VectorIndex against FAISS called directly: exact search, and inverted lists. One CPU thread.

Exact search is on random unit vectors of 128 numbers, where nothing but the arithmetic counts, and
inverted lists on made ones that have neighbours (:mod:`ravm_course.data.made_vectors`). Both sides
must first give the same ids. Queries come one at a time, 16 and 256 together. Stored beside the
times of exact search is that of the bare matrix product, below which no exact search by products
can be.

FAISS 1.15 multiplies matrices only if queries times numbers are 128,000 or more, a bar for machines
of many cores, and compares one by one below; ``faiss by products`` is the same index with the bar
lowered (``faiss.cvar.distance_compute_blas_threshold``)::

    OMP_NUM_THREADS=1 python benchmarks/retrieval.py
"""

from __future__ import annotations

import argparse
import time

import faiss
import numpy as np
from timing import fix_threads, interleave, write

from ravm_course.data.made_vectors import made_vectors
from ravm_course.retrieval import VectorIndex

DIM, K = 128, 10
BATCHES = (1, 16, 256)


def exact(n: int, repeats: int) -> list[dict[str, object]]:
    """Return the times of exact search in `n` vectors."""
    vectors = made_vectors(n, DIM, recipe="normal")
    queries = made_vectors(max(BATCHES), DIM, recipe="normal", start=10**6)
    ours, theirs = VectorIndex(DIM), faiss.IndexFlatIP(DIM)
    ours.add(vectors)
    theirs.add(vectors)
    found = ours.search(queries, K)[1]
    np.testing.assert_array_equal(found, theirs.search(queries, K)[1])
    np.testing.assert_array_equal(found, by_products(theirs, queries))
    rows = []
    for batch in BATCHES:
        part = queries[:batch]
        space = np.empty((batch, n), np.float32)
        ways = {
            "VectorIndex": lambda part=part: ours.search(part, K),
            "faiss": lambda part=part: theirs.search(part, K),
            "faiss by products": lambda part=part: by_products(theirs, part),
            "product": lambda part=part, space=space: np.matmul(part, vectors.T, out=space),
        }
        rows.append(row(n, batch, interleave(ways, repeats, time.process_time)))
    return rows


def by_products(index: faiss.Index, queries: np.ndarray) -> np.ndarray:
    """Return the ids that FAISS finds when it may multiply matrices for any batch."""
    usual = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = 1
    try:
        return index.search(queries, K)[1]
    finally:
        faiss.cvar.distance_compute_blas_threshold = usual


def lists(n: int, repeats: int) -> list[dict[str, object]]:
    """Return the times of inverted lists, with the very same lists on both sides."""
    vectors, queries = made_vectors(n, DIM), made_vectors(max(BATCHES), DIM, start=10**7)
    ours = VectorIndex(DIM, "ivf", nlist=256, nprobe=8)
    ours.add(vectors)
    theirs = faiss.clone_index(ours._faiss)
    np.testing.assert_array_equal(ours.search(queries, K)[1], theirs.search(queries, K)[1])
    rows = []
    for batch in BATCHES:
        part = queries[:batch]
        ways = {
            "VectorIndex": lambda part=part: ours.search(part, K),
            "faiss": lambda part=part: theirs.search(part, K),
        }
        rows.append(row(n, batch, interleave(ways, repeats, time.process_time)))
    return rows


def row(n: int, batch: int, seconds: dict[str, float]) -> dict[str, object]:
    """Return one line of the results, and print it."""
    found = {
        "vectors": n,
        "queries": batch,
        "cpu_ms": {name: round(value * 1e3, 3) for name, value in seconds.items()},
        "times_faster_than": {
            name: round(value / seconds["VectorIndex"], 2)
            for name, value in seconds.items()
            if name.startswith("faiss")
        },
    }
    print(found, flush=True)
    return found


def main() -> None:
    """Measure, print and write results/retrieval.json."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=41)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    fix_threads(1)
    results = {
        "exact": [r for n in (20_000, 100_000) for r in exact(n, options.repeats)],
        "inverted lists": [r for n in (20_000, 100_000) for r in lists(n, options.repeats)],
    }
    if not options.no_write:
        print(write("retrieval", "OMP_NUM_THREADS=1 python benchmarks/retrieval.py", results))


if __name__ == "__main__":
    main()
