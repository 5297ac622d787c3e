"""Passages and questions for answering questions about flags: the knowledge base of chapter 20.

Each of 235 countries has a passage of about a hundred words. Three of its sentences state the
capital, the currency and the continent; three state the same of *other* countries, so that a reader
cannot take whichever city stands beside the word "capital"; the rest speaks of other things and
names other places and other money. Answers are spans of the passage. Wordings of facts and of
questions are apart for training and testing (:mod:`ravm_course.data.wordings`), and so are the
countries: what a reader is tested on it has never been told. The idea of training a reader on
passages that hold the answer is that of SQuAD (Rajpurkar et al. 2016); held-out facts make sure
that retrieval, not memory, answers.
"""

from __future__ import annotations

import functools
import random
import re
from dataclasses import dataclass

from ravm_course.data.countries import load_countries
from ravm_course.data.wordings import (
    CONTRASTS,
    DISTRACTORS,
    FACTS,
    QUESTIONS_EN,
    QUESTIONS_ZH,
    RELATIONS,
)

#: countries that EmojiOne has no flag of, so that three styles cannot be had
WITHOUT_THREE_FLAGS = frozenset({"AX", "BL", "CC", "CI", "CW", "MM", "RE", "ST", "TR"})

#: countries whose flags are the same, or as good as the same, at 64 x 64 pixels: mean absolute
#: difference of 16 x 16 pixels, averaged over three styles, below 0.0175 of the range, or no
#: difference at all in one style (Wallis and Futuna). They stand on one side of every split.
TWINS: tuple[frozenset[str], ...] = (
    frozenset({"AU", "CK", "NZ"}),
    frozenset({"FR", "MF", "WF"}),
    frozenset({"ID", "MC"}),
    frozenset({"JO", "PS"}),
    frozenset({"NO", "SJ"}),
    frozenset({"RO", "TD"}),
)
_TEST_TWINS = (frozenset({"ID", "MC"}), frozenset({"JO", "PS"}), frozenset({"RO", "TD"}))

N_TEST, N_VALIDATION = 60, 20
MIN_WORDS, MAX_WORDS = 80, 110

_ARTICLE = re.compile(
    r"^(?!South Georgia|Heard)(?:(?:The|United|Isle|Central African|Dominican|Democratic|Republic"
    r"|U\.S\.|British|Bahamas|Comoros|Gambia|Maldives|Netherlands|Philippines|Seychelles"
    r"|Vatican$)|.*(?:Islands|Territory|Territories)$)"
)

_TOKEN = re.compile(
    r"[\u4e00-\u9fff]|\d+(?:[.,]\d+)*|[^\W\d_\u4e00-\u9fff]+(?:['’.\-][^\W\d_\u4e00-\u9fff]+)*"
    r"|[^\w\s]"
)


