"""Entries of the World Factbook as passages to read, and where in them the answers stand.

An entry is the Factbook's own text of about 2015: a history in sentences, and short paragraphs on
land, people, state and trade, in its order. The names of the paragraphs ("Religions:") are left
out, so that a reader has to recognise what a paragraph speaks of. Nothing is written by
templates. The answer to a question is a span of the text, found by one pattern for each relation
over the paragraph that it belongs to; where the paragraph is not written as the pattern expects,
the question is not asked. Answers that the history states as well ("won independence in 1971")
count there too. The United States government placed the Factbook in the public domain.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ravm_course.data.countries import load_countries
from ravm_course.data.facts import in_text, tokens

#: the paragraphs of an entry, in order
FIELDS = (
    "background", "location", "climate", "terrain", "highest_point", "natural_resources",
    "coastline", "ethnic_groups", "languages", "religions", "national_symbol", "anthem",
    "independence", "national_holiday", "agriculture", "industries", "exports", "export_partners",
    "export_value",
)  # fmt: skip

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_SHARE = r"(?:at least |over |about |more than )?[<~]?\d[\d.]*(?:-[\d.]+)?%"

#: relation: its paragraph, and a pattern of which one group is the answer
PATTERNS: dict[str, tuple[str, str]] = {
    "region": ("location", r"^([A-Z][^,;(]+)"),
    "highest_point": (
        "highest_point",
        r"^(?!unnamed)([^\d(;,]+?)(?<! was)(?: \([^)]*\))?,? -?[\d,]+ m\b",
    ),
    "elevation": ("highest_point", r"(?<![\d,.-])(\d[\d,.]* m)\b"),
    "independence_year": ("independence", r"^(?:\d{1,2} )?(?:[A-Z][a-z]+ )?(\d{4})\b"),
    "independence_from": (
        "independence",
        r"^[^(;]*\(from (?:the )?([A-Z][^;,)\d]*?)(?<!-)(?=[;,)]| \d)",
    ),
    "holiday": ("national_holiday", rf"^[^;]*?\b(\d{{1,2}} {_MONTH})\b"),
    "anthem": ("anthem", r'^"([^"]+)"'),
    "language": (
        "languages",
        r"^([A-Z][^(,;%\d]*?) (?:[\d.]+%? )?\((?:official|national)"
        r"|(?:, |; )([A-Z][^(,;%\d]*?) (?:[\d.]+%? )?\(official",
    ),
    "religion": ("religions", rf"^([A-Z][A-Za-z /'’-]+?) (?:\([^)]*\)+ )?{_SHARE}"),
    "export": ("exports", r"^([^,;(\d]+?)(?= \d[\d.]*%| \(|[,;]|$)"),
    "export_partner": ("export_partners", r"^([^\d,(]+?) [\d.]+%"),
    "export_value": ("export_value", r"^(\$[\d.,]+ (?:million|billion|trillion))"),
    "ethnic_group": ("ethnic_groups", rf"^([A-Za-z][A-Za-z /'’-]+?) (?:\([^)]*\)+ )?{_SHARE}"),
    "coastline": ("coastline", r"^(?!0 )([\d,.]+ km)"),
}

#: the whole entry of the few territories of which the Factbook speaks under another name
NO_ENTRY = "The Factbook has no entry of this name."

#: longest answer in tokens; the few that are longer are not asked for
LONGEST = 8

_STOP = re.compile(r"(?<=[a-z\d)\"]\.)(?<!\bSt\.)(?<!\bCapt\.) (?=[A-Z])")


@dataclass(frozen=True)
class Piece:
    """A sentence of the history or another paragraph, as it stands in the Factbook.

    Attributes
    ----------
    field
        One of :data:`FIELDS`.
    text
        What it says.
    answers
        By relation, the places of the answer in `text`: first character, character after the last.
    """

    field: str
    text: str
    answers: dict[str, tuple[tuple[int, int], ...]]


@dataclass(frozen=True)
class Entry:
    """A passage about a country.

    Attributes
    ----------
    title
        The name of the country.
    text
        The pieces; a paragraph ends with a line.
    answers
        By relation, all places where the answer stands: ``text[start:end]``.
    """

    title: str
    text: str
    answers: dict[str, tuple[tuple[int, int], ...]]


@functools.cache
def answer_in_field(country: int, relation: str) -> tuple[int, int] | None:
    """Return where in its own paragraph the answer to a question stands, or None.

    Parameters
    ----------
    country
        Index into :func:`ravm_course.data.load_countries`.
    relation
        A key of :data:`PATTERNS`.

    Returns
    -------
    (int, int) or None
        First character, character after the last; None where the paragraph is missing or not
        written as expected.

    Examples
    --------
    >>> nepal = next(i for i, c in enumerate(load_countries()) if c.name_en == "Nepal")
    >>> start, end = answer_in_field(nepal, "highest_point")
    >>> load_countries()[nepal].highest_point[start:end]
    'Mount Everest'
    """
    field, pattern = PATTERNS[relation]
    text = getattr(load_countries()[country], field)
    match = re.search(pattern, text) if text else None
    if match is None:
        return None
    group = next(n for n in range(1, match.re.groups + 1) if match[n])
    if len(tokens(match[group])) > LONGEST:
        return None
    if relation in ("religion", "ethnic_group") and not _first_is_largest(text):
        return None
    return match.span(group)


def _first_is_largest(text: str) -> bool:
    """Say whether the first share of a list is its largest, what stands in brackets aside."""
    flat = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", text))
    shares = [float(share) for share in re.findall(r"([\d.]*\d)(?:-[\d.]+)?%", flat)]
    return bool(shares) and shares[0] == max(shares)


def answer_text(country: int, relation: str) -> str | None:
    """Return the answer to a question as the Factbook writes it, or None.

    Examples
    --------
    >>> nepal = next(i for i, c in enumerate(load_countries()) if c.name_en == "Nepal")
    >>> answer_text(nepal, "elevation"), answer_text(nepal, "religion")
    ('8,850 m', 'Hindu')
    """
    place = answer_in_field(country, relation)
    if place is None:
        return None
    return getattr(load_countries()[country], PATTERNS[relation][0])[place[0] : place[1]]


def is_missing(country: int, relation: str) -> bool:
    """Say whether the Factbook holds no answer: no paragraph, or a dependent territory.

    Where a paragraph is there but not written as its pattern expects, the answer is neither known
    nor missing, and nothing is asked.

    Examples
    --------
    >>> guam = next(i for i, c in enumerate(load_countries()) if c.name_en == "Guam")
    >>> is_missing(guam, "independence_year"), is_missing(guam, "anthem")
    (True, False)
    """
    text = getattr(load_countries()[country], PATTERNS[relation][0])
    return text is None or text.startswith("none")


@functools.cache
def pieces_of(country: int) -> tuple[Piece, ...]:
    """Return the pieces of a country's entry, in order.

    Where the Factbook has none, that is what the one piece says (:data:`NO_ENTRY`).

    Examples
    --------
    >>> nepal = next(i for i, c in enumerate(load_countries()) if c.name_en == "Nepal")
    >>> [piece.field for piece in pieces_of(nepal) if "religion" in piece.answers]
    ['religions']
    """
    home = load_countries()[country]
    found = []
    for field in FIELDS:
        text = getattr(home, field)
        if text is None:
            continue
        parts = _STOP.split(text) if field == "background" else [text]
        found += [Piece(field, part.strip(), _answers(country, field, part)) for part in parts]
    return tuple(found) or (Piece("background", NO_ENTRY, {}),)


def _answers(country: int, field: str, text: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """Find the answers in one piece: that of its own relations, and mentions of independence."""
    found = {}
    for relation, (own, _) in PATTERNS.items():
        place = answer_in_field(country, relation)
        if place is None:
            continue
        if field == own:
            found[relation] = (place,)
        elif relation.startswith("independence") and (
            (field == "background" and "independen" in text)
            or (field == "national_holiday" and text.startswith("Independence Day"))
        ):
            answer = re.escape(answer_text(country, relation))
            places = tuple(m.span() for m in re.finditer(rf"(?<!\w){answer}(?![\w'’-])", text))
            if places:
                found[relation] = places
    return found


def compose(title: str, pieces: Sequence[Piece]) -> Entry:
    """Put pieces together in the order given.

    Parameters
    ----------
    title
        The name of the country.
    pieces
        At least one.

    Returns
    -------
    Entry

    Examples
    --------
    >>> entry = compose("Nepal", [Piece("religions", "Hindu 81.3%", {"religion": ((0, 5),)})])
    >>> entry.text, entry.answers
    ('Hindu 81.3%', {'religion': ((0, 5),)})
    """
    if not pieces:
        raise ValueError(f"the entry of {title} has no pieces: give at least one.")
    text, answers, before = "", {}, None
    for piece in pieces:
        if text:
            text += " " if piece.field == before == "background" else "\n"
        for relation, places in piece.answers.items():
            moved = tuple((len(text) + start, len(text) + end) for start, end in places)
            answers[relation] = answers.get(relation, ()) + moved
        text += piece.text
        before = piece.field
    return Entry(title, text, answers)


def entry_of(country: int) -> Entry:
    """Return the whole entry of a country.

    Examples
    --------
    >>> nepal = next(i for i, c in enumerate(load_countries()) if c.name_en == "Nepal")
    >>> entry = entry_of(nepal)
    >>> [(start, end)] = entry.answers["highest_point"]
    >>> entry.text[start:end]
    'Mount Everest'
    """
    return compose(load_countries()[country].name_en, pieces_of(country))


def without_answer(country: int, relation: str) -> Entry:
    """Return a country's entry from which every piece that holds the answer's words was cut.

    The words are looked for everywhere, not only where they answer the question: what is left
    cannot be answered by them.

    Parameters
    ----------
    country
        Index into :func:`ravm_course.data.load_countries`.
    relation
        One whose answer is known.

    Returns
    -------
    Entry

    Examples
    --------
    >>> nepal = next(i for i, c in enumerate(load_countries()) if c.name_en == "Nepal")
    >>> "Everest" in entry_of(nepal).text, "Everest" in without_answer(nepal, "highest_point").text
    (True, False)
    """
    return compose(load_countries()[country].name_en, pieces_without(country, relation))


@functools.cache
def pieces_without(country: int, relation: str) -> tuple[Piece, ...]:
    """Return the pieces that :func:`without_answer` leaves."""
    answer = answer_text(country, relation)
    if answer is None:
        name = in_text(load_countries()[country].name_en)
        raise ValueError(f"the {relation} of {name} is not known: there is nothing to cut out.")
    words = re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)", re.IGNORECASE)
    return tuple(
        piece
        for piece in pieces_of(country)
        if not words.search(piece.text) and PATTERNS[relation][0] != piece.field
    )
