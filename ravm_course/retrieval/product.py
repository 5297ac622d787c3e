r"""Product quantisation: a vector as a few small numbers (Jégou, Douze & Schmid, PAMI 2011).

A codebook of :math:`2^{64}` centres would describe vectors well, and cannot be stored. So a vector
is cut into M pieces, and each piece has a codebook of its own with K centres, learned by k-means.
The code of a vector is the number of the nearest centre for each piece: with K = 256, one byte a
piece. All :math:`K^M` combinations can occur, though only K M short centres are stored: the
codebook is a product of sets.

The squared distance of a query to a coded vector is a sum over pieces, so a table of the M K
distances of the query's own pieces to all centres is made once, and then every vector costs M look-
ups and additions. The query itself is not rounded: the distance is asymmetric.
"""

from __future__ import annotations

import numpy as np

from ravm_course.retrieval.kmeans import kmeans, nearest_centre, squared_distances


class ProductQuantiser:
    """M codebooks of K centres for M pieces of D / M numbers.

    Parameters
    ----------
    codebooks
        Floats, shape (M, K, D / M), K at most 256.

    Examples
    --------
    A plane cut into two numbers, each with the centres 0 and 10:

    >>> quantiser = ProductQuantiser(np.array([[[0.0], [10.0]], [[0.0], [10.0]]]))
    >>> codes = quantiser.encode(np.array([[9.0, 1.0], [2.0, 12.0]]))
    >>> codes
    array([[1, 0],
           [0, 1]], dtype=uint8)
    >>> quantiser.decode(codes)
    array([[10.,  0.],
           [ 0., 10.]])
    """

    def __init__(self, codebooks: np.ndarray):
        self.codebooks = np.asarray(codebooks)
        if self.codebooks.ndim != 3 or not 1 <= self.codebooks.shape[1] <= 256:
            raise ValueError(
                f"codebooks have shape {self.codebooks.shape}: expected (pieces, centres, numbers "
                "a piece) with at most 256 centres, so that a byte can name one."
            )

    @classmethod
    def fit(
        cls, vectors: np.ndarray, m: int, k: int = 256, *, iterations: int = 25, seed: int = 0
    ) -> ProductQuantiser:
        """Learn the codebooks of `m` pieces with `k` centres each.

        Parameters
        ----------
        vectors
            Floats, shape (N, D).
        m
            Pieces; must divide D.
        k
            Centres a piece, at most N and 256.
        iterations, seed
            Of each :func:`~ravm_course.retrieval.kmeans.kmeans`.

        Raises
        ------
        ValueError
            If `m` does not divide D, or there are too few vectors.
        """
        pieces = _cut(vectors, m)
        return cls(
            np.stack(
                [
                    kmeans(pieces[:, i], k, iterations=iterations, seed=seed + i).centres
                    for i in range(m)
                ]
            )
        )

    @property
    def bytes_a_vector(self) -> float:
        """How many bytes a code needs if its numbers are packed."""
        m, k, _ = self.codebooks.shape
        return m * int(np.ceil(np.log2(max(k, 2)))) / 8

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return the codes of vectors (N, D), uint8 (N, M)."""
        pieces = _cut(vectors, len(self.codebooks))
        columns = [
            nearest_centre(pieces[:, i], centres) for i, centres in enumerate(self.codebooks)
        ]
        return np.stack(columns, axis=1).astype(np.uint8)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return what codes (N, M) stand for: the centres side by side, (N, D)."""
        pieces = self.codebooks[np.arange(len(self.codebooks)), codes]  # (N, M, D / M)
        return pieces.reshape(len(codes), -1)

    def tables(self, queries: np.ndarray) -> np.ndarray:
        """Return the squared distance of each piece of each query to each centre, (Q, M, K)."""
        pieces = _cut(queries, len(self.codebooks))
        found = [squared_distances(pieces[:, i], c) for i, c in enumerate(self.codebooks)]
        return np.stack(found, axis=1)

    def distances(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the squared distances of queries (Q, D) to coded vectors (N, M), (Q, N)."""
        tables = self.tables(queries)
        total = np.zeros((len(queries), len(codes)), tables.dtype)
        for i in range(codes.shape[1]):
            total += tables[:, i, codes[:, i]]
        return total

    def search(
        self, queries: np.ndarray, codes: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` coded vectors nearest to each query.

        Parameters
        ----------
        queries
            Floats, shape (Q, D).
        codes
            What :meth:`encode` returned, (N, M).
        k
            From 1 to N.

        Returns
        -------
        tuple
            Squared distances to what the codes stand for, (Q, k), nearest first; and rows of
            `codes`, int64 (Q, k), the smaller first where distances are equal.
        """
        if not 1 <= k <= len(codes):
            raise ValueError(f"k is {k} but there are {len(codes)} codes: ask for 1 to that many.")
        distances = self.distances(queries, codes)
        found = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(distances, found, axis=1), found


def _cut(vectors: np.ndarray, m: int) -> np.ndarray:
    """Return vectors (N, D) in pieces, (N, M, D / M)."""
    if np.ndim(vectors) != 2 or m < 1 or np.shape(vectors)[1] % m:
        raise ValueError(
            f"vectors of shape {np.shape(vectors)} cannot be cut into {m} equal pieces: choose a "
            "number that divides their length."
        )
    return vectors.reshape(len(vectors), m, -1)
