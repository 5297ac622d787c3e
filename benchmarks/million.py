"""A million vectors of 128 numbers: recall against latency against memory, one CPU thread.

Two sets. ``mapped`` is made by a recipe (:mod:`ravm_course.data.made_vectors`); ``states`` are the
last states of the course's GPT over a million tokens of the training speeches, brought to 128
numbers by a principal component analysis, and its queries are states over the test speeches::

    OMP_NUM_THREADS=1 python benchmarks/million.py

It takes about half an hour of one core and 4 GB. ``--vectors 20000 --no-write`` tries it. Exact
search gives the truth: recall is the share of the true ten that was found, with an interval over
queries, or over whole speeches. Bytes are those of the index with an id of 8 bytes a vector. Times
are CPU milliseconds a query, one query at a time (median) and in batches of 256.

``--controls`` measures what readers of chapter 18 missed, in about ten minutes, and writes
``results/million_controls.json``: a million *copies*, codes of 4 bits in blocks (Andre, Kermarrec &
Le Scouarnec, VLDB 2015) beside plain ones, and signs against learned codes, query by query.
"""

from __future__ import annotations

import argparse
import time

import faiss
import numpy as np
import torch
from sklearn.decomposition import PCA
from timing import fix_threads, write

from ravm_course.data.made_vectors import made_vectors
from ravm_course.lm import load_speech_gpt
from ravm_course.lm.keys import token_keys
from ravm_course.lm.speech_tokens import load_speech_tokens
from ravm_course.metrics import bootstrap_interval, paired_bootstrap
from ravm_course.retrieval import VectorIndex
from ravm_course.retrieval.neighbours import (
    distance_ratio,
    intrinsic_dimension,
    neighbour_recall,
    relative_contrast,
)
from ravm_course.retrieval.shards import blank, merge

DIM, K, QUERIES, ONE_BY_ONE = 128, 10, 1000, 300
A_WINDOW = 240  # states kept of the GPT's 256
KINDS = {
    "ivf 1024": ("ivf", {"nlist": 1024}, "nprobe", (1, 2, 4, 8, 16, 32, 64, 128)),
    "ivf 4096": ("ivf", {"nlist": 4096}, "nprobe", (1, 2, 4, 8, 16, 32, 64, 128)),
    "pq 8": ("pq", {"m": 8}, None, (None,)),
    "pq 16": ("pq", {"m": 16}, None, (None,)),
    "pq 32": ("pq", {"m": 32}, None, (None,)),
    "ivf 1024, pq 16": ("ivfpq", {"nlist": 1024, "m": 16}, "nprobe", (1, 4, 16, 64)),
    "ivf 1024, pq 32": ("ivfpq", {"nlist": 1024, "m": 32}, "nprobe", (1, 4, 16, 64)),
    "graph 8": ("hnsw", {"m": 8}, "ef_search", (10, 16, 32, 64, 128, 256)),
    "graph 16": ("hnsw", {"m": 16}, "ef_search", (10, 16, 32, 64, 128, 256)),
    "graph 16, careful": (
        "hnsw",
        {"m": 16, "ef_construction": 200},
        "ef_search",
        (10, 16, 32, 64, 128, 256),
    ),
}
SIZES = (10_000, 31_623, 100_000, 316_228, 1_000_000)
TRAIN = 40  # vectors for each list
WANTED = 0.95


def mapped(n: int) -> tuple[np.ndarray, np.ndarray, None]:
    """Return `n` made vectors, and queries that follow them in the endless set."""
    return made_vectors(n), made_vectors(QUERIES, start=10**7), None


