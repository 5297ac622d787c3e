"""Exact search against FAISS's flat index, on random unit vectors of 128 numbers, one CPU thread.

Both must first give the same ids. Queries come one at a time, 16 and 256 together::

    OMP_NUM_THREADS=1 python benchmarks/retrieval.py
"""

from __future__ import annotations

import time

import faiss
import numpy as np
from timing import fix_threads, interleave, write

from ravm_course.retrieval import VectorIndex

DIM, K = 128, 10


def main() -> None:
    """Measure, print and write results/retrieval.json."""
    fix_threads(1)
    rng = np.random.default_rng(0)
    results = []
    for n in (20_000, 100_000):
        vectors = rng.normal(size=(n, DIM)).astype(np.float32)
        queries = rng.normal(size=(256, DIM)).astype(np.float32)
        for array in (vectors, queries):
            array /= np.linalg.norm(array, axis=1, keepdims=True)
        ours, theirs = VectorIndex(DIM), faiss.IndexFlatIP(DIM)
        ours.add(vectors)
        theirs.add(vectors)
        np.testing.assert_array_equal(ours.search(queries, K)[1], theirs.search(queries, K)[1])
        for batch in (1, 16, 256):
            part = queries[:batch]
            seconds = interleave(
                {
                    "VectorIndex": lambda ours=ours, part=part: ours.search(part, K),
                    "faiss": lambda theirs=theirs, part=part: theirs.search(part, K),
                },
                repeats=41,
                clock=time.process_time,
            )
            row = {
                "vectors": n,
                "queries": batch,
                "cpu_ms": {name: round(value * 1e3, 3) for name, value in seconds.items()},
                "times_faster": round(seconds["faiss"] / seconds["VectorIndex"], 2),
            }
            print(row)
            results.append(row)
    print(write("retrieval", "OMP_NUM_THREADS=1 python benchmarks/retrieval.py", results))


if __name__ == "__main__":
    main()
