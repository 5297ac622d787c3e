"""Flags and facts as one system: build its store, load its shipped parts, climb the ladder.

The ladder is the experiment that any claim about retrieval needs. The same questions are answered
with no passage, with a random one, with one retrieved for another question, with what is really
retrieved before and after the held-out countries are added to the store, and with the right passage
given. Each step changes one thing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.data import load_countries, load_flags
from ravm_course.data.facts import (
    Question,
    answer_of,
    load_country_split,
    load_questions,
    make_passage,
)
from ravm_course.ravlm.closed_book import ClosedBook
from ravm_course.ravlm.datastore import Datastore, Hit
from ravm_course.ravlm.flag_encoder import FlagEncoder, FlagEncoderConfig
from ravm_course.ravlm.passage_reader import PassageReader
from ravm_course.ravlm.reader import Reader, ReaderConfig
from ravm_course.ravlm.reader_batches import question_texts
from ravm_course.ravlm.reader_input import build_vocabulary
from ravm_course.ravlm.visual_qa import Answer, VisualQA
from ravm_course.training import fingerprint, load_shipped, shipped_facts

#: styles of the pictures in the store; questions come with the third, "emojione"
STORE_STYLES = ("openmoji", "twemoji")


def flag_images(countries: Sequence[int], style: str) -> np.ndarray:
    """Return the flags of some countries in one style, uint8 ``(N, 64, 64, 3)``, in order.

    Examples
    --------
    >>> flag_images(load_country_split()["test"], "emojione").shape
    (60, 64, 64, 3)
    """
    flags = load_flags()
    rows = np.flatnonzero(flags.style == style)
    place = {int(flags.country[row]): row for row in rows}
    missing = [country for country in countries if country not in place]
    if missing:
        raise ValueError(f"there is no flag of country {missing[0]} in style {style!r}.")
    return flags.images[[place[country] for country in countries]]


def add_countries(
    store: Datastore,
    encode: Callable[[np.ndarray], np.ndarray],
    countries: Sequence[int],
    wording: str = "test",
    texts: Mapping[int, str] | None = None,
) -> None:
    """Add two pictures of each country's flag, both with the passage about the country.

    Parameters
    ----------
    store
        What they are added to; nothing else changes.
    encode
        Makes the vectors.
    countries
        Indices into :func:`ravm_course.data.load_countries`.
    wording
        Of the passages, which are written from templates.
    texts
        Passages to be taken in their place, by country.
    """
    if texts is None:
        texts = {country: make_passage(country, wording).text for country in countries}
    names = load_countries()
    for style in STORE_STYLES:
        images = flag_images(countries, style)
        store.add(
            [f"{names[country].iso2}/{style}" for country in countries],
            encode(images),
            texts=[texts[country] for country in countries],
            images=list(images),
            metadata=[
                {"title": names[country].name_en, "country": country, "style": style}
                for country in countries
            ],
        )


def flag_store(
    encoder: FlagEncoder,
    countries: Sequence[int],
    wording: str = "test",
    texts: Mapping[int, str] | None = None,
) -> Datastore:
    """Return a new store that holds the flags and passages of some countries.

    The arguments are those of :func:`add_countries`.

    Examples
    --------
    >>> encoder = FlagEncoder(FlagEncoderConfig(channels=8)).eval()
    >>> len(flag_store(encoder, load_country_split()["validation"]))
    40
    """
    store = Datastore(encoder.config.dim, encoder=fingerprint(encoder))
    add_countries(store, encoder.encode, countries, wording, texts)
    return store


def load_flag_encoder() -> FlagEncoder:
    """Return the flag encoder that ships with the course, made by ``tools/train_flags.py``.

    Examples
    --------
    >>> load_flag_encoder().config.dim
    64
    """
    encoder = FlagEncoder(FlagEncoderConfig(**shipped_facts("flag-encoder")["config"]))
    return load_shipped(encoder, "flag-encoder")


def load_flag_reader() -> Reader:
    """Return the reader that ships with the course, made by ``tools/train_flags.py``.

    Examples
    --------
    >>> mali = next(i for i, c in enumerate(load_countries()) if c.name_en == "Mali")
    >>> passage = make_passage(mali, "test")
    >>> load_flag_reader().read("What is the capital?", passage.text, passage.title).text
    'Bamako'
    """
    facts = shipped_facts("flag-reader")
    return load_shipped(Reader(facts["vocabulary"], ReaderConfig(**facts["config"])), "flag-reader")


def new_closed_book(dim: int) -> ClosedBook:
    """Return an untrained :class:`ClosedBook` that knows the answers about training countries."""
    train = load_country_split()["train"]
    texts = [text for group in question_texts("train").values() for text in group]
    answers = [answer_of(c, relation) for c in train for relation in question_texts("train")]
    return ClosedBook(answers, build_vocabulary(texts, min_texts=1), dim=dim)


class ClosedBookBatches:
    """Draw vectors of training flags (with a little noise), questions, and numbers of answers.

    Parameters
    ----------
    model
        Whose answers are numbered.
    encode
        Makes the vectors; it is not trained.
    batch
        Questions a batch.
    """

    def __init__(
        self, model: ClosedBook, encode: Callable[[np.ndarray], np.ndarray], batch: int = 128
    ):
        train = load_country_split()["train"]
        self.vectors = torch.from_numpy(
            np.stack([encode(flag_images(train, s)) for s in STORE_STYLES])
        )
        self.questions, number = (
            question_texts("train"),
            {a: i for i, a in enumerate(model.answers)},
        )
        self.relations = list(self.questions)
        self.numbers = [[number[answer_of(c, r)] for r in self.relations] for c in train]
        self.batch = batch

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, list[str], Tensor]:
        """Return vectors ``(B, dim)``, B questions, and the numbers of B answers."""
        rng = random.Random(int(torch.randint(2**62, (), generator=generator)))
        countries = [rng.randrange(len(self.numbers)) for _ in range(self.batch)]
        relations = [rng.randrange(len(self.relations)) for _ in range(self.batch)]
        styles = [rng.randrange(len(self.vectors)) for _ in range(self.batch)]
        vectors = self.vectors[styles, countries]
        vectors = vectors + 0.05 * torch.randn(vectors.shape, generator=generator)
        texts = [rng.choice(self.questions[self.relations[r]]) for r in relations]
        right = [self.numbers[c][r] for c, r in zip(countries, relations, strict=True)]
        return F.normalize(vectors, dim=1), texts, torch.tensor(right)


def closed_book_loss(model: ClosedBook, batch: tuple[Tensor, list[str], Tensor]) -> Tensor:
    """Return the cross-entropy of the right answers."""
    return F.cross_entropy(model(batch[0], batch[1]), batch[2])


def is_right(answers: Sequence[Answer | str], questions: Sequence[Question]) -> np.ndarray:
    """Say of each answer whether it is the right one, letter case aside; shape ``(N,)``.

    Examples
    --------
    >>> is_right(["OSLO", "Rome"], [Question(0, "capital", "?", "en", "Oslo")] * 2)
    array([ True, False])
    """
    texts = [answer if isinstance(answer, str) else answer.text for answer in answers]
    pairs = zip(texts, questions, strict=True)
    return np.array([text.lower() == question.answer.lower() for text, question in pairs])


def ladder(
    encoder: FlagEncoder,
    reader: Reader | PassageReader,
    closed_book: ClosedBook | None = None,
    questions: Sequence[Question] | None = None,
    seed: int = 0,
    *,
    texts: Mapping[int, str] | None = None,
    judge: Callable[[Sequence[Answer | str], Sequence[Question]], np.ndarray] = is_right,
) -> dict[str, np.ndarray]:
    """Answer the questions about held-out countries under six conditions.

    The reader must always point at something (no abstaining), since each of these questions has an
    answer and a refusal would only be counted as wrong.

    Parameters
    ----------
    encoder, reader
        The parts.
    closed_book
        For the condition without passages; left out if None.
    questions
        All of :func:`ravm_course.data.facts.load_questions` for ``"test"`` by default.
    seed
        Draws the random passages.
    texts
        Passages by country, for all of them; those of :func:`add_countries` by default.
    judge
        Scores the answers to the questions.

    Returns
    -------
    dict of str to numpy.ndarray
        For each condition what `judge` said: by default, one bool a question.
    """
    split = load_country_split()
    questions = list(questions or load_questions("test"))
    asked = sorted({question.country for question in questions})
    row = {country: i for i, country in enumerate(asked)}
    images = flag_images(asked, "emojione")
    known = [*split["train"], *split["validation"]]
    store = flag_store(encoder, known, texts=texts)
    qa = VisualQA(encoder.encode, store, reader)
    before = [hits[0] for hits in qa.retrieve(images)]
    add_countries(store, encoder.encode, split["test"], texts=texts)
    after = [hits[0] for hits in qa.retrieve(images)]
    rng = random.Random(seed)
    ids = list(store)

    def hit_of(id: str) -> Hit:
        item = store.get(id)
        return Hit(item.id, 0.0, item.text, item.image, item.metadata)

    # one step round a shuffled circle: every country gets the passage retrieved for another
    order = rng.sample(range(len(asked)), len(asked))
    other = dict(zip(order, order[1:] + order[:1], strict=True))
    given: dict[str, Callable[[int], Hit]] = {
        "random": lambda country: hit_of(rng.choice(ids)),
        "shuffled": lambda country: after[other[row[country]]],
        "real, not in store": lambda country: before[row[country]],
        "real, added": lambda country: after[row[country]],
        "oracle": lambda country: hit_of(f"{load_countries()[country].iso2}/{STORE_STYLES[0]}"),
    }
    asked_for = [question.text for question in questions]
    results = {}
    if closed_book is not None:
        vectors = encoder.encode(images)[[row[question.country] for question in questions]]
        results["none"] = judge(closed_book.answer(vectors, asked_for), questions)
    for name, choose in given.items():
        hits = [[choose(question.country)] for question in questions]
        results[name] = judge(qa.read(hits, asked_for, may_abstain=False), questions)
    return results