def states(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return states of the GPT over training speeches, queries over test speeches, and whose."""
    model, speeches = load_speech_gpt(), load_speech_tokens(4096)
    skip = model.config.context - A_WINDOW
    keys = token_keys(model, speeches.train.stream(), skip=skip, most=n)[0].numpy()
    others = token_keys(model, speeches.test.stream(), skip=skip)[0].numpy()
    speech = np.repeat(np.arange(len(speeches.test.ids)), [len(i) for i in speeches.test.ids])
    context = model.config.context
    whole = speech[: len(speech) // context * context].reshape(-1, context)[:, -A_WINDOW:].ravel()
    drawn = np.random.default_rng(0).choice(len(others), QUERIES, replace=False)
    fit = np.random.default_rng(1).choice(n, min(n, 20_000), replace=False)
    reduce = PCA(DIM, svd_solver="covariance_eigh").fit(keys[np.sort(fit)])
    print(f"{reduce.explained_variance_ratio_.sum():.3f} of the variance kept", flush=True)
    return unit(reduce.transform(keys)), unit(reduce.transform(others[drawn])), whole[drawn]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, float32."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class Truth:
    """What an exact search finds, and how an answer compares."""

    def __init__(self, base: np.ndarray, queries: np.ndarray, groups: np.ndarray | None = None):
        self.base, self.queries, self.groups = base, queries, groups
        self.flat = VectorIndex(DIM, metric="euclidean")
        self.flat.add(base)
        scores, self.ids = self.flat.search(queries, 101)
        self.distances = -scores.astype(np.float64)

    def judge(self, found: np.ndarray) -> dict[str, object]:
        """Return recall with its interval, recall of the nearest, and the ratio of distances."""
        recall = neighbour_recall(found, self.ids[:, :K])
        interval = bootstrap_interval(recall, groups=self.groups)
        missing = (found < 0).any(axis=1)
        true = np.linalg.norm(self.base[found] - self.queries[:, None], axis=2)
        ratio = distance_ratio(np.sort(true[~missing], axis=1), self.distances[~missing, :K])
        return {
            "recall": round(interval.mean, 4),
            "low": round(interval.low, 4),
            "high": round(interval.high, 4),
            "nearest": round(float((found[:, 0] == self.ids[:, 0]).mean()), 4),
            "distance_ratio": round(float(ratio.mean()), 4),
        }

    def rescore(self, found: np.ndarray, queries: np.ndarray) -> np.ndarray:
        """Return the `K` of many found ids whose vectors are really nearest."""
        away = np.linalg.norm(self.base[found] - queries[:, None], axis=2)
        away[found < 0] = np.inf
        return np.take_along_axis(found, np.argsort(away, axis=1)[:, :K], axis=1)

    def difficulty(self) -> dict[str, float]:
        """Return how hard the set is to search."""
        some = self.base[np.random.default_rng(2).choice(len(self.base), 1000, replace=False)]
        average = np.linalg.norm(self.queries[:200, None] - some, axis=2).mean(axis=1)
        apart = self.distances[:, 0] > 1e-3
        gap = self.distances[:, K] / np.maximum(self.distances[:, K - 1], 1e-9) - 1
        return {
            "relative_contrast": round(relative_contrast(self.distances[:200, 0], average), 3),
            "intrinsic_dimension": round(intrinsic_dimension(self.distances[apart, :100]), 2),
            "median_gap_after_10": round(float(np.median(gap)), 5),
            "share_of_gaps_below_1e-6": round(float((gap < 1e-6).mean()), 4),
        }


def cpu(function) -> tuple[float, object]:
    """Return the CPU seconds of a call, and what it returned."""
    start = time.process_time()
    value = function()
    return time.process_time() - start, value


def timed(search, queries: np.ndarray) -> dict[str, float]:
    """Return milliseconds a query of ``search(queries)``, alone and in batches."""
    search(queries[:1])
    single = [cpu(lambda q=q: search(q[None]))[0] for q in queries[:ONE_BY_ONE]]
    batches = [cpu(lambda i=i: search(queries[i : i + 256]))[0] / 256 for i in (0, 256, 512)]
    return {
        "ms": round(float(np.median(single)) * 1e3, 4),
        "ms_95": round(float(np.quantile(single, 0.95)) * 1e3, 4),
        "ms_batch": round(float(np.median(batches)) * 1e3, 4),
    }


def build(kind: str, options: dict, base: np.ndarray) -> tuple[VectorIndex, dict[str, object]]:
    """Return a filled index, and what it cost."""
    index = VectorIndex(DIM, kind, "euclidean", **options)
    some = max(TRAIN * options.get("nlist", 0), 65_536)
    drawn = np.sort(np.random.default_rng(3).choice(len(base), min(len(base), some), replace=False))
    train, _ = cpu(lambda: index.train(base[drawn]))
    add, _ = cpu(lambda: index.add(base))
    size = faiss.serialize_index(index._faiss).nbytes
    facts = {"train_s": round(train, 1), "add_s": round(add, 1)}
    return index, facts | {"bytes_a_vector": round(size / len(base), 1)}


def one_set(base: np.ndarray, queries: np.ndarray, groups: np.ndarray | None) -> dict[str, object]:
    """Measure all kinds on one set."""
    truth = Truth(base, queries, groups)
    result: dict[str, object] = {"vectors": len(base), **truth.difficulty()}
    print(result, flush=True)
    result["exact"] = {"bytes_a_vector": 4 * DIM + 8} | timed(
        lambda q: truth.flat.search(q, K), queries
    )
    theirs = faiss.IndexFlatL2(DIM)
    theirs.add(base)
    found = theirs.search(queries, K)[1]
    result["faiss_exact"] = timed(lambda q: theirs.search(q, K), queries) | {
        "same_ids": round(float((found == truth.ids[:, :K]).mean()), 5)
    }
    theirs.reset()
    print(result["exact"], result["faiss_exact"], flush=True)
    rows = []
    for name, (kind, options, knob, values) in KINDS.items():
        index, facts = build(kind, options, base)
        for value in values:
            if knob:
                index.tune(**{knob: value})
            ways = {"": lambda q, i=index: i.search(q, K)[1]}
            if "pq" in kind:
                ways["rescored"] = lambda q, i=index: truth.rescore(i.search(q, 100)[1], q)
            for way, search in ways.items():
                found = search(queries)
                row = {"index": name, "knob": value, "way": way} | facts
                row |= truth.judge(found) | timed(search, queries)
                print(row, flush=True)
                rows.append(row)
        if name == "ivf 1024":
            result["four_shards_equal_one"] = shards_agree(index, base, queries)
        del index
    result["columns"] = list(rows[0])
    result["rows"] = [list(row.values()) for row in rows]
    result["bits"] = judge_bits(truth)
    result["int8"] = judge_int8(truth)
    print(result["bits"], result["int8"], flush=True)
    return result


def shards_agree(index: VectorIndex, base: np.ndarray, queries: np.ndarray) -> bool:
    """Say whether four shards, filled apart and merged, find what the one index finds."""
    shards = []
    for ids in np.array_split(np.arange(len(base)), 4):
        shards.append(blank(index))
        shards[-1].add(base[ids], ids)
    whole = merge(shards)
    whole.tune(nprobe=index.options["nprobe"])
    return bool((whole.search(queries, K)[1] == index.search(queries, K)[1]).all())


def judge_bits(truth: Truth) -> dict[str, object]:
    """Keep one bit a number, and judge what is found."""
    return {"bytes_a_vector": DIM / 8} | truth.judge(search_bits(truth))


def search_bits(truth: Truth, seed: int = 4) -> np.ndarray:
    """Keep the sign of each number after a random rotation; the query is not rounded."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(DIM, DIM)))[0].astype(np.float32)
    mean = truth.base[:20_000].mean(axis=0)
    queries = (truth.queries - mean) @ turn
    found = [np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)]
    for start in range(0, len(truth.base), 50_000):
        signs = np.where((truth.base[start : start + 50_000] - mean) @ turn > 0, 1, -1)
        scores = queries @ signs.astype(np.float32).T
        best = np.argpartition(-scores, K, axis=1)[:, :K]
        found[0] = np.concatenate([found[0], best + start], axis=1)
        found[1] = np.concatenate([found[1], np.take_along_axis(scores, best, axis=1)], axis=1)
    order = np.argsort(-found[1], axis=1, kind="stable")[:, :K]
    return np.take_along_axis(found[0], order, axis=1)


