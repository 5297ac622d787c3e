"""Make the exercises on which a reader is trained: passage, question, and where the answer stands.

Passages and questions come from :mod:`ravm_course.data.facts`, in the wordings kept for training
and about the countries kept for training. In a share of the exercises the sentence with the answer
has been cut out, while the sentences about other countries stay: there the right answer is "not
here", and a reader that jumps at any capital is punished (unanswerable questions that look
answerable: Rajpurkar et al., "Know what you don't know", ACL 2018).

Six wordings of a fact are soon learned by heart, and then the seventh is not understood. So two
things are done to every exercise, both by chance. The words of some sentences are shuffled, which
leaves the reader only what does not depend on the wording: which words occur together. And
sentences of ordinary prose, the Factbook's histories of training countries, are put between the
others, so that many words are known to be no answer.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Sequence

import torch

from ravm_course.data.countries import load_countries
from ravm_course.data.facts import Passage, in_text, load_country_split, make_passage, tokens
from ravm_course.data.wordings import QUESTIONS_EN, QUESTIONS_ZH, RELATIONS
from ravm_course.ravlm.reader import Reader
from ravm_course.ravlm.reader_input import ReaderBatch, build_vocabulary

# the end of a sentence: a stop that does not follow "St", then a space
_STOP = re.compile(r"(?<!\bSt\.)(?<=\.) ")


def without_answer(passage: Passage, relation: str) -> str:
    """Return the text of a passage without the sentence that answers a question.

    Parameters
    ----------
    passage
        From :func:`ravm_course.data.facts.make_passage`.
    relation
        A key of ``passage.answers``.

    Returns
    -------
    str
        The other sentences, in order.

    Examples
    --------
    >>> from ravm_course.data.facts import Answer
    >>> text = "It is cold. The capital is Oslo. People ski."
    >>> without_answer(Passage(0, "Norway", text, {"capital": Answer("Oslo", 27, 31)}), "capital")
    'It is cold. People ski.'
    """
    place = passage.answers[relation].start
    return " ".join(text for text, start, end in _split(passage.text) if not start <= place < end)


def _split(text: str) -> list[tuple[str, int, int]]:
    """Split a text into sentences with their places."""
    stops = [match.start() for match in _STOP.finditer(text)]
    places = zip([0, *(stop + 1 for stop in stops)], [*stops, len(text)], strict=True)
    return [(text[start:end], start, end) for start, end in places]


def question_texts(wording: str = "train", languages: Sequence[str] = ("en", "zh")) -> dict:
    """Return the questions of one wording by relation, in the languages asked for.

    Examples
    --------
    >>> {relation: len(texts) for relation, texts in question_texts("test").items()}
    {'capital': 5, 'currency': 5, 'continent': 5}
    """
    texts = {"en": QUESTIONS_EN, "zh": QUESTIONS_ZH}
    return {
        relation: tuple(
            text for language in languages for text in texts[language][wording][relation]
        )
        for relation in RELATIONS
    }


def shuffle_words(sentence: str, keep: Sequence[str], rng: random.Random) -> list[str]:
    """Shuffle the words of a sentence, but not within the phrases of `keep`, nor the final stop.

    Parameters
    ----------
    sentence
        One sentence.
    keep
        Phrases that stay whole, such as the answer.
    rng
        Source of randomness.

    Returns
    -------
    list of str
        The same words and phrases in another order.

    Examples
    --------
    >>> shuffle_words("The capital of Malta is La Valletta.", ["La Valletta"], random.Random(0))
    ['is', 'of', 'capital', 'The', 'La Valletta', 'Malta', '.']
    """
    pieces, done = [], 0
    words = tokens(sentence)
    for _, start, end in words:
        if start < done:
            continue
        phrases = [p for p in keep if p and sentence[start : start + len(p)].lower() == p.lower()]
        phrases = [p for p in phrases if any(start + len(p) == e for *_, e in words)]
        done = start + max(map(len, phrases), default=end - start)
        pieces.append(sentence[start:done])
    last = [pieces.pop()] if pieces[-1:] == ["."] else []
    rng.shuffle(pieces)
    return pieces + last


@functools.cache
def prose() -> tuple[str, ...]:
    """Return sentences from the histories of training countries that name no held-out country."""
    countries, split = load_countries(), load_country_split()
    held_out = [countries[index] for index in split["test"] + split["validation"]]
    names = {in_text(c.name_en).removeprefix("the ") for c in held_out}
    names |= {country.capital for country in held_out}
    kept = []
    for index in split["train"]:
        for sentence in _STOP.split(countries[index].background or ""):
            if 6 <= len(tokens(sentence)) <= 30 and not any(name in sentence for name in names):
                kept.append(sentence)
    return tuple(kept)


def reading_vocabulary(countries: Sequence[int], variants: int = 4) -> tuple[str, ...]:
    """Return the vocabulary of the training passages, questions and prose.

    A word of a passage counts if at least one passage in fifty holds it: "capital" does, "Oslo"
    does not. So does a word of three sentences of prose, if it is in lower case and thus no name,
    and any word of a training question.

    Parameters
    ----------
    countries
        Those of the training set.
    variants
        Passages a country.

    Returns
    -------
    tuple of str
    """
    texts = [
        make_passage(country, "train", s).text for country in countries for s in range(variants)
    ]
    questions = [text for group in question_texts().values() for text in group]
    common = build_vocabulary(texts, min_texts=max(2, len(texts) // 50))
    plain = [" ".join(w for w, *_ in tokens(sentence) if w.islower()) for sentence in prose()]
    return tuple(
        sorted({*common, *build_vocabulary(questions, 1), *build_vocabulary(plain, min_texts=3)})
    )


class ReadingBatches:
    """Draw batches of exercises for :func:`ravm_course.ravlm.reader.reader_loss`.

    Parameters
    ----------
    reader
        Encodes the texts.
    countries
        Those of the training set.
    batch
        Exercises a batch.
    variants
        Passages a country, each in other sentences and another order.
    absent
        Share of exercises from which the answer has been cut out.
    shuffled
        Share of sentences whose words are shuffled.
    sentences
        Sentences of prose put into each passage, at most.

    Examples
    --------
    >>> draw = ReadingBatches(Reader(("capital",)), load_country_split()["train"][:3], batch=4)
    >>> draw(torch.Generator().manual_seed(0)).gold.shape[0]
    4
    """

    def __init__(
        self,
        reader: Reader,
        countries: Sequence[int],
        *,
        batch: int = 32,
        variants: int = 8,
        absent: float = 0.2,
        shuffled: float = 0.4,
        sentences: int = 2,
    ):
        if not len(countries):
            raise ValueError("there are no countries to ask about: pass at least one.")
        self.reader, self.batch, self.absent = reader, batch, absent
        self.shuffled, self.sentences = shuffled, sentences
        self.passages = [make_passage(c, "train", s) for c in countries for s in range(variants)]
        self.questions = question_texts("train")

    def __call__(self, generator: torch.Generator) -> ReaderBatch:
        """Return a batch of exercises."""
        rng = random.Random(int(torch.randint(2**62, (), generator=generator)))
        questions, texts, titles, answers = [], [], [], []
        for _ in range(self.batch):
            passage, relation = rng.choice(self.passages), rng.choice(RELATIONS)
            questions.append(rng.choice(self.questions[relation]))
            titles.append(passage.title)
            text, answer = self._retell(passage, relation, rng)
            texts.append(text)
            answers.append(answer)
        return self.reader.encode(questions, texts, titles, answers)

    def _retell(
        self, passage: Passage, relation: str, rng: random.Random
    ) -> tuple[str, tuple[int, int] | None]:
        """Return a passage after all changes, and where the answer stands now."""
        answer = passage.answers[relation]
        found = [(s, answer if a <= answer.start < b else None) for s, a, b in _split(passage.text)]
        if rng.random() < self.absent:
            found = [(sentence, inside) for sentence, inside in found if inside is None]
        for sentence in rng.sample(prose(), rng.randint(0, self.sentences)):
            found.insert(rng.randint(0, len(found)), (sentence, None))
        text, place = "", None
        keep = [passage.title, in_text(passage.title), *(a.text for a in passage.answers.values())]
        for sentence, inside in found:
            text += " " if text else ""
            offset = answer.start - passage.text.index(sentence) if inside else 0
            if rng.random() < self.shuffled:
                pieces = shuffle_words(sentence, keep, rng)
                if inside:
                    offset = sum(len(p) + 1 for p in pieces[: pieces.index(answer.text)])
                sentence = " ".join(pieces)
            if inside:
                place = (len(text) + offset, len(text) + offset + len(answer.text))
            text += sentence
        return text, place
