"""The knowledge base must not tell a reader what it is later asked."""

import re
from collections import Counter

import pytest

from ravm_course.data import facts, wordings
from ravm_course.data.countries import load_countries


@pytest.fixture(scope="module")
def passages():
    return {
        (country, wording): facts.make_passage(country, wording, seed)
        for seed, wording in enumerate(("train", "test"))
        for country in facts.fact_countries()
    }


def test_every_relation_has_enough_wordings_and_none_is_on_both_sides():
    for table, least in (
        (wordings.FACTS, {"train": 5, "test": 3}),
        (wordings.QUESTIONS_EN, {"train": 5, "test": 3}),
        (wordings.QUESTIONS_ZH, {"train": 3, "test": 2}),
        (wordings.CONTRASTS, {"train": 2, "test": 2}),
        (wordings.DISTRACTORS, {"train": 2, "test": 2}),
    ):
        assert set(table["train"]) == set(table["test"])
        for key in table["train"]:
            for side, count in least.items():
                assert len(set(table[side][key])) >= count
            assert not set(table["train"][key]) & set(table["test"][key])
    train = {t for texts in wordings.FACTS["train"].values() for t in texts}
    train |= {t for texts in wordings.CONTRASTS["train"].values() for t in texts}
    test = {t for texts in wordings.FACTS["test"].values() for t in texts}
    test |= {t for texts in wordings.CONTRASTS["test"].values() for t in texts}
    assert not train & test


def test_the_split_is_disjoint_complete_and_always_the_same():
    split = facts.load_country_split()
    assert {name: len(part) for name, part in split.items()} == {
        "train": 155,
        "validation": 20,
        "test": 60,
    }
    assert sorted(i for part in split.values() for i in part) == list(facts.fact_countries())
    countries = load_countries()
    assert " ".join(countries[i].iso2 for i in split["validation"]) == (
        "AG AS BB BW CM EE FI GF HK LY ME MK MO MP PK SZ TC TM XK ZW"
    )


def test_every_continent_is_held_out_by_its_share():
    countries, split = load_countries(), facts.load_country_split()
    everywhere = Counter(countries[i].continent for i in facts.fact_countries())
    held_out = Counter(countries[i].continent for i in split["test"])
    for continent, count in everywhere.items():
        assert abs(held_out[continent] - 60 * count / 235) <= 1


def test_twins_stand_on_one_side():
    side = {i: name for name, part in facts.load_country_split().items() for i in part}
    assert sum(bool(facts.twins_of(i)) for i in side) == 14
    for country in side:
        for twin in facts.twins_of(country):
            assert country in facts.twins_of(twin)
            assert side[country] == side[twin]


def test_twins_are_those_whose_flags_look_the_same():
    flags_module = pytest.importorskip("ravm_course.data.flags")
    import numpy as np

    flags, countries = flags_module.load_flags(), load_countries()
    known = set(facts.fact_countries())
    styles = sorted(set(flags.style.tolist()))
    assert len(styles) == 3
    small = {}
    for style in styles:
        for index in np.flatnonzero(flags.style == style):
            tile = flags.images[index].reshape(16, 4, 16, 4, 3).astype(np.float32).mean((1, 3))
            small[style, int(flags.country[index])] = tile.ravel() / 255
    have_all = {c for c in range(len(countries)) if all((s, c) in small for s in styles)}
    assert known <= have_all
    assert {countries[c].iso2 for c in range(len(countries)) if c not in have_all} <= set(
        facts.WITHOUT_THREE_FLAGS
    )
    order = sorted(known)
    stacks = np.stack([[small[style, c] for c in order] for style in styles])
    found: dict[str, set[str]] = {}
    for i, country in enumerate(order):
        apart = np.abs(stacks - stacks[:, i : i + 1]).mean(-1)  # (3, N)
        for j in np.flatnonzero((apart.mean(0) < 0.0175) | (apart.min(0) < 1e-6)):
            if i != j:
                one, other = countries[country].iso2, countries[order[j]].iso2
                found.setdefault(one, set()).add(other)
    for one, others in found.items():
        group = next((group for group in facts.TWINS if one in group), None)
        assert group, f"{one} looks like {others} but is not listed in TWINS"
        assert others <= group


