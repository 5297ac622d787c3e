"""Inverted lists: sort the vectors into cells beforehand, and look only into the nearest cells.

Each vector stands in the list of its nearest centre, as a page number stands behind a word in the
index of a book; hence "inverted file" (for pictures: Sivic & Zisserman, "Video Google", ICCV 2003).
A query is compared with the K centres and with the vectors of the `nprobe` nearest lists. If all
lists were equally long, that would be K + nprobe N / K distances instead of N.

What is found is exact in its distances but may be incomplete: a query near the border of its cell
has neighbours on the other side. FAISS has the same as ``IndexIVFFlat``; given the same centres, it
finds the same ids.
"""

from __future__ import annotations

import numpy as np

from ravm_course.retrieval.kmeans import nearest_centre, squared_distances


class InvertedLists:
    """Vectors in lists, one list a centre, searched by squared Euclidean distance.

    Parameters
    ----------
    centres
        Floats, shape (K, D).

    Examples
    --------
    >>> lists = InvertedLists(np.array([[0.0, 0.0], [4.0, 0.0]]))
    >>> lists.add(np.array([[1.0, 0.0], [2.2, 0.0], [5.0, 0.0]]))
    >>> lists.sizes
    array([1, 2])

    The query 1.8 belongs to the first cell; its neighbour 2.2 stands in the second list:

    >>> query = np.array([[1.8, 0.0]])
    >>> lists.search(query, k=1, nprobe=1)[1], lists.search(query, k=1, nprobe=2)[1]
    (array([[0]]), array([[1]]))
    """

    def __init__(self, centres: np.ndarray):
        self.centres = np.asarray(centres)
        if self.centres.ndim != 2 or not len(self.centres):
            raise ValueError(f"centres have shape {self.centres.shape}: expected (K, D), K >= 1.")
        self.ids = [np.empty(0, np.int64) for _ in self.centres]
        self.vectors = [np.empty((0, self.centres.shape[1])) for _ in self.centres]
        self._added = 0

    @property
    def sizes(self) -> np.ndarray:
        """How many vectors each list holds, (K,)."""
        return np.array([len(some) for some in self.ids])

    def add(self, vectors: np.ndarray) -> None:
        """Put vectors (N, D) into the lists of their nearest centres, numbered as they come.

        Raises
        ------
        ValueError
            If their dimension is not that of the centres.
        """
        if np.ndim(vectors) != 2 or np.shape(vectors)[1] != self.centres.shape[1]:
            raise ValueError(
                f"vectors have shape {np.shape(vectors)}: expected (N, {self.centres.shape[1]})."
            )
        labels = nearest_centre(vectors, self.centres)
        for c in np.unique(labels):
            rows = np.flatnonzero(labels == c)
            self.ids[c] = np.concatenate([self.ids[c], self._added + rows])
            self.vectors[c] = np.concatenate([self.vectors[c], vectors[rows]])
        self._added += len(vectors)

    def probe(self, queries: np.ndarray, nprobe: int) -> np.ndarray:
        """Return the numbers of the `nprobe` lists nearest to each query, (Q, nprobe)."""
        if not 1 <= nprobe <= len(self.centres):
            raise ValueError(f"nprobe is {nprobe}: expected 1 to {len(self.centres)} lists.")
        distances = squared_distances(queries, self.centres)
        return np.argsort(distances, axis=1, kind="stable")[:, :nprobe]

    def search(self, queries: np.ndarray, k: int, nprobe: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest vectors among those of the nearest lists.

        Parameters
        ----------
        queries
            Floats, shape (Q, D).
        k
            How many.
        nprobe
            How many lists are looked into.

        Returns
        -------
        tuple
            Squared distances (Q, k), nearest first, and ids, int64 (Q, k); where the lists held
            fewer than `k`, inf and -1.
        """
        distances = np.full((len(queries), k), np.inf)
        found = np.full((len(queries), k), -1)
        for row, lists in enumerate(self.probe(queries, nprobe)):
            ids = np.concatenate([self.ids[c] for c in lists])
            near = np.concatenate([self.vectors[c] for c in lists])
            away = ((near - queries[row]) ** 2).sum(axis=1)
            best = np.lexsort((ids, away))[:k]
            distances[row, : len(best)], found[row, : len(best)] = away[best], ids[best]
        return distances, found

    def looked_at(self, queries: np.ndarray, nprobe: int) -> np.ndarray:
        """Return how many distances each query costs: to all centres and to what the lists hold."""
        return len(self.centres) + self.sizes[self.probe(queries, nprobe)].sum(axis=1)
