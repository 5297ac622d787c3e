"""The memory of a retrieval-augmented model: items with vector, text, picture and metadata.

What a model knows by heart lies in its weights and is changed by training; what it can look up lies
here, and is changed by adding and removing items (Khandelwal et al., *Generalization through
memorization*, ICLR 2020; Lewis et al., *Retrieval-augmented generation*, NeurIPS 2020). Vectors of
two encoders cannot be compared, so a store remembers the fingerprint of the encoder that made its
vectors, and refuses to be opened for another.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ravm_course.ravlm import store_files
from ravm_course.retrieval.index import VectorIndex


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What the store holds under one id."""

    id: str
    vector: np.ndarray = field(repr=False)
    text: str | None
    image: np.ndarray | None = field(repr=False)
    metadata: Mapping


@dataclass(slots=True, eq=False)
class Hit:
    """What a search found, and how near it is (larger is nearer)."""

    id: str
    score: float
    text: str | None
    image: np.ndarray | None = field(repr=False)
    metadata: Mapping


class _Row(NamedTuple):
    """An item as it is kept: without its vector, which the index has."""

    id: str
    text: str | None
    image: np.ndarray | None
    metadata: Mapping


class Datastore:
    """Items with unique string ids, found by the nearness of their vectors.

    The search is exact. Items equally near come in the order in which they were added.

    Parameters
    ----------
    dim
        Length D of the vectors.
    encoder
        Fingerprint of the model that makes the vectors, for a module
        :func:`ravm_course.training.fingerprint`.
    metric
        ``"cosine"``, ``"dot"`` or ``"euclidean"``, as for
        :class:`~ravm_course.retrieval.VectorIndex`.

    Examples
    --------
    >>> store = Datastore(2, encoder="by hand")
    >>> store.add(["cat", "dog"], [[1.0, 0.1], [0.1, 1.0]], texts=["a cat", "a dog"])
    >>> [[hit]] = store.search([[0.9, 0.0]], k=1)
    >>> hit.id, hit.text, round(hit.score, 3)
    ('cat', 'a cat', 0.995)
    >>> store.remove(["cat"])
    >>> "cat" in store, len(store)
    (False, 1)
    """

    def __init__(self, dim: int, encoder: str, metric: str = "cosine"):
        if not isinstance(encoder, str) or not encoder:
            raise ValueError(
                f"encoder is {encoder!r}: expected a fingerprint, such as "
                "ravm_course.training.fingerprint(model)."
            )
        self.encoder = encoder
        self._index = VectorIndex(dim, metric=metric)
        self._rows: dict[int, _Row] = {}  # by the number that the index knows an item by
        self._numbers: dict[str, int] = {}  # of each id
        self._next = 0

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._index.dim

    @property
    def metric(self) -> str:
        """How nearness is measured."""
        return self._index.metric

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, id: str) -> bool:
        return id in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __repr__(self) -> str:
        return f"Datastore({self.dim}, encoder={self.encoder!r}, {self.metric}): {len(self)} items"

    def add(
        self,
        ids: Sequence[str],
        vectors: ArrayLike,
        *,
        texts: Sequence[str | None] | None = None,
        images: Sequence[np.ndarray | None] | None = None,
        metadata: Sequence[Mapping | None] | None = None,
        replace: bool = False,
    ) -> None:
        """Add items, all of them or, if anything is wrong with one, none.

        Parameters
        ----------
        ids
            N different strings.
        vectors
            Floats, shape (N, D), made by the store's encoder.
        texts, images, metadata
            For each item a string, a uint8 picture of shape (H, W, 3) or (H, W), and a mapping that
            JSON can hold; None where there is none. They are copied; what comes back is for
            reading only.
        replace
            Put the new item in the place of an old one with the same id; it then counts as added
            last.

        Raises
        ------
        ValueError
            If an id occurs twice or is in the store, lengths differ, or a vector, picture or
            mapping is none.
        TypeError
            If something is of another type.
        """
        if isinstance(ids, str):
            raise TypeError(f"ids is the string {ids!r}: expected a sequence of strings.")
        ids, columns = list(ids), {}
        self._index.check(vectors)
        given = {"vectors": vectors, "texts": texts, "images": images, "metadata": metadata}
        for name, column in given.items():
            columns[name] = [None] * len(ids) if column is None else column
            if len(columns[name]) != len(ids):
                raise ValueError(f"{len(columns[name])} {name} for {len(ids)} ids: give one each.")
        for id in ids:
            if not isinstance(id, str):
                raise TypeError(f"id {id!r} is of type {type(id).__name__}: expected a string.")
        if len(set(ids)) < len(ids):
            twice = next(id for i, id in enumerate(ids) if id in ids[:i])
            raise ValueError(f"id {twice!r} is given twice: an id stands for one item.")
        old = [id for id in ids if id in self._numbers]
        if old and not replace:
            raise ValueError(
                f"id {old[0]!r} is in the store already: remove it first, choose another, "
                "or add with replace=True."
            )
        rows = [
            _Row(id, _text(id, text), _image(id, image), _metadata(id, facts))
            for id, text, image, facts in zip(
                ids, columns["texts"], columns["images"], columns["metadata"], strict=True
            )
        ]
        # all is in order: from here on nothing can fail
        self.remove(old)
        numbers = range(self._next, self._next + len(ids))
        self._index.add(vectors, numbers)
        self._rows.update(zip(numbers, rows, strict=True))
        self._numbers.update(zip(ids, numbers, strict=True))
        self._next += len(ids)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove items, all of them or, if an id is unknown, none.

        Raises
        ------
        KeyError
            If an id is not in the store.
        """
        if isinstance(ids, str):
            raise TypeError(f"ids is the string {ids!r}: expected a sequence of strings.")
        numbers = {self._number(id): id for id in ids}
        self._index.remove(numbers)
        for number, id in numbers.items():
            del self._rows[number], self._numbers[id]

    def get(self, id: str) -> Item:
        """Return the item with this id; under cosine its vector has length 1.

        Raises
        ------
        KeyError
            If the id is not in the store.
        """
        number = self._number(id)
        row = self._rows[number]
        vector = self._index.vectors([number])[0]
        return Item(row.id, vector, row.text, row.image, row.metadata)

    def search(self, queries: ArrayLike, k: int) -> list[list[Hit]]:
        """Return the `k` nearest items of each query, nearest first.

        Parameters
        ----------
        queries
            Floats, shape (Q, D), made by the store's encoder.
        k
            From 1 to the number of items.

        Returns
        -------
        list of list of Hit
            Q lists of k hits.

        Raises
        ------
        ValueError
            If `k` is out of range (an empty store has nothing to find), or a query is one that
            could not be added.
        """
        scores, numbers = self._index.search(queries, k)
        answers = []
        for found, near in zip(numbers.tolist(), scores.tolist(), strict=True):
            hits = []
            for number, score in zip(found, near, strict=True):
                id, text, image, metadata = self._rows[number]
                hits.append(Hit(id, score, text, image, metadata))
            answers.append(hits)
        return answers

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the store into a folder, where a reader finds the old store or the new, whole.

        Parameters
        ----------
        path
            The folder; made where its parent exists. See
            :mod:`ravm_course.ravlm.store_files` for what lies in it.
        """
        rows = self._rows.values()  # in the order of the index
        store_files.write(
            path,
            facts={"encoder": self.encoder, "dim": self.dim, "metric": self.metric},
            items=[{"id": r.id, "text": r.text, "metadata": dict(r.metadata)} for r in rows],
            images=[row.image for row in rows],
            vectors=self._index.to_bytes(),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, encoder: str | None) -> Datastore:
        """Return the store that :meth:`save` wrote.

        Parameters
        ----------
        path
            The folder.
        encoder
            Fingerprint of the encoder that will make the queries. None opens the store without
            one: to look at its items, not to search.

        Raises
        ------
        FileNotFoundError
            If there is no store.
        ValueError
            If a file is damaged, or another encoder made the vectors.
        """
        facts, items, images, vectors = store_files.read(path)
        if encoder is not None and encoder != facts["encoder"]:
            raise ValueError(
                f"the store was made with encoder {facts['encoder']!r}, but yours is {encoder!r}: "
                "their vectors cannot be compared. Load the encoder that made the store, or make a "
                "new store by encoding its items with yours."
            )
        store = cls(facts["dim"], facts["encoder"], facts["metric"])
        store._index = VectorIndex.from_bytes(vectors)
        numbers = store._index.ids.tolist()
        store._next = max(numbers, default=-1) + 1
        for number, item, image in zip(numbers, items, images, strict=True):
            facts = MappingProxyType(item["metadata"])
            store._rows[number] = _Row(item["id"], item["text"], image, facts)
            store._numbers[item["id"]] = number
        return store

    def _number(self, id: str) -> int:
        """Return the number of an item, or say that there is none."""
        if id not in self._numbers:
            raise KeyError(f"id {id!r} is not in the store of {len(self)} items.")
        return self._numbers[id]


