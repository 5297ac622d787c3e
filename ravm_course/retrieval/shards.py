"""One index in parts: build them apart, then join them or search them side by side.

A store that is too large, or too slow to fill, for one machine is cut into shards. Exact search
does not mind: the k best of all are among the k best of each. Inverted lists and codes do not mind
either, *if all shards have the same centres*: train once, hand out blank copies, fill them apart,
and join the lists. Shards that were trained each on its own part rank their answers by different
codes. Graphs cannot be joined; theirs are searched side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ravm_course.retrieval import approximate
from ravm_course.retrieval.index import VectorIndex


def blank(index: VectorIndex) -> VectorIndex:
    """Return an empty index of the same kind and options, with the same learned centres.

    Examples
    --------
    >>> whole = VectorIndex(2, "ivf", nlist=2, nprobe=2)
    >>> whole.train(np.float32([[1, 0], [1, 0.1], [0, 1], [0.1, 1]]))
    >>> blank(whole)
    VectorIndex(2, 'ivf', 'cosine'): 0 vectors
    """
    copy = VectorIndex(index.dim, index.kind, index.metric, **index.options)
    if index._faiss is not None:
        copy._faiss = approximate.emptied(index._faiss)
    return copy


def merge(shards: Sequence[VectorIndex]) -> VectorIndex:
    """Return the first shard, which has taken over the vectors of the others; those are empty then.

    Parameters
    ----------
    shards
        Filled copies of one :func:`blank`, with different ids.

    Raises
    ------
    ValueError
        If there is none, kinds or centres differ, an id is in two shards, or the kind is
        ``"hnsw"``; nothing was moved then.

    Examples
    --------
    >>> parts = [VectorIndex(2), VectorIndex(2)]
    >>> parts[0].add([[1.0, 0.0]], ids=[0])
    >>> parts[1].add([[0.0, 1.0]], ids=[1])
    >>> merge(parts).ids
    array([0, 1])
    """
    if not shards:
        raise ValueError("there are no shards: give at least one.")
    first = shards[0]
    if first.kind == "hnsw":
        raise ValueError(
            "graphs cannot be joined: use search_shards, or add all vectors to one index."
        )
    ids = np.concatenate([shard.ids for shard in shards])
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"id {values[np.argmax(counts > 1)]} is in two shards: an id stands for one vector."
        )
    for number, shard in enumerate(shards[1:], start=1):
        if _facts(shard) != _facts(first):
            raise ValueError(
                f"shard {number} is {shard!r}, the first {first!r}: all must be of one kind and "
                "have the same centres. Train one index, and fill copies made by blank()."
            )
    for shard in shards[1:]:
        if first._faiss is not None and len(shard):
            first._faiss.merge_from(shard._faiss, 0)
        first._append(shard._ids, shard._rows[: len(shard)])
        shard._rows, shard._known = shard._rows[:0], set()
        shard._set_ids(shard._ids[:0])
    return first


def search_shards(
    shards: Sequence[VectorIndex], queries: ArrayLike, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the `k` best of all shards.

    Parameters
    ----------
    shards
        Of one dimension and metric, with different ids.
    queries, k
        As for :meth:`VectorIndex.search <ravm_course.retrieval.index.VectorIndex.search>`; `k` may
        be more than a single shard holds.

    Returns
    -------
    tuple
        Scores (Q, k) and ids (Q, k), best first, the smaller id first where scores are equal;
        where all shards together reached fewer, -inf and -1.

    Raises
    ------
    ValueError
        If `k` is more than all shards hold together, or a query is wrong.

    Examples
    --------
    >>> parts = [VectorIndex(2), VectorIndex(2)]
    >>> parts[0].add([[1.0, 0.0]], ids=[4])
    >>> parts[1].add([[0.0, 1.0], [1.0, 1.0]], ids=[5, 6])
    >>> search_shards(parts, [[0.0, 2.0]], k=3)[1]
    array([[5, 6, 4]])
    """
    held = sum(map(len, shards))
    if not 1 <= k <= held:
        raise ValueError(f"k is {k} but the shards hold {held} vectors: ask for 1 to that many.")
    parts = [shard.search(queries, min(k, len(shard))) for shard in shards if len(shard)]
    scores, ids = (np.concatenate(some, axis=1) for some in zip(*parts, strict=True))
    order = np.lexsort((ids, -scores), axis=1)[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)


def _facts(index: VectorIndex) -> tuple:
    """Return what two indexes must share to be joined."""
    return index.dim, index.kind, index.metric, approximate.learned(index._faiss, index.kind)