def judge_int8(truth: Truth) -> dict[str, object]:
    """Keep one byte a number."""
    index = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_8bit)
    index.train(truth.base[:65_536])
    index.add(truth.base)
    found = index.search(truth.queries, K)[1]
    return (
        {"bytes_a_vector": DIM}
        | truth.judge(found)
        | timed(lambda q: index.search(q, K), truth.queries)
    )


def by_size(base: np.ndarray, queries: np.ndarray) -> list[dict[str, object]]:
    """Return what each kind needs for the recall wanted, for growing parts of one set."""
    rows = []
    for n in SIZES:
        if n > len(base):
            break
        part = base[:n]
        truth = Truth(part, queries)
        row = {
            "vectors": n,
            "exact_ms": timed(lambda q, t=truth: t.flat.search(q, K), queries)["ms"],
        }
        lists = round(4 * n**0.5)
        for name, kind, options, knob in (
            ("lists", "ivf", {"nlist": lists}, "nprobe"),
            ("graph", "hnsw", {}, "ef_search"),
        ):
            index, facts = build(kind, options, part)
            for value in (1, 2, 4, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 96, 128):
                index.tune(**{knob: value})
                recall = neighbour_recall(index.search(queries, K)[1], truth.ids[:, :K]).mean()
                if recall >= WANTED:
                    break
            row[name] = {"knob": value, "recall": round(float(recall), 4)} | facts
            row[name] |= timed(lambda q, i=index: i.search(q, K), queries)
        print(row, flush=True)
        rows.append(row)
    return rows