def _text(id: str, text: object) -> str | None:
    """Return a text, or refuse it."""
    if text is not None and not isinstance(text, str):
        raise TypeError(f"the text of {id!r} is of type {type(text).__name__}: expected a string.")
    return text


def _image(id: str, image: object) -> np.ndarray | None:
    """Return a copy of a picture that nobody can write to, or refuse it."""
    if image is None:
        return None
    image = np.array(image)
    if image.dtype != np.uint8 or not (image.ndim == 2 or image.shape[2:] == (3,)):
        raise ValueError(
            f"the image of {id!r} is {image.dtype} of shape {image.shape}: "
            "expected uint8 of shape (H, W, 3) or (H, W)."
        )
    image.setflags(write=False)
    return image


def _metadata(id: str, facts: object) -> Mapping:
    """Return a copy of a mapping, to be read only, or refuse what JSON cannot keep as it is."""
    facts = {} if facts is None else facts
    if not isinstance(facts, Mapping):
        raise TypeError(f"the metadata of {id!r} are a {type(facts).__name__}: expected a mapping.")
    try:
        copy = json.loads(json.dumps(dict(facts), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"the metadata of {id!r} cannot be kept as JSON: {error}.") from error
    if copy != facts:
        raise ValueError(f"the metadata of {id!r} change in JSON: use strings as keys, and lists.")
    return MappingProxyType(copy)
