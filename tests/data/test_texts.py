"""The texts are whole, clean where they say so, and split so that nothing leaks."""

import itertools
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.data import files, sentences
from ravm_course.data.classics import load_classics
from ravm_course.data.countries import load_countries
from ravm_course.data.novel import load_novel
from ravm_course.data.sentences import (
    sentence_texts,
    shared_ngrams,
    speech_split,
    split_sentences,
)
from ravm_course.data.speeches import load_speeches


@pytest.fixture(scope="module")
def words_of():
    """Words, without punctuation, of each speech."""
    return {
        (speech.year, speech.president): [
            token
            for sentence in split_sentences(speech.text)
            for token in sentence
            if token[0].isalnum()
        ]
        for speech in load_speeches()
    }


# speeches


def test_all_speeches_are_there_in_order():
    speeches = load_speeches()
    assert len(speeches) == 233
    assert [s.date for s in speeches] == sorted(s.date for s in speeches)
    assert (speeches[0].year, speeches[-1].year) == (1790, 2021)
    assert all(int(s.date) == s.year for s in speeches)
    assert set(range(1790, 2022)) - {s.year for s in speeches} == {1933}
    twice = [s.president for s in speeches if s.year in (1953, 1961)]
    assert twice == [
        "Harry S Truman",
        "Dwight D Eisenhower",
        "Dwight D Eisenhower",
        "John F Kennedy",
    ]
    assert len({s.president for s in speeches}) == 43
    assert len({s.text for s in speeches}) == 233


def test_speeches_hold_no_debris():
    for speech in load_speeches():
        text = speech.text
        assert text == " ".join(text.split()), speech.date
        assert unicodedata.is_normalized("NFC", text)
        assert not any(unicodedata.category(c) in ("Cc", "Co", "Cn", "Cs") for c in set(text))
        for debris in ("&quot;", "&mdash;", "(Applause", "[Laughter", "[laughter", "\ufffd"):
            assert debris not in text, (speech.date, debris)
        assert "appears in the Congressional Record" not in text


def test_every_decade_is_in_the_test_set_and_nothing_is_in_two_sets():
    speeches = load_speeches()
    train, validation, test = speech_split(speeches)
    assert [len(train), len(validation), len(test)] == [165, 22, 46]
    assert sorted([*train, *validation, *test], key=speeches.index) == list(speeches)
    eras = Counter(sentences.era(s.year) for s in test)
    assert eras == {0: 12, 1: 12, 2: 10, 3: 12}
    assert speech_split(speeches) == speech_split(speeches, seed=0)
    assert speech_split(speeches, seed=1) != speech_split(speeches, seed=0)
    assert [s.year for s in test][:6] == [1793, 1799, 1803, 1804, 1811, 1812]


def test_quoting_years_are_those_that_share_passages(words_of):
    years = [year for year, _ in words_of]
    numbers: dict[str, int] = {}
    codes = [
        np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.uint64)
        for words in words_of.values()
    ]
    # one 64-bit number for each 13 words: equal words, equal number
    hashes, owners = [], []
    for index, code in enumerate(codes):
        windows = np.lib.stride_tricks.sliding_window_view(code, 13)
        value = np.zeros(len(windows), dtype=np.uint64)
        for column in windows.T:
            value = value * np.uint64(6364136223846793005) + column + np.uint64(1)
        hashes.append(np.unique(value))
        owners.append(np.full(len(hashes[-1]), index))
    hashes, owners = np.concatenate(hashes), np.concatenate(owners)
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    pairs: Counter[tuple[int, int]] = Counter()
    ends = np.append(starts[1:], len(owners))
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        pairs.update(itertools.combinations(owners[start:end].tolist(), 2))
    found = {years[i] for pair, count in pairs.items() if count >= 20 for i in pair}
    assert found == sentences.QUOTING_YEARS


def test_no_passage_of_a_test_speech_stands_in_training(words_of):
    train, validation, test = (
        [words_of[s.year, s.president] for s in part] for part in speech_split(load_speeches())
    )
    held_out = validation + test
    shared = shared_ngrams(held_out, train)
    assert sum(shared) / sum(len(words) - 12 for words in held_out) < 0.001
    for count, words in zip(shared, held_out, strict=True):
        assert count / (len(words) - 12) < 0.01


# sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Go. Come!", ["Go .", "Come !"]),
        ('He said "Go." Then he left.', ['He said " Go . "', "Then he left ."]),
        ("“Is it?” he said. “Yes.”", ["“ Is it ? ” he said .", "“ Yes . ”"]),
        ("Mr. F. Smith paid $1,200.50 in the U.S. Army.", None),
        ("See No. 5. It is I. We go.", ["See No. 5 .", "It is I .", "We go ."]),
        ("It rose 2.5 percent. 50 more came.", ["It rose 2.5 percent .", "50 more came ."]),
        ("one\n\ntwo", ["one", "two"]),
        ("(He left.) She stayed.", ["( He left . )", "She stayed ."]),
        ("", []),
        ("  \n\n ", []),
    ],
)
def test_sentences_end_where_they_should(text, expected):
    found = [" ".join(sentence) for sentence in split_sentences(text, lower=False)]
    if expected is None:
        expected = ["Mr. F. Smith paid $ 1,200.50 in the U.S. Army ."]
    assert found == expected


