"""The approximate kinds of index, built with FAISS (Johnson, Douze & Jégou, 2019).

- ``"ivf"``, an inverted file: k-means puts the vectors into `nlist` lists, and a search looks only
  into the `nprobe` nearest ones.
- ``"pq"``, a product quantiser (Jégou et al., 2011): a vector is cut into `m` pieces, each replaced
  by the nearest of ``2**nbits`` learned centres; 512 bytes become 16.
- ``"ivfpq"``, both: what is coded is the rest that a vector's list does not explain.
- ``"hnsw"``, a navigable graph (Malkov & Yashunin, 2018): a search walks from neighbour to
  neighbour, keeping the `ef_search` best.

FAISS is imported when one of them is first used.
"""

from __future__ import annotations

import numpy as np

DEFAULTS = {
    "ivf": {"nlist": 64, "nprobe": 8, "seed": 0},
    "pq": {"m": 16, "nbits": 8, "seed": 0},
    "ivfpq": {"nlist": 64, "nprobe": 8, "m": 16, "nbits": 8, "seed": 0},
    "hnsw": {"m": 16, "ef_construction": 40, "ef_search": 64},
}
TUNABLE = {"ivf": ("nprobe",), "ivfpq": ("nprobe",), "hnsw": ("ef_search",)}
LEARNED = {"ivf": ("nlist",), "pq": ("nbits",), "ivfpq": ("nlist", "nbits")}  # what sets the number


def build(dim: int, kind: str, euclidean: bool, options: dict[str, int]):
    """Return an empty FAISS index that takes ids.

    Raises
    ------
    ValueError
        If the vectors cannot be cut into `m` equal pieces.

    Examples
    --------
    >>> build(8, "pq", euclidean=False, options={"m": 3, "nbits": 4, "seed": 0})
    Traceback (most recent call last):
    ...
    ValueError: vectors of 8 numbers cannot be cut into m=3 equal pieces: choose a divisor of 8.
    """
    import faiss

    metric = faiss.METRIC_L2 if euclidean else faiss.METRIC_INNER_PRODUCT
    if "m" in options and kind != "hnsw" and dim % options["m"]:
        raise ValueError(
            f"vectors of {dim} numbers cannot be cut into m={options['m']} equal pieces: "
            f"choose a divisor of {dim}."
        )
    if kind in ("ivf", "ivfpq"):
        centres = faiss.IndexFlatL2(dim) if euclidean else faiss.IndexFlatIP(dim)
        if kind == "ivf":
            index = faiss.IndexIVFFlat(centres, dim, options["nlist"], metric)
        else:
            sizes = options["nlist"], options["m"], options["nbits"]
            index = faiss.IndexIVFPQ(centres, dim, *sizes, metric)
            index.pq.cp.seed, index.pq.cp.min_points_per_centroid = options["seed"], 1
        index.cp.seed, index.cp.min_points_per_centroid = options["seed"], 1
        centres.this.disown()  # the inverted file now owns it
        index.own_fields = True
    elif kind == "pq":
        codes = faiss.IndexPQ(dim, options["m"], options["nbits"], metric)
        codes.pq.cp.seed, codes.pq.cp.min_points_per_centroid = options["seed"], 1
        index = faiss.IndexIDMap2(codes)
    else:
        graph = faiss.IndexHNSWFlat(dim, options["m"], metric)
        graph.hnsw.efConstruction = options["ef_construction"]
        index = faiss.IndexIDMap2(graph)
    tune(index, kind, options)
    return index


def tune(index, kind: str, options: dict[str, int]) -> None:
    """Set how hard a search tries."""
    import faiss

    if kind in ("ivf", "ivfpq"):
        faiss.downcast_index(index).nprobe = options["nprobe"]
    elif kind == "hnsw":
        faiss.downcast_index(index.index).hnsw.efSearch = options["ef_search"]


def needed_to_train(kind: str, options: dict[str, int]) -> int:
    """Return how few vectors k-means can be trained on: one for each centre.

    Examples
    --------
    >>> needed_to_train("pq", DEFAULTS["pq"])
    256
    """
    sizes = {"nlist": options.get("nlist", 0), "nbits": 2 ** options.get("nbits", 0)}
    return max((sizes[name] for name in LEARNED.get(kind, ())), default=0)


def search(
    index,
    queries: np.ndarray,
    k: int,
    kind: str,
    euclidean: bool,
    options: dict[str, int],
    allowed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores (larger is better) and ids; where fewer than k were reached, -inf and -1.

    With ids `allowed`, only those may be found.
    """
    queries = np.ascontiguousarray(queries)
    if allowed is None:
        scores, ids = index.search(queries, k)
    elif kind == "pq":
        scores, ids = _search_and_leave_out(index, queries, k, allowed)
    else:
        scores, ids = index.search(queries, k, params=_parameters(kind, options, allowed))
    if euclidean:
        scores = -np.sqrt(np.maximum(scores, 0))  # FAISS gives squared distances
    scores[ids < 0] = -np.inf
    return scores, ids


def _parameters(kind: str, options: dict[str, int], allowed: np.ndarray):
    """Return FAISS's parameters of a search among some ids."""
    import faiss

    selector = faiss.IDSelectorBatch(allowed)
    if kind == "hnsw":
        return faiss.SearchParametersHNSW(sel=selector, efSearch=options["ef_search"])
    return faiss.SearchParametersIVF(sel=selector, nprobe=options["nprobe"])


def _search_and_leave_out(
    index, queries: np.ndarray, k: int, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ask for more and more until each query has k allowed ids; FAISS's codes know no filter."""
    asked = k
    while True:
        asked = min(2 * asked, index.ntotal)
        scores, ids = index.search(queries, asked)
        good = np.isin(ids, allowed)
        if good.sum(axis=1).min(initial=k) >= k or asked == index.ntotal:
            first = np.argsort(~good, axis=1, kind="stable")[:, :k]
            return (np.take_along_axis(some, first, axis=1) for some in (scores, ids))


def emptied(index):
    """Return a copy without its vectors, with what it has learned."""
    import faiss

    copy = faiss.clone_index(index)
    copy.reset()
    return copy


def learned(index, kind: str) -> bytes:
    """Return the centres of an index as bytes; two indexes that agree can be joined."""
    import faiss

    if index is None or kind == "hnsw" or not index.is_trained:
        return b""
    copy = emptied(index)
    if kind in ("ivf", "ivfpq"):
        faiss.downcast_index(copy).nprobe = 1  # how hard a search tries does not matter
    return to_bytes(copy).tobytes()


def to_bytes(index) -> np.ndarray:
    """Return an index as uint8 (B,)."""
    import faiss

    return faiss.serialize_index(index)


def from_bytes(data: np.ndarray):
    """Return the index that :func:`to_bytes` wrote."""
    import faiss

    return faiss.deserialize_index(data)
