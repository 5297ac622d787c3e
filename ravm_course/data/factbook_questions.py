"""Questions about the entries of the World Factbook, with and without an answer.

An answer is refused or given for three reasons that must be told apart, so the questions come in
three kinds: with an answer in the entry (:func:`load_answerable`), with an answer that the entry
does not hold, because it was cut out or because the Factbook has none (:func:`load_unanswerable`),
and about something that no entry speaks of (the same, ``relation == "foreign"``).
"""

from __future__ import annotations

from dataclasses import dataclass

from ravm_course.data.factbook import (
    answer_text,
    entry_of,
    is_missing,
    without_answer,
)
from ravm_course.data.factbook_wordings import FOREIGN, RELATIONS, wordings
from ravm_course.data.facts import load_country_split


@dataclass(frozen=True)
class FactQuestion:
    """A question about the country of a flag, which it does not name.

    Attributes
    ----------
    country
        Index into :func:`ravm_course.data.load_countries`: whose flag is shown.
    relation
        What it asks for; ``"foreign"`` where no entry could tell.
    text
        The question.
    language
        ``"en"`` or ``"zh"``; the answer is English, as the entry is.
    answer
        The right answer, as it stands in the entry; empty where silence is right.
    passage
        The text that holds the answer, or does not.
    why
        ``"answered"``, or why there is no answer: ``"cut"``, ``"missing"`` or ``"foreign"``.
    """

    country: int
    relation: str
    text: str
    language: str
    answer: str
    passage: str
    why: str = "answered"


def load_answerable(split: str, *, every: bool = True, relations=RELATIONS) -> list[FactQuestion]:
    """Return the questions about the countries of a split whose answers are known.

    Parameters
    ----------
    split
        ``"train"``, ``"validation"`` or ``"test"``: countries and wordings of that split.
    every
        All wordings; otherwise one for each country and relation, in turn.
    relations
        What to ask for; by default all that training asks for.

    Returns
    -------
    list of FactQuestion
        Ordered by country, relation and wording.

    Examples
    --------
    >>> question = load_answerable("validation")[0]
    >>> question.text, question.answer
    ('Which region of the world does this country belong to?', 'Caribbean')
    """
    asked = wordings(split)
    return [
        FactQuestion(country, relation, text, language, answer, entry_of(country).text)
        for turn, country in enumerate(load_country_split()[split])
        for relation in relations
        if (answer := answer_text(country, relation)) is not None
        for text, language in _chosen(asked[relation], turn, every)
    ]


def load_unanswerable(split: str, *, every: bool = True) -> list[FactQuestion]:
    """Return questions about the countries of a split that must be refused.

    Parameters
    ----------
    split, every
        As for :func:`load_answerable`.

    Returns
    -------
    list of FactQuestion
        Of the same countries: every known answer cut out of its entry, every missing one asked for
        in the whole entry, and the foreign questions of the split.

    Examples
    --------
    >>> sorted({question.why for question in load_unanswerable("validation")})
    ['cut', 'foreign', 'missing']
    """
    asked, found = wordings(split), []
    for turn, country in enumerate(load_country_split()[split]):
        whole = entry_of(country).text
        for relation in RELATIONS:
            known = answer_text(country, relation) is not None
            if not known and not is_missing(country, relation):
                continue
            why = "cut" if known else "missing"
            passage = without_answer(country, relation).text if known else whole
            found += [
                FactQuestion(country, relation, text, language, "", passage, why)
                for text, language in _chosen(asked[relation], turn, every)
            ]
        foreign = FOREIGN[split] if every else FOREIGN[split][turn % len(FOREIGN[split]) :][:1]
        found += [
            FactQuestion(
                country, "foreign", text, "en" if text.isascii() else "zh", "", whole, "foreign"
            )
            for text in foreign
        ]
    return found


def _chosen(texts: tuple, turn: int, every: bool) -> tuple:
    """Return all wordings of a relation, or the one whose turn it is."""
    return texts if every else (texts[turn % len(texts)],)