@dataclass(frozen=True)
class Answer:
    """The words of a passage that answer one question: ``passage.text[start:end] == text``."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Passage:
    """A passage about one country.

    Attributes
    ----------
    country
        Index into :func:`ravm_course.data.countries.load_countries`.
    title
        The name of the country.
    text
        About a hundred words of English.
    answers
        By relation, where the fact about this country is stated.
    """

    country: int
    title: str
    text: str
    answers: dict[str, Answer]


@dataclass(frozen=True)
class Question:
    """A question about the country of a flag; the country is not named.

    Attributes
    ----------
    country
        Index into :func:`ravm_course.data.countries.load_countries`: whose flag is shown.
    relation
        One of ``"capital"``, ``"currency"``, ``"continent"``.
    text
        The question.
    language
        ``"en"`` or ``"zh"``. The answer is English in both, as the passages are.
    answer
        The right answer, as it stands in the passage.
    """

    country: int
    relation: str
    text: str
    language: str
    answer: str


@functools.lru_cache(maxsize=512)
def tokens(text: str) -> tuple[tuple[str, int, int], ...]:
    """Split a passage or question into words and marks with their places.

    The characters of Chinese stand alone. Every answer of :func:`make_passage` begins and ends with
    a token. A passage that is read again and again is split once.

    Returns
    -------
    tuple of (str, int, int)
        Token, first character, character after the last.

    Examples
    --------
    >>> tokens("Pay 1,200 in Oslo.")
    (('Pay', 0, 3), ('1,200', 4, 9), ('in', 10, 12), ('Oslo', 13, 17), ('.', 17, 18))
    >>> [token for token, *_ in tokens("首都？")]
    ['首', '都', '？']
    """
    return tuple((match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text))


@functools.cache
def fact_countries() -> tuple[int, ...]:
    """Return the countries of the knowledge base: three flags, a capital and a currency.

    Returns
    -------
    tuple of int
        Indices into :func:`ravm_course.data.countries.load_countries`.

    Examples
    --------
    >>> len(fact_countries())
    235
    """
    return tuple(
        index
        for index, country in enumerate(load_countries())
        if country.capital and country.currency and country.iso2 not in WITHOUT_THREE_FLAGS
    )


@functools.cache
def load_country_split() -> dict[str, tuple[int, ...]]:
    """Return which countries are for training, for validation and for testing.

    60 countries are held out for testing and 20 for validation, each continent giving its share.
    Countries whose flags are twins stand on one side.

    Returns
    -------
    dict of str to tuple of int
        ``"train"``, ``"validation"`` and ``"test"``: sorted indices into
        :func:`ravm_course.data.countries.load_countries`.

    Examples
    --------
    >>> {name: len(part) for name, part in load_country_split().items()}
    {'train': 155, 'validation': 20, 'test': 60}
    """
    countries = load_countries()
    twins = set().union(*TWINS)
    test = {i for i in fact_countries() if any(countries[i].iso2 in t for t in _TEST_TWINS)}
    groups: dict[str, list[int]] = {}
    for index in fact_countries():
        groups.setdefault(countries[index].continent, []).append(index)
    total = len(fact_countries())
    wanted = {"test": _shares(groups, N_TEST, total), "validation": {}}
    wanted["validation"] = _shares(groups, N_VALIDATION, total)
    rng = random.Random(20)
    validation: set[int] = set()
    for continent, members in sorted(groups.items()):
        free = [index for index in members if countries[index].iso2 not in twins]
        drawn = rng.sample(free, len(free))
        missing = max(0, wanted["test"][continent] - len(test.intersection(members)))
        test.update(drawn[:missing])
        validation.update(drawn[missing : missing + wanted["validation"][continent]])
    train = set(fact_countries()) - test - validation
    return {
        "train": tuple(sorted(train)),
        "validation": tuple(sorted(validation)),
        "test": tuple(sorted(test)),
    }


def _shares(groups: dict[str, list[int]], wanted: int, total: int) -> dict[str, int]:
    """Divide `wanted` among the groups by size (largest remainders)."""
    exact = {name: wanted * len(members) / total for name, members in groups.items()}
    shares = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in by_remainder[: wanted - sum(shares.values())]:
        shares[name] += 1
    return shares


def twins_of(country: int) -> tuple[int, ...]:
    """Return the other countries whose flag looks the same as that of `country`.

    Examples
    --------
    >>> countries = load_countries()
    >>> chad = [c.iso2 for c in countries].index("TD")
    >>> [countries[i].name_en for i in twins_of(chad)]
    ['Romania']
    """
    countries = load_countries()
    iso2 = countries[country].iso2
    same = set().union(*(group for group in TWINS if iso2 in group)) - {iso2}
    return tuple(index for index, other in enumerate(countries) if other.iso2 in same)


def answer_of(country: int, relation: str) -> str:
    """Return the right answer to a question, as it is written in passages.

    Examples
    --------
    >>> norway = [c.iso2 for c in load_countries()].index("NO")
    >>> [answer_of(norway, relation) for relation in RELATIONS]
    ['Oslo', 'krone', 'Europe']
    """
    if relation not in RELATIONS:
        raise ValueError(f"relation is {relation!r}, expected one of {', '.join(RELATIONS)}.")
    value = getattr(load_countries()[country], relation)
    if value is None:
        name = load_countries()[country].name_en
        raise ValueError(f"the {relation} of {name} is not known: take one of fact_countries().")
    return value.lower() if relation == "currency" else value


def load_questions(split: str) -> tuple[Question, ...]:
    """Return all questions about the countries of one split.

    Parameters
    ----------
    split
        ``"train"`` and ``"validation"`` ask in the wordings of training (6 in English and 3 in
        Chinese for each relation), ``"test"`` in those of testing (3 and 2).

    Returns
    -------
    tuple of Question
        Ordered by country, relation, language and wording.

    Examples
    --------
    >>> [len(load_questions(split)) for split in ("train", "validation", "test")]
    [4185, 540, 900]
    >>> load_questions("test")[0].text
    'Where does the government of the country flying this flag have its capital?'
    """
    parts = load_country_split()
    if split not in parts:
        raise ValueError(f"split is {split!r}, expected one of {', '.join(parts)}.")
    wording = "test" if split == "test" else "train"
    return tuple(
        Question(country, relation, text, language, answer_of(country, relation))
        for country in parts[split]
        for relation in RELATIONS
        for language, texts in (("en", QUESTIONS_EN), ("zh", QUESTIONS_ZH))
        for text in texts[wording][relation]
    )


def make_passage(country: int, wording: str = "train", seed: int = 0) -> Passage:
    """Write a passage about one country.

    The passage of a country that is not held out names no held-out country and no held-out
    capital, so that nothing about them can be learned from it.

    Parameters
    ----------
    country
        Index into :func:`ravm_course.data.countries.load_countries`, one of
        :func:`fact_countries`.
    wording
        ``"train"`` or ``"test"``.
    seed
        Other seeds give other sentences in another order.

    Returns
    -------
    Passage
        80 to about 110 words.

    Examples
    --------
    >>> norway = [c.iso2 for c in load_countries()].index("NO")
    >>> passage = make_passage(norway)
    >>> answer = passage.answers["capital"]
    >>> passage.title, answer.text, passage.text[answer.start : answer.end]
    ('Norway', 'Oslo', 'Oslo')
    """
    if country not in fact_countries():
        raise ValueError(
            f"country {country} is not in the knowledge base: take one of fact_countries()."
        )
    if wording not in FACTS:
        raise ValueError(f"wording is {wording!r}, expected 'train' or 'test'.")
    home = load_countries()[country]
    rng = random.Random(f"{home.iso2} {wording} {seed}")
    forbidden = None if country in load_country_split()["test"] else _held_out_names()
    # each sentence with the relation it states, and the place of the answer in it
    sentences: list[tuple[str, str | None, int]] = []
    for relation in RELATIONS:
        template = rng.choice(FACTS[wording][relation])
        value = answer_of(country, relation)
        start = len(template.split("{v}")[0].format(n=in_text(home.name_en)))
        sentences.append((_write(template, home.name_en, value), relation, start))
        sentences.append((_contrast(country, relation, wording, rng), None, 0))
    length = sum(len(sentence.split()) for sentence, *_ in sentences)
    enough = rng.randint(MIN_WORDS, MAX_WORDS - 8)
    facts = _other_facts(country)
    for field in rng.sample(sorted(facts), len(facts)):
        sentence = _write(rng.choice(DISTRACTORS[wording][field]), home.name_en, facts[field])
        words = len(sentence.split())
        if length >= enough or length + words > MAX_WORDS:
            continue
        if forbidden and forbidden.search(sentence.replace(home.name_en, "")):
            continue
        sentences.append((sentence, None, 0))
        length += words
    while length < MIN_WORDS:  # little is known of some islands
        sentence = _contrast(country, rng.choice(RELATIONS), wording, rng)
        sentences.append((sentence, None, 0))
        length += len(sentence.split())
    rng.shuffle(sentences)
    answers, text = {}, ""
    for sentence, relation, start in sentences:
        text += " " if text else ""
        if relation:
            value = answer_of(country, relation)
            answers[relation] = Answer(value, len(text) + start, len(text) + start + len(value))
        text += sentence
    return Passage(country, home.name_en, text, answers)


def in_text(name: str) -> str:
    """Return the name of a country as it stands within a sentence.

    Examples
    --------
    >>> in_text("Norway"), in_text("United Kingdom"), in_text("The Netherlands")
    ('Norway', 'the United Kingdom', 'the Netherlands')
    """
    name = name.removeprefix("The ")
    return f"the {name}" if _ARTICLE.search(name) else name


def _write(template: str, name: str, value: str) -> str:
    sentence = template.format(n=in_text(name), v=value)
    # a value that begins a sentence keeps its spelling, so that the answer is found in it
    return sentence if template.startswith("{v}") else sentence[0].upper() + sentence[1:]


@functools.cache
def _contrast_countries(held_out: bool) -> tuple[int, ...]:
    """Return the countries that the passage of a country may speak of."""
    split = load_country_split()
    return fact_countries() if held_out else tuple(sorted(split["train"] + split["validation"]))


def _contrast(country: int, relation: str, wording: str, rng: random.Random) -> str:
    """State a true fact of another country, often a neighbour, with another answer."""
    countries, home = load_countries(), load_countries()[country]
    value = answer_of(country, relation)
    allowed = _contrast_countries(country in load_country_split()["test"])
    rest = [
        index
        for index in allowed
        if answer_of(index, relation) != value and home.name_en not in countries[index].name_en
    ]
    near = [index for index in rest if countries[index].iso2 in home.neighbours]
    other = rng.choice(near if near and rng.random() < 0.5 else rest)
    template = rng.choice(CONTRASTS[wording][relation])
    return _write(template, countries[other].name_en, answer_of(other, relation))


@functools.cache
def _other_facts(country: int) -> dict[str, str]:
    """Return what else is known of a country, as short phrases, by the name of the field."""
    home = load_countries()[country]
    names = {other.iso2: in_text(other.name_en) for other in load_countries()}
    values = {
        "population": _rounded(home.population),
        "climate": _clause(home.climate),
        "terrain": _clause(home.terrain),
        "exports": _items(home.exports, 3),
        "export_value": _money(home.export_value),
        "cities": _join(home.cities[:3]),
        "symbol": _clause(home.national_symbol),
        "anthem": _quoted(home.anthem),
        "languages": _items(home.languages, 1),
        "neighbours": _join([names[iso2] for iso2 in home.neighbours[:3] if iso2 in names]),
        "highest_point": _clause(home.highest_point),
        "dish": _items(home.dish, 2),
        "holiday": _clause(home.national_holiday),
        "agriculture": _items(home.agriculture, 3),
        "industries": _items(home.industries, 3),
        "resources": _items(home.natural_resources, 3),
        "coastline": None if home.coastline == "0 km" else _clause(home.coastline),
        "area": f"{home.area_km2:,.0f}" if home.area_km2 else None,
        "religions": _items(home.religions, 1),
    }
    return {field: value for field, value in values.items() if value}


@functools.cache
def _held_out_names() -> re.Pattern[str]:
    """Return a pattern that finds the names and capitals of held-out countries."""
    held_out = [load_countries()[index] for index in load_country_split()["test"]]
    names = {name for c in held_out for name in (c.name_en, c.name_en.removeprefix("The "))}
    names |= {country.capital for country in held_out}
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b")


def _clean(text: str) -> str:
    for _ in range(2):  # brackets, and those within
        text = re.sub(r"\([^()]*\)|\[[^\]]*\]", "", text)
    text = re.sub(r"\(.*|[()]", "", text)
    text = re.sub(r"\s*\b\d[\d.,]*%|[\"“”]", "", text)  # shares, quotation marks
    return re.sub(r"\s+", " ", text).replace(" ,", ",").strip(" ,.-")


def _clause(text: str | None, longest: int = 9) -> str | None:
    """Return the first clause, or None if there is none of at most `longest` words."""
    if not text:
        return None
    clause = _clean(re.split(r"[;:]| - ", text)[0])
    if len(clause.split()) > longest:
        clause = _clean(clause.split(",")[0])
    return clause if clause and len(clause.split()) <= longest else None


def _items(text: str | None, count: int) -> str | None:
    """Return the first `count` items of a list."""
    if not text:
        return None
    items = [_clean(item) for item in re.split(r"[,;]", _clean(re.split(r"\n|note", text)[0]))]
    items = [item for item in items if item and len(item.split()) <= 4 and item[0].isalpha()]
    return _join(items[:count])


def _join(items: list[str] | tuple[str, ...]) -> str | None:
    if not items:
        return None
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _quoted(text: str | None) -> str | None:
    found = re.search(r'"([^"]{3,50})"', text or "")
    return found.group(1).strip(" ,") if found else None


def _money(text: str | None) -> str | None:
    found = re.match(r"\$([\d.,]+(?: [mb]illion)?) \((\d{4})", text or "")
    return f"{found[1]} US dollars in {found[2]}" if found else None


def _rounded(number: int | None) -> str | None:
    if not number:
        return None
    return f"{number / 1e6:.1f} million" if number >= 1_000_000 else f"{number:,}"
