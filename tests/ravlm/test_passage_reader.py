"""The passage reader: its input, its shapes, what training sees, and the weights that ship."""

import random

import numpy as np
import pytest
import torch

from ravm_course.data import load_countries
from ravm_course.data.factbook import answer_text, entry_of
from ravm_course.data.factbook_wordings import RELATIONS, wordings
from ravm_course.data.facts import load_country_split
from ravm_course.ravlm.passage_batches import PassageBatches, retell
from ravm_course.ravlm.passage_input import word_features
from ravm_course.ravlm.passage_reader import PassageReader, PassageReaderConfig
from ravm_course.ravlm.reader import reader_loss

SMALL = PassageReaderConfig(buckets=256, width=16, heads=2, layers=2)
TEXT = 'dry desert\nMount Hillaby 336 m\n"In Plenty" (Song)'


def small(seed=0):
    torch.manual_seed(seed)
    return PassageReader(SMALL).eval()


def test_input_describes_words_by_spelling_shape_and_place():
    batch = small().encode(["Which Mount?"], [TEXT], ["Hillaby"], [[(11, 24)]])
    words = [
        w.lower() for w in TEXT.replace('"', ' " ').replace("(", "( ").replace(")", " )").split()
    ]
    assert batch.passage.shape == (1, len(words))
    assert batch.marks[0, :, 0].nonzero().flatten().tolist() == [2]  # "Mount" is in the question
    assert batch.marks[0, :, 1].nonzero().flatten().tolist() == [0, 2, 6]  # paragraphs begin
    assert batch.marks[0, :, 2].nonzero().flatten().tolist() == [3]  # the title
    assert batch.gold[0].nonzero().tolist() == [[2, 1]]
    # equal words are one word, whatever their case; the padding is none
    assert batch.passage[0, 2] == batch.question[0, 1]
    assert len(set(batch.passage[0].tolist())) == len(set(words))
    assert batch.passage.min() > 0


def test_similar_spellings_share_features_and_marks_have_their_own():
    hindu, hinduism = set(word_features("hindu", 8192)), set(word_features("hinduism", 8192))
    assert len(hindu & hinduism) >= 4
    assert not hindu & set(word_features("muslim", 8192))
    assert len({word_features(mark, 8192) for mark in '$%",(;'}) == 6


def test_padding_changes_nothing():
    reader = small()
    long = entry_of(load_country_split()["train"][0]).text[:600]
    alone = reader(reader.encode(["Which anthem?"], [TEXT]))
    batched = reader(
        reader.encode(["Which anthem?", "Which of all the anthems is it?"], [TEXT, long])
    )
    length = alone[0].shape[1]
    torch.testing.assert_close(batched[0][0, :length], alone[0][0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(batched[1][0], alone[1][0], atol=1e-5, rtol=1e-4)
    assert torch.isinf(batched[0][0, length:]).all()


def test_probabilities_sum_to_one_and_spans_are_text():
    reader = small()
    spans, absent = reader(reader.encode(["Which?"] * 2, [TEXT, "Oslo"]))
    torch.testing.assert_close(spans.exp().sum((1, 2)) + absent.exp(), torch.ones(2))
    for span in reader.read_many(["Which?"] * 2, [TEXT, "Oslo"], may_abstain=False):
        assert span.text
        assert span.text in (TEXT[span.start : span.end], "Oslo")


def test_question_matters_and_order_of_its_words_too():
    reader = small()
    one = reader(reader.encode(["who rules"], [TEXT]))[0]
    other = reader(reader.encode(["rules who"], [TEXT]))[0]
    third = reader(reader.encode(["which song"], [TEXT]))[0]
    finite = torch.isfinite(one)
    assert not torch.allclose(one[finite], third[finite])
    assert not torch.allclose(one[finite], other[finite])


def test_loss_adds_up_the_places_of_an_answer():
    reader = small()
    both = reader.encode(["When?"], ["1960 or in 1960"], None, [[(0, 4), (11, 15)]])
    spans, _ = reader(both)
    expected = -torch.log(spans[0, 0, 0].exp() + spans[0, 3, 0].exp())
    torch.testing.assert_close(reader_loss(reader, both), expected)
    none = reader.encode(["When?"], ["1960 or in 1960"], None, [[]])
    torch.testing.assert_close(reader_loss(reader, none), -reader(none)[1][0])


def test_dropout_drops_channels_of_whole_texts_in_training_only():
    reader = PassageReader(PassageReaderConfig(buckets=64, width=16, heads=2, dropout=0.5))
    x = torch.ones(3, 5, 16)
    dropped = reader._drop(x)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert (dropped == dropped[:, :1]).all()
    assert not (dropped[0] == dropped[1]).all()
    assert reader.eval()._drop(x) is x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r: r.read_many("Which?", [TEXT]), TypeError, "one string"),
        (lambda r: r.read_many(["Which?"], [TEXT, TEXT]), ValueError, "one for each"),
        (lambda r: r.read_many([], []), ValueError, "no questions"),
        (lambda r: r.read("", TEXT), ValueError, "no words"),
        (lambda r: r.read("Which?", "word " * 5000), ValueError, "cut it into pieces"),
        (lambda r: r.encode(["?"], [TEXT], None, [[(1, 3)]]), ValueError, "begin and end"),
        (lambda r: r.encode(["?"], [TEXT], None, [[(0, len(TEXT))]]), ValueError, "max_answer"),
        (lambda r: PassageReader(PassageReaderConfig(kernel=4)), ValueError, "odd"),
    ],
)
def test_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call(small())


def test_exercises_keep_or_cut_the_answer():
    country = load_country_split()["train"][0]
    rng = random.Random(0)
    for relation in RELATIONS:
        right = answer_text(country, relation)
        for _ in range(5):
            if right is None:
                continue
            kept = retell(country, relation, rng, share=0.2)
            assert {kept.text[a:b] for a, b in kept.answers[relation]} == {right}
            assert relation not in retell(country, relation, rng, share=0.9, cut=True).answers
    assert retell(country, "foreign", rng, share=0.5).text


def test_training_sees_no_held_out_question_and_no_test_country():
    asked, titles = set(), set()

    class Spy(PassageReader):
        def encode(self, questions, passages, titles_=None, answers=None):
            asked.update(questions)
            titles.update(titles_)
            return super().encode(questions, passages, titles_, answers)

    split = load_country_split()
    draw = PassageBatches(Spy(SMALL), split["train"], batch=64)
    generator = torch.Generator().manual_seed(0)
    absent = [not draw(generator).gold[i].any() for _ in range(6) for i in range(3)]
    held_out = {
        text
        for part in ("validation", "test")
        for texts in wordings(part).values()
        for text, _ in texts
    }
    assert not asked & held_out
    names = {load_countries()[c].name_en for c in split["test"] + split["validation"]}
    assert not titles & names
    assert 0 < np.mean(absent) < 1
    with pytest.raises(ValueError, match="pass more countries"):
        PassageBatches(small(), [])


def test_a_reader_can_learn_one_exercise():
    torch.manual_seed(0)
    reader = PassageReader(SMALL)
    batch = reader.encode(
        ["Which peak?", "Which song?"], [TEXT, TEXT], None, [[(11, 24)], [(32, 41)]]
    )
    optimizer = torch.optim.Adam(reader.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        reader_loss(reader, batch).backward()
        optimizer.step()
    reader.eval()
    assert reader.read("Which peak?", TEXT).text == "Mount Hillaby"
    assert reader.read("Which song?", TEXT).text == "In Plenty"