def test_spans_are_the_answers_and_begin_and_end_with_tokens(passages):
    for passage in passages.values():
        assert set(passage.answers) == set(facts.RELATIONS)
        begins = {start for _, start, _ in facts.tokens(passage.text)}
        ends = {end for _, _, end in facts.tokens(passage.text)}
        for relation, answer in passage.answers.items():
            assert answer.text == facts.answer_of(passage.country, relation)
            assert passage.text[answer.start : answer.end] == answer.text
            assert answer.start in begins
            assert answer.end in ends


def test_passages_have_about_a_hundred_words_and_no_holes(passages):
    for passage in passages.values():
        assert 80 <= len(passage.text.split()) <= 120
        assert not re.search(r"None|[{}]|  | [,.]|\(|\)", passage.text), passage.text


def test_same_seed_same_passage_other_seed_another():
    country = facts.fact_countries()[7]
    assert facts.make_passage(country, "train", 3) == facts.make_passage(country, "train", 3)
    texts = {facts.make_passage(country, "train", seed).text for seed in range(20)}
    assert len(texts) == 20


def test_every_passage_states_each_relation_of_another_country(passages):
    """A reader that ignores whom a sentence speaks of must fail."""
    countries = load_countries()
    for (country, _), passage in passages.items():
        for relation in facts.RELATIONS:
            right = facts.answer_of(country, relation)
            others = {facts.answer_of(i, relation) for i in facts.fact_countries()} - {right}
            rest = passage.text.replace(countries[country].name_en, "")
            assert any(re.search(rf"\b{re.escape(other)}\b", rest) for other in others), relation


def test_passages_for_training_name_nothing_that_is_held_out(passages):
    countries, split = load_countries(), facts.load_country_split()
    known = [countries[i] for name in ("train", "validation") for i in split[name]]
    # "South Georgia" is not Georgia: known names are taken out before looking
    known_names = sorted({c.name_en for c in known} | {c.capital for c in known}, key=len)[::-1]
    held_out = [countries[i] for i in split["test"]]
    names = {c.name_en for c in held_out} | {c.capital for c in held_out}
    names -= {c.capital for c in known}
    pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(names))) + r")\b")
    for name in ("train", "validation"):
        for country in split[name]:
            text = passages[country, "train"].text
            for known_name in known_names:
                text = text.replace(known_name, "")
            assert not pattern.search(text), (countries[country].name_en, text)


def test_questions_name_no_country_and_have_the_answer_of_the_passage(passages):
    counts = {}
    every_name = {c.name_en for c in load_countries()} | {c.name_zh for c in load_countries()}
    for split in ("train", "validation", "test"):
        questions = facts.load_questions(split)
        counts[split] = len(questions)
        for question in questions:
            assert passages[question.country, "test"].answers[question.relation].text == (
                question.answer
            )
        for text in {question.text for question in questions}:
            assert not any(name in text for name in every_name)
    assert counts == {"train": 4185, "validation": 540, "test": 900}
    languages = Counter(question.language for question in facts.load_questions("test"))
    assert languages == {"en": 540, "zh": 360}


def test_questions_for_training_and_testing_share_no_wording():
    texts = {s: {q.text for q in facts.load_questions(s)} for s in ("train", "validation", "test")}
    assert texts["train"] == texts["validation"]
    assert not texts["train"] & texts["test"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: facts.make_passage(8), "not in the knowledge base"),
        (lambda: facts.make_passage(0, "dev"), "wording is 'dev'"),
        (lambda: facts.load_questions("dev"), "split is 'dev'"),
        (lambda: facts.answer_of(0, "anthem"), "relation is 'anthem'"),
        (lambda: facts.answer_of(8, "capital"), "the capital of Antarctica is not known"),
    ],
)
def test_errors_say_what_was_given_and_what_is_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
