"""A vector index: put vectors in under ids of your own, get the nearest ones back.

The ``"flat"`` kind compares a query with every vector and is exact; the others trade a little
recall for time or memory (see :mod:`ravm_course.retrieval.approximate`). Every score is "larger is
better", also under the Euclidean metric, where it is minus the distance.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ravm_course.data import atomic
from ravm_course.retrieval import approximate, packed
from ravm_course.retrieval.arrays import as_ids, as_vectors
from ravm_course.retrieval.exact import exact_search

METRICS = ("cosine", "dot", "euclidean")


class VectorIndex:
    """Vectors of one dimension under int64 ids, and the search for the nearest.

    Rules: ids are unique. With ``kind="flat"``, equal scores are ordered by the smaller id first.
    `k` may not exceed the number of vectors; an approximate kind that reaches fewer than `k` fills
    up with id -1 and score -inf. ``"ivf"``, ``"pq"`` and ``"ivfpq"`` learn from the vectors of
    :meth:`train`, or else from the first that are added. ``"hnsw"`` cannot remove.

    Parameters
    ----------
    dim
        Length D of the vectors.
    kind
        ``"flat"``, ``"ivf"``, ``"pq"``, ``"ivfpq"`` or ``"hnsw"``.
    metric
        ``"cosine"`` (vectors are scaled to length 1; one of length 0 is refused), ``"dot"`` or
        ``"euclidean"``.
    **options
        ``nlist=64, nprobe=8, seed=0`` for ``"ivf"``; ``m=16, nbits=8, seed=0`` for ``"pq"``; all of
        these for ``"ivfpq"``; ``m=16, ef_construction=40, ef_search=64`` for ``"hnsw"``.

    Raises
    ------
    ValueError
        If `kind`, `metric` or a number is not one of these.
    TypeError
        If an option does not belong to the kind.

    Examples
    --------
    >>> index = VectorIndex(2)
    >>> index.add([[1.0, 0.0], [0.0, 2.0]], ids=[7, 5])
    >>> scores, ids = index.search([[3.0, 3.0], [0.0, 1.0]], k=1)
    >>> ids
    array([[5],
           [5]])
    """

    def __init__(self, dim: int, kind: str = "flat", metric: str = "cosine", **options: int):
        defaults = {"flat": {}, **approximate.DEFAULTS}
        if kind not in defaults:
            raise ValueError(f"kind is {kind!r}: expected one of {', '.join(defaults)}.")
        if metric not in METRICS:
            raise ValueError(f"metric is {metric!r}: expected one of {', '.join(METRICS)}.")
        if dim < 1:
            raise ValueError(f"dim is {dim}: expected the length of the vectors, at least 1.")
        self.dim, self.kind, self.metric = int(dim), kind, metric
        self.options = dict(defaults[kind])
        self._set_options(options, allowed=tuple(self.options))
        self._known: set[int] = set()
        self._ids = np.empty(0, np.int64)
        self._rows = np.empty((0, self.dim), np.float32)  # flat: room for more than it holds
        self._squares: np.ndarray | None = None  # flat: squared lengths, once a search needs them
        self._order: np.ndarray | None = None  # that sorts the ids, once a look-up needs it
        self._faiss = None
        if kind != "flat":
            self._faiss = approximate.build(self.dim, kind, self._euclidean, self.options)

    @property
    def _euclidean(self) -> bool:
        return self.metric == "euclidean"

    @property
    def ids(self) -> np.ndarray:
        """The ids in the order in which they were added, int64 (N,)."""
        return self._ids.copy()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: int) -> bool:
        return id in self._known

    def __repr__(self) -> str:
        return f"VectorIndex({self.dim}, {self.kind!r}, {self.metric!r}): {len(self)} vectors"

    def train(self, vectors: ArrayLike) -> None:
        """Let ``"ivf"``, ``"pq"`` or ``"ivfpq"`` learn centres; the other kinds have none.

        Parameters
        ----------
        vectors
            Shape (N, D); FAISS advises at least 39 for each centre.

        Raises
        ------
        ValueError
            If there are fewer vectors than centres, or the index holds vectors already.
        """
        vectors = self.check(vectors)
        needed = approximate.needed_to_train(self.kind, self.options)
        if not needed:
            return
        if len(self):
            raise ValueError(
                f"the index holds {len(self)} vectors: train a new one, before adding."
            )
        if len(vectors) < needed:
            raise ValueError(
                f"{len(vectors)} vectors cannot train {needed} centres of kind {self.kind!r}: give "
                f"at least {needed}, better {39 * needed}; or choose a smaller "
                f"{' or '.join(approximate.LEARNED[self.kind])}, or kind 'flat'."
            )
        self._faiss.train(vectors)

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> None:
        """Add vectors, all of them or, if anything is wrong, none.

        Parameters
        ----------
        vectors
            Floats, shape (N, D).
        ids
            Integers, shape (N,), at least 0, none of them in use. None: the numbers after the
            largest in use.

        Raises
        ------
        ValueError
            If a shape is wrong, a vector is not finite, too long, or of length 0 under cosine, or
            an id is negative or used twice; or if there are too few vectors to train on.
        TypeError
            If the vectors are not floats or the ids not integers.
        """
        vectors = self.check(vectors)
        if ids is None:
            start = max(self._known, default=-1) + 1
            ids = np.arange(start, start + len(vectors))
        ids = as_ids(ids)
        if ids.shape != (len(vectors),):
            raise ValueError(
                f"ids has shape {ids.shape}: expected ({len(vectors)},), one a vector."
            )
        new = ids.tolist()
        values, counts = np.unique(ids, return_counts=True)
        twice = [*values[counts > 1].tolist(), *self._known.intersection(new)]
        if twice:
            raise ValueError(f"id {twice[0]} is used twice: remove it first, or choose another.")
        if not new:
            return
        if self._faiss is not None:
            if not self._faiss.is_trained:
                self.train(vectors)
            self._faiss.add_with_ids(vectors, ids)
        self._append(ids, vectors)

    def search(
        self, queries: ArrayLike, k: int, *, only: Iterable[int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` nearest vectors of each query, best first.

        Parameters
        ----------
        queries
            Floats, shape (Q, D).
        k
            How many, from 1 to the number of vectors, or of the ids in `only`.
        only
            Search among these ids, all of them in the index; None: among all. ``"flat"`` compares
            with nothing else and stays exact, ``"pq"`` ranks all and leaves out; the others look
            where they would have looked anyway, and may find fewer than `k`.

        Returns
        -------
        tuple
            Scores, float32 (Q, k): cosine, inner product, or minus the Euclidean distance; and
            ids, int64 (Q, k).

        Raises
        ------
        ValueError
            If `k` is out of range, or a query is one that could not be added.
        TypeError
            If the queries are not floats.
        """
        queries = self.check(queries, "query")
        places = None if only is None else np.unique(self._places(only))
        among = len(self) if places is None else len(places)
        if not 1 <= k <= among:
            where = "the index holds" if places is None else "`only` names"
            advice = f"ask for 1 to {among}" if among else "add vectors first"
            raise ValueError(f"k is {k} but {where} {among} vectors: {advice}.")
        if self._faiss is not None:
            allowed = None if places is None else self._ids[places]
            return approximate.search(
                self._faiss, queries, k, self.kind, self._euclidean, self.options, allowed
            )
        rows, ids = self._rows[: len(self)], self._ids
        if self._squares is None and self.metric != "cosine":
            self._squares = np.einsum("nd,nd->n", rows, rows)
        squares = self._squares
        if places is not None:
            rows, ids = rows[places], ids[places]
            squares = squares if squares is None else squares[places]
        return exact_search(queries, rows, ids, k, squares=squares, euclidean=self._euclidean)

    def remove(self, ids: Iterable[int]) -> None:
        """Remove vectors by id, all of them or, if one is unknown, none.

        Raises
        ------
        KeyError
            If an id is not in the index.
        ValueError
            If the kind is ``"hnsw"``.
        """
        ids = as_ids(ids)
        if self.kind == "hnsw":
            raise ValueError(
                "an 'hnsw' index cannot remove: its graph would fall apart. Make a new one from "
                "the vectors that stay, or use kind 'flat', 'ivf' or 'pq'."
            )
        keep = np.ones(len(self), bool)
        keep[self._places(ids)] = False
        if self._faiss is None:
            self._rows = self._rows[: len(self)][keep]
        else:
            self._faiss.remove_ids(np.unique(ids))
        self._set_ids(self._ids[keep])
        self._known.difference_update(ids.tolist())

    def vectors(self, ids: Iterable[int]) -> np.ndarray:
        """Return vectors of a ``"flat"`` index as they are kept (under cosine: of length 1).

        Returns
        -------
        numpy.ndarray
            float32, shape (number of ids, D).

        Raises
        ------
        KeyError
            If an id is not in the index.
        ValueError
            If the kind is another.
        """
        if self._faiss is not None:
            raise ValueError(f"kind {self.kind!r} does not give its vectors back: use 'flat'.")
        return self._rows[self._places(ids)]

    def tune(self, **options: int) -> None:
        """Change how hard a search tries: `nprobe` of ``"ivf"`` or `ef_search` of ``"hnsw"``."""
        self._set_options(options, allowed=approximate.TUNABLE.get(self.kind, ()))
        if self._faiss is not None:
            approximate.tune(self._faiss, self.kind, self.options)

    def to_bytes(self) -> bytes:
        """Return the whole index as the bytes of an ``.npz`` file without pickle."""
        settings = {
            "dim": self.dim,
            "kind": self.kind,
            "metric": self.metric,
            "options": self.options,
        }
        flat = self._faiss is None
        content = self._rows[: len(self)] if flat else approximate.to_bytes(self._faiss)
        return packed.pack(settings, self._ids, content)

    @classmethod
    def from_bytes(cls, data: bytes) -> VectorIndex:
        """Return the index that :meth:`to_bytes` wrote; of data you trust, as FAISS parses it.

        Raises
        ------
        ValueError
            If the data are damaged or something else.
        """
        try:
            settings, ids, content = packed.unpack(data)
            index = cls(
                settings["dim"], settings["kind"], settings["metric"], **settings["options"]
            )
            if index._faiss is None:
                if content.shape != (len(ids), index.dim):
                    raise ValueError("ids and vectors differ in number")
                index._rows = content
            else:
                index._faiss = approximate.from_bytes(content)
                approximate.tune(index._faiss, index.kind, index.options)
        except packed.DAMAGED as error:
            raise ValueError(f"these are not the bytes of a whole index: {error}.") from error
        index._set_ids(ids)
        index._known = set(ids.tolist())
        return index

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to one file, atomically."""
        atomic.write_bytes(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> VectorIndex:
        """Return the index that :meth:`save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is damaged or something else.
        """
        return cls.from_bytes(Path(path).read_bytes())

    def check(self, vectors: ArrayLike, what: str = "vector") -> np.ndarray:
        """Return vectors as they are kept, float32 (N, D), or refuse them as :meth:`add` does."""
        return as_vectors(vectors, self.dim, unit=self.metric == "cosine", what=what)

    def _append(self, ids: np.ndarray, rows: np.ndarray) -> None:
        """Take over ids, and, if the kind is flat, their vectors as they are."""
        held = len(self)
        if self._faiss is None:
            self._rows = _with_room(self._rows, held, len(rows))
            self._rows[held : held + len(rows)] = rows
        self._set_ids(np.concatenate([self._ids, ids]))
        self._known.update(ids.tolist())

    def _set_ids(self, ids: np.ndarray) -> None:
        """Take new ids over, and forget what was computed from the old ones."""
        self._ids, self._squares, self._order = ids, None, None

    def _places(self, ids: Iterable[int]) -> np.ndarray:
        """Return where ids stand, int64 (number of ids,), or say which one does not."""
        ids = as_ids(ids)
        if not len(ids):
            return np.empty(0, np.int64)
        if self._order is None:
            self._order = np.argsort(self._ids)
        found = np.searchsorted(self._ids, ids, sorter=self._order)
        found = self._order[np.minimum(found, len(self) - 1)] if len(self) else found
        known = self._ids[found] == ids if len(self) else np.zeros(len(ids), bool)
        if not known.all():
            raise KeyError(f"id {ids[np.argmin(known)]} is not in the index.")
        return found

    def _set_options(self, options: dict[str, int], allowed: tuple[str, ...]) -> None:
        """Take options over, or refuse them all."""
        for name, value in options.items():
            if name not in allowed:
                raise TypeError(
                    f"{name!r} cannot be set on kind {self.kind!r} here: "
                    f"possible are {', '.join(allowed) or 'none'}."
                )
            if not isinstance(value, int) or value < (0 if name == "seed" else 1):
                raise ValueError(f"{name} is {value!r}: expected a positive integer.")
        self.options |= options


def _with_room(rows: np.ndarray, held: int, more: int) -> np.ndarray:
    """Return an array with the first `held` rows and room for `more`, doubling when it grows."""
    if held + more <= len(rows):
        return rows
    larger = np.empty((max(held + more, 2 * held), rows.shape[1]), rows.dtype)
    larger[:held] = rows[:held]
    return larger