@given(st.text(alphabet=st.sampled_from("aB1 .,?!'\"()-\n$é字—"), max_size=80))
def test_no_character_but_white_space_is_lost(text):
    found = split_sentences(text, lower=False)
    assert "".join(token for sentence in found for token in sentence) == "".join(text.split())
    assert all(sentence and all(sentence) for sentence in found)
    lowered = [[token.lower() for token in sentence] for sentence in found]
    assert split_sentences(text) == lowered


@given(st.text(alphabet=st.sampled_from("aB1 .,?!'\"()-\n$é字—"), max_size=80))
def test_sentences_as_they_stand_are_cut_at_the_same_places(text):
    whole, cut = sentence_texts(text), split_sentences(text, lower=False)
    assert ["".join(w.split()) for w in whole] == ["".join(tokens) for tokens in cut]
    place = 0
    for sentence in whole:
        place = text.index(sentence, place) + len(sentence)
        assert sentence == sentence.strip()


def test_shared_ngrams_counts_places_and_refuses_nonsense():
    assert shared_ngrams([["a", "b", "a", "b"]], [["a", "b"]], n=2) == [2]
    assert shared_ngrams([["a"]], [["a", "b"]], n=2) == [0]
    with pytest.raises(ValueError, match="n is 0"):
        shared_ngrams([], [], n=0)
    with pytest.raises(ValueError, match="year is 1700"):
        sentences.era(1700)


# novel and classics


def test_the_novel_is_whole():
    novel = load_novel()
    paragraphs = novel.strip().split("\n\n")
    assert sum(paragraph.startswith("CHAPTER ") for paragraph in paragraphs) == 135
    assert "EPILOGUE." in paragraphs
    assert novel.rstrip().endswith("only found another orphan.")
    assert 200_000 < len(novel.split()) < 215_000
    assert {c for c in novel if not " " <= c <= "~"} == {"\n", "—"}


def test_the_classics_are_whole_and_chinese():
    poems = load_classics()
    assert Counter(p.collection for p in poems) == {"tang300": 318, "lunyu": 20, "shijing": 305}
    assert len({p.text for p in poems}) == len(poems)
    for poem in poems:
        assert poem.title
        assert poem.author
        for c in poem.text:
            assert "\u3400" <= c <= "\u9fff" or c in "，。？！；：、《》“”‘’\n", (poem.title, c)
    tang = "".join(p.text for p in poems if p.script == "traditional")
    songs = "".join(p.text for p in poems if p.script == "simplified")
    for simplified, traditional in (("来", "來"), ("见", "見"), ("马", "馬"), ("门", "門")):
        assert traditional in tang
        assert simplified not in tang
        assert simplified in songs
        assert traditional not in songs


# countries


def test_countries_are_sorted_and_known():
    countries = load_countries()
    assert len(countries) == 250
    assert [c.iso2 for c in countries] == sorted({c.iso2 for c in countries})
    assert len({c.name_en for c in countries}) == 250
    assert sum(c.capital is not None for c in countries) == 244
    assert sum(c.capital_zh is not None for c in countries) == 210
    assert sum(c.flag_description is not None for c in countries) == 237
    assert all(c.name_zh for c in countries)
    assert Counter(c.continent for c in countries)["Africa"] == 58
    for country in countries:
        for value in vars(country).values():
            if isinstance(value, str):
                assert value == value.strip()
                assert value
        assert (country.population is None) == (country.population_year is None)


def test_neighbours_are_mutual():
    codes = {c.iso2: c for c in load_countries()}
    one_sided = [
        (code, other)
        for code, country in codes.items()
        for other in country.neighbours
        if other not in codes or code not in codes[other].neighbours
    ]
    assert one_sided == []


# all of it


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("speeches/speeches.jsonl.xz", load_speeches),
        ("novel/moby_dick.txt.xz", load_novel),
        ("classics/classics.json.xz", load_classics),
        ("countries/countries.json", load_countries),
        ("countries/capitals_zh.json", load_countries),
    ],
)
def test_a_damaged_or_missing_file_is_named_with_the_command(name, load, tmp_path, monkeypatch):
    record = files.manifest()[name]
    for other in ("countries/countries.json", name):
        (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / other).write_bytes((files.FOLDER / other).read_bytes())
    (tmp_path / "MANIFEST.json").write_bytes((files.FOLDER / "MANIFEST.json").read_bytes())
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    files.path.cache_clear()
    try:
        damaged = (tmp_path / name).read_bytes()[:-1] + b"?"
        (tmp_path / name).write_bytes(damaged)
        command = f"tools/build_data.py {record['set']}"
        with pytest.raises(files.DataError, match=f"{name}' is damaged.*{command}"):
            load.__wrapped__()
        (tmp_path / name).unlink()
        with pytest.raises(files.DataError, match=f"{name}' is missing.*{command}"):
            load.__wrapped__()
    finally:
        files.path.cache_clear()


def test_the_licences_ship():
    for name in ("speeches", "novel", "classics", "countries", "capitals_zh"):
        text = files.path(f"licences/{name}.txt").read_text(encoding="utf-8")
        assert len(text) > 300
