r"""Answer a question about a picture from the passages of a datastore, and show the source.

Four parts in a row: an *encoder* turns the picture into a vector; a *datastore* holds vectors of
known pictures, each with a passage; the *retriever* finds the k nearest; a *reader* points at the
answer in what was found. Only the datastore knows facts, so facts are added, mended and removed
there, without training (Lewis et al., "Retrieval-augmented generation for knowledge-intensive NLP
tasks", NeurIPS 2020).

With several passages the answers are weighed as there (section 2.1, RAG-Sequence), by how near the
passage z was to the picture x:

.. math:: p(a \mid x, q) = \sum_{z} p(z \mid x)\, p(a \mid z, q), \qquad
    p(z \mid x) = \frac{\exp(\mathrm{sim}(x, z) / \tau)}{\sum_{z'} \exp(\mathrm{sim}(x, z') / \tau)}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ravm_course.ravlm.datastore import Datastore, Hit
from ravm_course.ravlm.passage_reader import PassageReader
from ravm_course.ravlm.reader import Reader
from ravm_course.ravlm.spans import Span


@dataclass(frozen=True)
class Answer:
    """What the system says, and on what grounds.

    Attributes
    ----------
    text
        The answer, a piece of the source's text; empty if it is held not to be there.
    score
        Its probability given the passages that were read. It says how clearly the passages state
        it, not whether they speak of the right thing or are true.
    source
        The hit whose passage speaks loudest for this answer, always one that contains it.
    start, end
        ``source.text[start:end] == text``.
    hits
        All passages that were read, nearest first.
    """

    text: str
    score: float
    source: Hit
    start: int
    end: int
    hits: tuple[Hit, ...]


def distinct(hits: Sequence[Hit], k: int) -> list[Hit]:
    """Return the first k hits with different texts.

    Two pictures of one thing share a passage; reading it twice would teach nothing and push
    another out.

    Parameters
    ----------
    hits
        Nearest first.
    k
        How many at most.

    Returns
    -------
    list of Hit

    Examples
    --------
    >>> hits = [Hit(i, 1.0, text, None, {}) for i, text in enumerate(["a", "a", "b", "c"])]
    >>> [hit.id for hit in distinct(hits, k=2)]
    [0, 2]
    """
    first: dict[str | None, Hit] = {}
    for hit in hits:
        first.setdefault(hit.text, hit)
    return list(first.values())[:k]


class VisualQA:
    r"""Encoder, datastore and reader as one system.

    Parameters
    ----------
    encode
        ``encode(images)`` maps uint8 ``(N, H, W, 3)`` to vectors ``(N, D)``; the encoder that
        filled the store.
    store
        Items with a text; ``metadata["title"]`` may say what the text is about.
    reader
        Points at answers, in sentences from templates or in natural text.
    temperature
        :math:`\tau` above: the smaller, the more the nearest passage counts.

    Examples
    --------
    >>> store = Datastore(2, encoder="two numbers")
    >>> store.add(["dark"], [[1.0, 0.0]], texts=["It is Oslo."], metadata=[{"title": "Norway"}])
    >>> encode = lambda images: np.stack([[1 - i.mean() / 255, i.mean() / 255] for i in images])
    >>> qa = VisualQA(encode, store, Reader(("is",)).eval())
    >>> answer = qa.answer(np.zeros((8, 8, 3), np.uint8), "What is it?", may_abstain=False)
    >>> answer.source.metadata["title"], answer.text in answer.source.text
    ('Norway', True)
    """

    def __init__(
        self,
        encode: Callable[[np.ndarray], np.ndarray],
        store: Datastore,
        reader: Reader | PassageReader,
        temperature: float = 0.05,
    ):
        if temperature <= 0:
            raise ValueError(f"temperature is {temperature}: give a positive number.")
        self.encode, self.store, self.reader = encode, store, reader
        self.temperature = temperature

    def answer(
        self, image: np.ndarray, question: str, k: int = 1, *, may_abstain: bool = True
    ) -> Answer:
        """Answer a question about one picture.

        Parameters
        ----------
        image
            uint8, shape ``(H, W, 3)``.
        question
            English or Chinese.
        k
            Passages to read.
        may_abstain
            Whether the answer may be empty.

        Returns
        -------
        Answer

        Raises
        ------
        ValueError
            If the picture has another shape or type, the question is empty, the store is empty,
            holds an item without text among the nearest, or fewer than k distinct passages.
        """
        image = np.asarray(image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"the image has shape {image.shape} and type {image.dtype}, expected uint8 "
                "(H, W, 3). Several pictures? Use answer_many."
            )
        return self.answer_many(image[None], [question], k, may_abstain=may_abstain)[0]

    def retrieve(self, images: np.ndarray, k: int = 1) -> list[list[Hit]]:
        """Return the k nearest distinct passages of each picture, nearest first."""
        if len(self.store) == 0:
            raise ValueError("the store is empty: add passages before asking.")
        if k < 1:
            raise ValueError(f"k is {k}: read at least 1 passage.")
        vectors = self.encode(images)
        wanted = min(len(self.store), 4 * k)
        while True:
            found = [distinct(hits, k) for hits in self.store.search(vectors, wanted)]
            fewest = min(map(len, found))
            if fewest == k:
                break
            if wanted == len(self.store):
                raise ValueError(
                    f"k is {k} but the store holds {fewest} distinct passages: ask for at most "
                    f"{fewest}."
                )
            wanted = min(len(self.store), 2 * wanted)
        for hit in (hit for hits in found for hit in hits):
            if not hit.text:
                raise ValueError(f"item {hit.id!r} has no text to read: add it with texts=[...].")
        return found

    def answer_many(
        self,
        images: np.ndarray,
        questions: Sequence[str],
        k: int = 1,
        *,
        may_abstain: bool = True,
    ) -> list[Answer]:
        """Answer question n about picture n; see :meth:`answer`.

        Parameters
        ----------
        images
            uint8, shape ``(N, H, W, 3)``.
        questions
            N texts.
        k, may_abstain
            As for :meth:`answer`.

        Returns
        -------
        list of Answer
        """
        if len(images) != len(questions):
            raise ValueError(
                f"{len(images)} images but {len(questions)} questions: give one question for each."
            )
        return self.read(self.retrieve(images, k), questions, may_abstain=may_abstain)

    def read(
        self, hits: Sequence[Sequence[Hit]], questions: Sequence[str], *, may_abstain: bool = True
    ) -> list[Answer]:
        """Answer from given hits: what :meth:`answer_many` does after the search.

        Parameters
        ----------
        hits
            For each question the hits to read.
        questions
            As many texts.
        may_abstain
            As for :meth:`answer`.

        Returns
        -------
        list of Answer
        """
        flat = [
            (question, hit) for question, ours in zip(questions, hits, strict=True) for hit in ours
        ]
        spans: list[Span | None] = [None] * len(flat)
        by_length = sorted(range(len(flat)), key=lambda i: len(flat[i][1].text))  # little padding
        for start in range(0, len(flat), 32):
            rows = by_length[start : start + 32]
            found = self.reader.read_many(
                [flat[i][0] for i in rows],
                [flat[i][1].text for i in rows],
                [flat[i][1].metadata.get("title", "") for i in rows],
                may_abstain=may_abstain,
            )
            for i, span in zip(rows, found, strict=True):
                spans[i] = span
        answers, at = [], 0
        for ours in hits:
            answers.append(self._combine(ours, spans[at : at + len(ours)]))
            at += len(ours)
        return answers

    def _combine(self, hits: Sequence[Hit], spans: Sequence[Span]) -> Answer:
        """Weigh the answers of several passages by the nearness of their pictures."""
        nearness = np.array([hit.score for hit in hits], dtype=np.float64) / self.temperature
        weights = np.exp(nearness - nearness.max())
        shares = weights / weights.sum() * np.array([span.score for span in spans])
        total: dict[str, float] = {}
        for span, share in zip(spans, shares, strict=True):
            total[span.text.lower()] = total.get(span.text.lower(), 0.0) + float(share)
        best = max(total, key=total.__getitem__)
        loudest = max(
            (i for i, span in enumerate(spans) if span.text.lower() == best),
            key=lambda i: shares[i],
        )
        span = spans[loudest]
        return Answer(span.text, total[best], hits[loudest], span.start, span.end, tuple(hits))
