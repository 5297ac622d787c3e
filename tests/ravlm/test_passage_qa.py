"""The ladder of chapter 20 on other passages, rivals without training, the shipped reader."""

import numpy as np
import pytest
import torch

from ravm_course.data import load_countries
from ravm_course.data.factbook import entry_of
from ravm_course.data.factbook_questions import load_answerable, load_unanswerable
from ravm_course.data.facts import fact_countries, load_country_split
from ravm_course.ravlm.flag_encoder import FlagEncoder, FlagEncoderConfig
from ravm_course.ravlm.flag_qa import flag_store, ladder
from ravm_course.ravlm.passage_reader import load_passage_reader
from ravm_course.ravlm.spans import Span
from ravm_course.ravlm.text_rivals import by_bm25, by_table, relation_of
from ravm_course.text.answers import exact_match

TEXTS = {country: entry_of(country).text for country in fact_countries()}


def encoder():
    torch.manual_seed(0)
    return FlagEncoder(FlagEncoderConfig(channels=8)).eval()


def test_a_store_takes_other_texts_and_says_whose_they_are():
    countries = load_country_split()["test"][:3]
    store = flag_store(encoder(), countries, texts=TEXTS)
    for id in store:
        item = store.get(id)
        assert item.text == TEXTS[item.metadata["country"]]
        assert item.metadata["title"] == load_countries()[item.metadata["country"]].name_en


def test_the_ladder_gives_the_passages_it_says():
    class Echo:
        """Answer with the whole passage, so that a test sees which one was given."""

        def read_many(self, questions, passages, titles=None, *, may_abstain=True):
            return [Span(p, 1.0, 0, len(p), 0.0) for p in passages]

    questions = load_answerable("test", every=False)[:24]
    given = ladder(
        encoder(), Echo(), None, questions, texts=TEXTS,
        judge=lambda answers, asked: np.array([a.text for a in answers]),
    )  # fmt: skip
    own = np.array([TEXTS[q.country] for q in questions])
    assert set(given) == {"random", "shuffled", "real, not in store", "real, added", "oracle"}
    assert (given["oracle"] == own).all()
    assert not (given["real, not in store"] == own).any()
    groups = np.array([q.country for q in questions])
    for name in ("shuffled", "real, not in store", "real, added"):  # one passage a picture
        assert all(len(set(given[name][groups == c])) == 1 for c in set(groups))


@pytest.mark.parametrize(
    ("question", "passage", "answer"),
    [
        ("Which is the highest peak?", "history\nMount Hillaby 336 m\nfish", "Mount Hillaby"),
        ("How high is it?", "history\nMount Hillaby 336 m\nfish", "336 m"),
        ("国歌叫什么？", 'history\n"Hail" (Song)', "Hail"),
        ("What is exported?", "h\nbanking\nfish, oil\nUS 20%, UK 3% (2014)\n$2 million", "fish"),
        ("Who buys its exports?", "h\nfish\nUS 20%, UK 3% (2014)\n$2 million (2014)", "US"),
        ("Who is the president?", "history\nUS 20% (2014)", ""),
    ],
)
def test_the_table_by_hand(question, passage, answer):
    assert by_table(question, passage) == answer


def test_the_table_is_a_rival_and_not_a_straw_man():
    asked = load_answerable("validation")
    assert np.mean([relation_of(q.text) == q.relation for q in asked]) > 0.85
    assert np.mean([exact_match(by_table(q.text, q.passage), q.answer) for q in asked]) > 0.85


@pytest.mark.parametrize(
    ("question", "relation"),
    [
        ("Which summit is above all others?", "highest_point"),  # holds "sum"
        ("The highest summit here: how many metres is it?", "elevation"),
        ("What language should I learn?", "language"),  # "earn"
        ("Which language do people speak?", "language"),  # "peak"
        ("How many kilometres of shore does it have?", None),  # "metres"
        ("Is it warm anywhere?", None),  # "where"
        ("Did many soldiers fall?", None),  # "sold"
        ("What sum do its sales make?", "export_value"),
        ("What are its earnings?", "export_value"),
        ("Which peaks are there?", "highest_point"),
        ("它的出口额是多少？", "export_value"),  # Chinese has no spaces
    ],
)
def test_a_key_that_stands_inside_another_word_is_no_key(question, relation):
    assert relation_of(question) == relation


def test_bm25_prefers_rare_words_and_short_paragraphs():
    assert by_bm25("which peak", "dry desert\npeak Hillaby, 3") == "peak Hillaby"
    assert by_bm25("the peak", "the sea the land\nthe peak, 3\nthe wood") == "the peak"
    assert by_bm25("peak", "A peak of rock and snow and ice\nB peak") == "B peak"
    assert by_bm25("什么", "dry desert\npeak Hillaby") == ""


def test_bm25_shares_words_and_no_marks():
    assert by_bm25("What, pray, is it?", "dry, desert\npeak Hillaby, 3. Why?") == ""
    assert by_bm25("peak, then?", "dry, wide, flat\npeak Hillaby") == "peak Hillaby"


def test_the_shipped_reader_reads_answers_and_refuses_on_validation():
    reader = load_passage_reader()
    assert not any(p.requires_grad for p in reader.parameters())
    known = load_answerable("validation", every=False)
    spans = []
    for start in range(0, len(known), 32):
        part = known[start : start + 32]
        spans += reader.read_many([q.text for q in part], [q.passage for q in part])
    right = [exact_match(s.text, q.answer) for s, q in zip(spans, known, strict=True)]
    assert np.mean(right) > 0.8
    cut = [q for q in load_unanswerable("validation", every=False) if q.why == "cut"][:64]
    silent = reader.read_many([q.text for q in cut], [q.passage for q in cut])
    assert np.mean([span.text == "" for span in silent]) > 0.6
