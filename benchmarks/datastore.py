"""What a Datastore's search costs over the bare index, and how long a store of 10,000 items takes.

Vectors of 128 numbers, a text, a picture of 64 x 64 and two facts an item, k = 10, one CPU thread::

    OMP_NUM_THREADS=1 python benchmarks/datastore.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from timing import fix_threads, interleave, write

from ravm_course.ravlm.datastore import Datastore
from ravm_course.retrieval import VectorIndex

N, DIM, K = 10_000, 128, 10


def main() -> None:
    """Measure, print and write results/datastore.json."""
    fix_threads(1)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N, DIM)).astype(np.float32)
    queries = rng.normal(size=(64, DIM)).astype(np.float32)
    picture = np.kron(rng.integers(0, 255, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    columns = {
        "texts": [f"the text of item {i}" for i in range(N)],
        "images": [np.roll(picture, i, axis=0) for i in range(N)],
        "metadata": [{"number": i, "kind": "synthetic"} for i in range(N)],
    }
    ids = [f"item {i}" for i in range(N)]
    index = VectorIndex(DIM)
    index.add(vectors)

    def filled() -> Datastore:
        store = Datastore(DIM, encoder="random numbers")
        store.add(ids, vectors, **columns)
        return store

    store = filled()
    found = [[hit.id for hit in hits] for hits in store.search(queries, K)]
    assert found == [[ids[i] for i in row] for row in index.search(queries, K)[1]]
    results: dict[str, object] = {"items": N, "dim": DIM, "k": K, "search": []}
    for batch in (1, 16, 64):
        part = queries[:batch]
        seconds = interleave(
            {
                "Datastore": lambda part=part: store.search(part, K),
                "VectorIndex": lambda part=part: index.search(part, K),
            },
            repeats=401,
            clock=time.process_time,
        )
        row = {
            "queries": batch,
            "cpu_ms": {name: round(value * 1e3, 3) for name, value in seconds.items()},
            "overhead": round(seconds["Datastore"] / seconds["VectorIndex"] - 1, 3),
        }
        print(row)
        results["search"].append(row)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        seconds = interleave(
            {
                "add": filled,
                "save": lambda: store.save(path),
                "load": lambda: Datastore.load(path, encoder=None),
            },
            repeats=3,
        )
        results["megabytes"] = round(sum(f.stat().st_size for f in path.iterdir()) / 1e6, 2)
    results["wall_seconds"] = {name: round(value, 3) for name, value in seconds.items()}
    print(results["wall_seconds"], results["megabytes"], "MB")
    print(write("datastore", "OMP_NUM_THREADS=1 python benchmarks/datastore.py", results))


if __name__ == "__main__":
    main()
