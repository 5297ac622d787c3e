"""Entries, answers and questions: where the answers stand, and what is kept apart."""

import random
import re

import pytest

from ravm_course.data import load_countries
from ravm_course.data.factbook import (
    FIELDS,
    LONGEST,
    NO_ENTRY,
    PATTERNS,
    Piece,
    answer_in_field,
    answer_text,
    compose,
    entry_of,
    is_missing,
    pieces_of,
    without_answer,
)
from ravm_course.data.factbook_phrases import FRAMES_EN, FRAMES_ZH, PHRASES, training_question
from ravm_course.data.factbook_questions import load_answerable, load_unanswerable
from ravm_course.data.factbook_wordings import (
    CHINESE,
    ENGLISH,
    FOREIGN,
    HELD_OUT,
    RELATIONS,
    SHARES,
    wordings,
)
from ravm_course.data.facts import load_country_split, tokens

EVERYONE = [country for part in load_country_split().values() for country in part]


def number(name):
    return next(i for i, c in enumerate(load_countries()) if c.name_en == name)


@pytest.mark.parametrize(
    ("name", "relation", "answer"),
    [
        ("Nepal", "highest_point", "Mount Everest"),
        ("Nepal", "elevation", "8,850 m"),
        ("Burkina Faso", "independence_year", "1960"),
        ("Burkina Faso", "independence_from", "France"),
        ("Finland", "anthem", "Maamme"),
        ("Libya", "holiday", "23 October"),
        ("Central African Republic", "language", "French"),
        ("Wallis and Futuna", "language", "French"),  # official, but not named first
        ("Papua New Guinea", "religion", None),  # the first religion named is not the largest
        ("Hungary", "ethnic_group", "Hungarian"),
        ("Jordan", "export_partner", "US"),
        ("Guam", "independence_year", None),
        ("Latvia", "independence_from", None),  # it says from whom in other words
        ("Maldives", "elevation", "2.4 m"),
        ("Cuba", "independence_from", "Spain"),  # a date follows without a comma
        ("Montserrat", "highest_point", None),  # told in a sentence
        ("Afghanistan", "coastline", None),
    ],
)
def test_answers_known_by_eye(name, relation, answer):
    assert answer_text(number(name), relation) == answer


@pytest.mark.parametrize("country", EVERYONE)
def test_answers_are_whole_words_of_the_factbook(country):
    entry = entry_of(country)
    words = tokens(entry.text)
    starts, ends = {start for _, start, _ in words}, {end for *_, end in words}
    for relation, places in entry.answers.items():
        right = answer_text(country, relation)
        for start, end in places:
            assert entry.text[start:end] == right
            assert start in starts
            assert end in ends
            assert len(tokens(right)) <= LONGEST
    for field in FIELDS[1:]:
        text = getattr(load_countries()[country], field)
        assert text is None or text in entry.text


@pytest.mark.parametrize("country", EVERYONE[::6])
def test_an_answer_that_was_cut_is_gone_and_the_rest_stays(country):
    for relation in PATTERNS:
        right = answer_text(country, relation)
        if right is None:
            with pytest.raises(ValueError, match="nothing to cut"):
                without_answer(country, relation)
            continue
        cut = without_answer(country, relation)
        assert not re.search(rf"(?<!\w){re.escape(right)}(?!\w)", cut.text, re.IGNORECASE)
        assert relation not in cut.answers
        kept = [
            piece.text for piece in pieces_of(country) if right.lower() not in piece.text.lower()
        ]
        own = getattr(load_countries()[country], PATTERNS[relation][0])
        assert all(text in cut.text for text in kept if text != own)


def test_independence_is_found_in_the_history_too():
    entry = entry_of(number("Bahrain"))
    assert len(entry.answers["independence_year"]) == 2
    start, _ = entry.answers["independence_year"][0]
    assert entry.text[:start].endswith("attained its independence in ")


def test_missing_is_not_unknown():
    assert is_missing(number("Guam"), "independence_from")
    assert not is_missing(number("Latvia"), "independence_from")  # written otherwise
    assert entry_of(number("Mayotte")).text == NO_ENTRY
    assert all(is_missing(number("Mayotte"), relation) for relation in PATTERNS)
    assert answer_in_field(number("Mayotte"), "region") is None


def test_compose_moves_answers_with_their_pieces():
    first = Piece("background", "It won freedom.", {})
    second = Piece("background", "That was in 1960.", {"independence_year": ((12, 16),)})
    third = Piece("anthem", '"Hail"', {"anthem": ((1, 5),)})
    entry = compose("X", [third, first, second])
    assert entry.text == '"Hail"\nIt won freedom. That was in 1960.'
    [(start, end)] = entry.answers["independence_year"]
    assert entry.text[start:end] == "1960"
    with pytest.raises(ValueError, match="no pieces"):
        compose("X", [])


def test_wordings_of_the_splits_are_apart_and_complete():
    for relation in RELATIONS:
        parts = {split: {text for text, _ in wordings(split)[relation]} for split in SHARES}
        assert sum(map(len, parts.values())) == 24
        assert set().union(*parts.values()) == {*ENGLISH[relation], *CHINESE[relation]}
    for relation in HELD_OUT:
        assert relation not in wordings("train")
        assert len(wordings("test")[relation]) == 5
    everything = [t for texts in (ENGLISH, CHINESE) for group in texts.values() for t in group]
    assert len(everything) == len(set(everything))
    foreign = [text for texts in FOREIGN.values() for text in texts]
    assert len(foreign) == len(set(foreign))
    with pytest.raises(ValueError, match="split is 'tests'"):
        wordings("tests")


def test_every_relation_has_phrases_and_no_phrase_names_a_held_out_one():
    assert set(PHRASES) == {*RELATIONS, "foreign"}
    assert all("{p}" in frame for frame in FRAMES_EN + FRAMES_ZH)
    texts = " ".join(phrase for group in PHRASES.values() for phrase in group[0] + group[1])
    assert "coast" not in texts
    assert "ethnic" not in texts
    assert "海岸" not in texts
    assert "民族" not in texts


def test_no_made_question_is_a_held_out_wording():
    held_out = {
        text.lower()
        for split in ("validation", "test")
        for texts in wordings(split).values()
        for text, _ in texts
    }
    made = {
        frame.format(p=phrase)
        for group in PHRASES.values()
        for frames, phrases in zip((FRAMES_EN, FRAMES_ZH), group, strict=True)
        for frame in frames
        for phrase in phrases
    }
    made = {text[0].upper() + text[1:] for text in made}
    collisions = {text for text in made if text.lower() in held_out}
    assert collisions  # there are some, so drawing again is no idle precaution

    rng = random.Random(0)
    drawn = {training_question(r, rng) for r in PHRASES for _ in range(400)}
    assert not {text.lower() for text in drawn} & held_out


@pytest.mark.parametrize("split", ["validation", "test"])
def test_questions_say_what_is_right(split):
    countries = set(load_country_split()[split])
    for question in load_answerable(split, every=False):
        assert question.country in countries
        assert question.answer in question.passage
    reasons = set()
    for question in load_unanswerable(split, every=False):
        assert question.country in countries
        assert question.answer == ""
        reasons.add(question.why)
    assert reasons == {"cut", "missing", "foreign"}
