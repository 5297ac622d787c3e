"""Make the exercises of the passage reader out of the entries of training countries.

An exercise is an entry, taken apart and put together anew by chance: pieces are left out, and
mostly shuffled, so that nothing is learned about where in an entry an answer stands. In a share of
the exercises every piece that holds the answer is left out, and the right answer is "not here"
(Rajpurkar et al., "Know what you don't know", ACL 2018); so it is where the Factbook has none, and
for questions that no entry answers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch

from ravm_course.data import load_countries
from ravm_course.data.factbook import (
    Entry,
    answer_text,
    compose,
    is_missing,
    pieces_of,
    pieces_without,
)
from ravm_course.data.factbook_phrases import training_question
from ravm_course.data.factbook_wordings import FOREIGN, RELATIONS, wordings
from ravm_course.ravlm.passage_input import PassageBatch
from ravm_course.ravlm.passage_reader import PassageReader


class PassageBatches:
    """Draw batches of exercises for :func:`ravm_course.ravlm.reader.reader_loss`.

    Parameters
    ----------
    reader
        Encodes the texts.
    countries
        Those of the training set.
    batch
        Exercises a batch.
    absent
        Share of exercises from which the answer is cut.
    foreign
        Share of exercises with a question that no entry answers.
    made
        Share of the other questions that are put together from phrases and frames.

    Examples
    --------
    >>> from ravm_course.data.facts import load_country_split
    >>> draw = PassageBatches(PassageReader(), load_country_split()["train"][:3], batch=4)
    >>> draw(torch.Generator().manual_seed(0)).gold.shape[0]
    4
    """

    def __init__(
        self,
        reader: PassageReader,
        countries: Sequence[int],
        *,
        batch: int = 32,
        absent: float = 0.3,
        foreign: float = 0.1,
        made: float = 0.5,
    ):
        self.reader, self.batch = reader, batch
        self.absent, self.foreign, self.made = absent, foreign, made
        self.questions = {
            relation: [text for text, _ in texts] for relation, texts in wordings("train").items()
        }
        self.asked = {
            relation: [
                country
                for country in countries
                if answer_text(country, relation) is not None or is_missing(country, relation)
            ]
            for relation in RELATIONS
        }
        if not all(self.asked.values()):
            raise ValueError("of no country is every relation known: pass more countries.")

    def __call__(self, generator: torch.Generator) -> PassageBatch:
        """Return a batch of exercises."""
        rng = random.Random(int(torch.randint(2**62, (), generator=generator)))
        questions, entries, answers = [], [], []
        share = rng.uniform(0.2, 1.0)  # the same for the batch: passages of about one length
        for _ in range(self.batch):
            relation = rng.choice(RELATIONS)
            country = rng.choice(self.asked[relation])
            if rng.random() < self.foreign:
                relation, natural = "foreign", FOREIGN["train"]
            else:
                natural = self.questions[relation]
            made = rng.random() < self.made
            questions.append(training_question(relation, rng) if made else rng.choice(natural))
            cut = rng.random() < self.absent
            entry = retell(country, relation, rng, share, cut=cut)
            answers.append(entry.answers.get(relation, ()))
            entries.append(entry)
        return self.reader.encode(
            questions, [e.text for e in entries], [e.title for e in entries], answers
        )


def retell(
    country: int, relation: str, rng: random.Random, share: float, *, cut: bool = False
) -> Entry:
    """Put some pieces of an entry together, mostly in another order.

    Parameters
    ----------
    country
        Index into :func:`ravm_course.data.load_countries`.
    relation
        What will be asked for. A piece that answers it is kept, unless there is none;
        ``"foreign"`` has none in any entry.
    rng
        Source of randomness.
    share
        Of the paragraphs that are kept, about; of the history up to five sentences times this.
    cut
        Leave out every piece with the answer.

    Returns
    -------
    Entry

    Examples
    --------
    >>> nepal = next(i for i, c in enumerate(load_countries()) if c.name_en == "Nepal")
    >>> entry = retell(nepal, "religion", random.Random(0), share=0.5)
    >>> [entry.text[start:end] for start, end in entry.answers["religion"]]
    ['Hindu']
    """
    known = relation != "foreign" and answer_text(country, relation) is not None
    pieces = pieces_without(country, relation) if known and cut else pieces_of(country)
    history = [p for p in pieces if p.field == "background"]
    history = rng.sample(history, min(len(history), rng.randint(0, round(5 * share))))
    chosen = history + [p for p in pieces if p.field != "background" and rng.random() < share]
    if known and not cut and not any(relation in piece.answers for piece in chosen):
        own = [p for p in pieces if relation in p.answers]
        chosen.append(rng.choice(own))
    if not chosen:
        chosen = [rng.choice(pieces)]
    if rng.random() < 0.7:
        rng.shuffle(chosen)
    return compose(load_countries()[country].name_en, chosen)