def controls(vectors: int) -> dict[str, object]:
    """Measure a million copies, blocked codes, and signs against learned codes."""
    results: dict[str, object] = {}
    base, queries = (
        made_vectors(vectors, recipe="copies"),
        made_vectors(QUERIES, recipe="copies", start=10**7),
    )
    truth = Truth(base, queries)
    rows = {"vectors": vectors} | truth.difficulty()
    for name in ("ivf 1024", "pq 16"):
        index, _ = build(*KINDS[name][:2], base)
        for value in (1, 4, 16) if name == "ivf 1024" else (None,):
            if value:
                index.tune(nprobe=value)
            rows[f"{name} {value}" if value else name] = truth.judge(index.search(queries, K)[1])
        del index
    results["copies"] = rows
    print(rows, flush=True)
    del base, queries, truth
    for make in (mapped, states):
        base, queries, groups = make(vectors)
        truth = Truth(base, queries, groups)
        rows = {"exact": timed(lambda q, t=truth: t.flat.search(q, K), queries)}
        learned, facts = build("pq", {"m": 16}, base)
        found = learned.search(queries, K)[1]
        rows["pq 16"] = facts | truth.judge(found)
        rows["pq 16"] |= timed(lambda q, i=learned: i.search(q, K), queries)
        blocks = faiss.IndexPQFastScan(DIM, 32, 4)  # 32 pieces of 4 bits: 16 bytes as well
        blocks.train(base[np.sort(np.random.default_rng(3).choice(vectors, 65_536, False))])
        blocks.add(base)
        rows["pq 32 x 4 bits"] = truth.judge(blocks.search(queries, K)[1])
        rows["pq 32 x 4 bits"] |= timed(lambda q, i=blocks: i.search(q, K), queries)
        true, seeds = truth.ids[:, :K], range(5)
        signs = np.mean([neighbour_recall(search_bits(truth, s), true) for s in seeds], axis=0)
        gain = paired_bootstrap(signs, neighbour_recall(found, true), groups=groups)
        rows["bits minus pq 16"] = {"rotations": 5} | {
            name: round(getattr(gain, name), 4) for name in ("mean", "low", "high")
        }
        results[make.__name__] = rows
        print(rows, flush=True)
        del base, truth, learned, blocks
    return results


def main() -> None:
    """Measure, print and write results/million.json."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--no-write", action="store_true")
    parser.add_argument("--controls", action="store_true")
    options = parser.parse_args()
    fix_threads(1)
    torch.set_grad_enabled(False)
    if options.controls:
        results = controls(options.vectors)
        if not options.no_write:
            command = "OMP_NUM_THREADS=1 python benchmarks/million.py --controls"
            print(write("million_controls", command, results))
        return
    results: dict[str, object] = {}
    for make in (mapped, states):
        seconds, (base, queries, groups) = cpu(lambda make=make: make(options.vectors))
        print(f"{make.__name__}: made in {seconds:.0f} s", flush=True)
        results[make.__name__] = {"made_in_s": round(seconds, 1)} | one_set(base, queries, groups)
        if make is mapped:
            results["by_size"] = by_size(base, queries)
        results["cpu_minutes"] = round(time.process_time() / 60, 1)
        if not options.no_write:  # what is measured is kept if the second set does not end
            print(write("million", "OMP_NUM_THREADS=1 python benchmarks/million.py", results))


if __name__ == "__main__":
    main()
