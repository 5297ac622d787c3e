r"""A navigable graph: walk from neighbour to neighbour towards the query (HNSW, made to be read).

Every vector is a node with a few links. A search begins at one node, and always goes on from the
nearest node it has not yet left; it remembers the `ef` nearest nodes that it saw, and stops when
the next one is farther than all of those. With ef = 1 this is greedy, and ends in the first place
that has no nearer neighbour.

Three things make the walk short and hard to trap (Malkov & Yashunin, "Efficient and robust
approximate nearest neighbor search using hierarchical navigable small world graphs", PAMI 2020):

- a new node is linked to near nodes in *different directions*: a candidate is skipped if one that
  was already chosen is nearer to it than the new node is (their algorithm 4);
- a node is also in layer 1 with probability 1/m, in layer 2 with 1/m², and so on; a search crosses
  the sparse layers first, with long steps;
- links are made both ways, and a node that gets too many chooses again.

It takes milliseconds a vector in Python, so use ``VectorIndex(kind="hnsw")`` for anything but
looking at it; :meth:`NavigableGraph.from_faiss` walks on a graph that FAISS has built, and finds
the same ids.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Container

import numpy as np

Links = dict[int, list[int]]


def walk(
    vectors: np.ndarray,
    links: Links,
    query: np.ndarray,
    entries: list[int],
    ef: int,
    allowed: Container[int] | None = None,
) -> tuple[list[tuple[float, int]], list[int]]:
    """Search one layer, from some nodes on, keeping the `ef` best.

    Parameters
    ----------
    vectors
        Floats, shape (N, D).
    links
        The neighbours of each node.
    query
        Shape (D,).
    entries
        Nodes to begin with.
    ef
        How many nodes are kept; a larger one finds more, and looks at more.
    allowed
        The nodes that may be kept; all if left out. The others are walked through, and the walk
        goes on until the next node is farther than `ef` allowed ones.

    Returns
    -------
    tuple
        Pairs of squared distance and node, nearest first; and all nodes whose distance was
        computed, in the order in which they were.

    Examples
    --------
    Five points on a line, each linked to the next; the walk goes from 0 to the query:

    >>> line = np.arange(5.0)[:, None]
    >>> links = {0: [1], 1: [0, 2], 2: [1, 3], 3: [2, 4], 4: [3]}
    >>> walk(line, links, np.array([2.8]), [0], ef=1)[0][0][1]
    3

    Only 0 and 1 may be kept:

    >>> walk(line, links, np.array([2.8]), [0], ef=1, allowed={0, 1})[0][0][1]
    1
    """
    seen = dict.fromkeys(entries)  # a set that keeps its order
    start = list(zip(_squares(vectors[entries], query), entries, strict=True))
    ahead = start.copy()
    heapq.heapify(ahead)
    best = [(-d, -node) for d, node in start if allowed is None or node in allowed]  # worst on top
    heapq.heapify(best)
    while len(best) > ef:
        heapq.heappop(best)
    while ahead:
        distance, node = heapq.heappop(ahead)
        if len(best) == ef and distance > -best[0][0]:
            break
        fresh = [other for other in links[node] if other not in seen]
        seen.update(dict.fromkeys(fresh))
        for distance, other in zip(_squares(vectors[fresh], query), fresh, strict=True):
            if len(best) < ef or distance < -best[0][0]:
                heapq.heappush(ahead, (distance, other))
                if allowed is None or other in allowed:
                    heapq.heappush(best, (-distance, -other))
                if len(best) > ef:
                    heapq.heappop(best)
    return sorted((-distance, -node) for distance, node in best), list(seen)


def in_different_directions(
    vectors: np.ndarray, candidates: list[tuple[float, int]], most: int
) -> list[int]:
    """Choose links among candidates: none that is nearer to a chosen one than to the node itself.

    Parameters
    ----------
    vectors
        Floats, shape (N, D).
    candidates
        Pairs of the squared distance to the node and a node, nearest first.
    most
        How many are chosen at most.

    Returns
    -------
    list of int

    Examples
    --------
    The node stands at 0. Of 1, 2 and -3 the second lies behind the first:

    >>> in_different_directions(np.array([[1.0], [2.0], [-3.0]]), [(1, 0), (4, 1), (9, 2)], most=2)
    [0, 2]
    """
    chosen: list[int] = []
    for distance, node in candidates:
        if len(chosen) == most:
            break
        if all(away > distance for away in _squares(vectors[chosen], vectors[node])):
            chosen.append(node)
    return chosen


class NavigableGraph:
    """A hierarchical navigable small-world graph over vectors, by squared Euclidean distance.

    Parameters
    ----------
    dim
        Length D of the vectors.
    m
        Links a node gets at most in a layer; twice as many in the lowest.
    ef_construction
        How many nodes the search for links keeps.
    layered
        Whether there are layers above the lowest.
    diverse
        Whether links are chosen in different directions; otherwise they go to the nearest.
    seed
        Of the draw of layers.

    Examples
    --------
    >>> points = np.random.default_rng(0).random((200, 2))
    >>> graph = NavigableGraph(2, m=4)
    >>> graph.add(points)
    >>> _, ids = graph.search(points[7:8], k=1, ef=8)
    >>> ids
    array([[7]])
    """

    def __init__(
        self,
        dim: int,
        m: int = 16,
        *,
        ef_construction: int = 40,
        layered: bool = True,
        diverse: bool = True,
        seed: int = 0,
    ):
        if m < 2 or dim < 1 or ef_construction < 1:
            raise ValueError(
                f"dim is {dim}, m {m} and ef_construction {ef_construction}: expected at least 1, "
                "2 and 1."
            )
        self.m, self.ef_construction = m, ef_construction
        self.layered, self.diverse = layered, diverse
        self.vectors = np.empty((0, dim))
        self.layers: list[Links] = []  # the lowest, which has all nodes, first
        self.entry = -1
        self._rng = np.random.default_rng(seed)

    @classmethod
    def from_faiss(cls, index) -> NavigableGraph:
        """Return the graph of a ``faiss.IndexHNSWFlat``, with its vectors.

        Parameters
        ----------
        index
            Built with the Euclidean metric.
        """
        import faiss

        hnsw = index.hnsw
        graph = cls(index.d, hnsw.nb_neighbors(1))
        graph.vectors = index.reconstruct_n(0, index.ntotal)
        graph.entry = hnsw.entry_point
        names = ("levels", "offsets", "neighbors", "cum_nneighbor_per_level")
        levels, offsets, neighbours, ends = (
            faiss.vector_to_array(getattr(hnsw, name)).tolist() for name in names
        )
        graph.layers = [{} for _ in range(hnsw.max_level + 1)]
        for node, height in enumerate(levels):
            for level in range(height):
                begin, end = offsets[node] + ends[level], offsets[node] + ends[level + 1]
                own = [other for other in neighbours[begin:end] if other >= 0]
                graph.layers[level][node] = own
        return graph

    def __len__(self) -> int:
        return len(self.vectors)

    def add(self, vectors: np.ndarray) -> None:
        """Add vectors (N, D), numbered as they come; one that lies on another is no problem.

        Raises
        ------
        ValueError
            If their dimension is another, or a number is not finite.
        """
        if np.ndim(vectors) != 2 or np.shape(vectors)[1] != self.vectors.shape[1]:
            raise ValueError(
                f"vectors have shape {np.shape(vectors)}: expected (N, {self.vectors.shape[1]})."
            )
        if not np.isfinite(vectors).all():
            raise ValueError("a vector is NaN or infinite: look where it was made.")
        first = len(self)
        self.vectors = np.concatenate([self.vectors, vectors])
        for node in range(first, len(self)):
            self._insert(node)

    def search(self, queries: np.ndarray, k: int, ef: int = 16) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` nearest nodes found; `ef` is raised to `k` where it is smaller.

        Returns
        -------
        tuple
            Squared distances (Q, k), nearest first, and ids, int64 (Q, k); where the walk reached
            fewer than `k`, inf and -1.
        """
        distances = np.full((len(queries), k), np.inf)
        found = np.full((len(queries), k), -1)
        for row, query in enumerate(queries):
            best, _ = self.trace(query, max(ef, k))
            for column, (distance, node) in enumerate(best[:k]):
                distances[row, column], found[row, column] = distance, node
        return distances, found

    def trace(
        self, query: np.ndarray, ef: int, allowed: Container[int] | None = None
    ) -> tuple[list[tuple[float, int]], list[list[int]]]:
        """Return the `ef` best of one query, and what each layer looked at, from the top down.

        Where nodes are `allowed`, only those are kept in the lowest layer; the others are ways.
        """
        if not len(self):
            raise ValueError("the graph is empty: add vectors first.")
        entries, looked = [self.entry], []
        for level in range(len(self.layers) - 1, -1, -1):
            keep, among = (1, None) if level else (ef, allowed)
            best, seen = walk(self.vectors, self.layers[level], query, entries, keep, among)
            looked.append(seen)
            if level:
                entries = [best[0][1]]
        return best, looked

    def _insert(self, node: int) -> None:
        """Link a node that is among the vectors already."""
        height = 1
        if self.layered:
            height += int(-math.log(1 - self._rng.random()) / math.log(self.m))
        query, entries = self.vectors[node], [self.entry]
        for level in range(len(self.layers) - 1, -1, -1):
            links = self.layers[level]
            if level >= height:
                entries = [walk(self.vectors, links, query, entries, 1)[0][0][1]]
                continue
            best, _ = walk(self.vectors, links, query, entries, self.ef_construction)
            links[node] = self._choose(best, level)
            for other in links[node]:
                links[other].append(node)
                if len(links[other]) > self._most(level):
                    away = _squares(self.vectors[links[other]], self.vectors[other])
                    links[other] = self._choose(sorted(zip(away, links[other], strict=True)), level)
            entries = [other for _, other in best]
        if height > len(self.layers):
            self.layers += [{node: []} for _ in range(height - len(self.layers))]
            self.entry = node

    def _most(self, level: int) -> int:
        """Return how many links a node may have in a layer."""
        return self.m if level else 2 * self.m

    def _choose(self, candidates: list[tuple[float, int]], level: int) -> list[int]:
        """Choose links among candidates, nearest first."""
        most = self._most(level)
        if self.diverse:
            return in_different_directions(self.vectors, candidates, most)
        return [node for _, node in candidates[:most]]


def _squares(vectors: np.ndarray, query: np.ndarray) -> list[float]:
    """Return the squared distances of vectors (N, D) to one query."""
    difference = vectors - query
    return np.einsum("nd,nd->n", difference, difference).tolist()
