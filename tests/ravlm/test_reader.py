"""The reader: spans by definition, padding without effect, copying, errors, a tiny training."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.data.facts import load_country_split, make_passage, tokens
from ravm_course.ravlm.reader import Reader, ReaderConfig, reader_loss
from ravm_course.ravlm.reader_batches import (
    ReadingBatches,
    prose,
    question_texts,
    reading_vocabulary,
    shuffle_words,
    without_answer,
)
from ravm_course.ravlm.reader_input import MAX_WORDS, SHAPES, build_vocabulary, shape
from ravm_course.ravlm.spans import span_log_probs
from ravm_course.training import fingerprint, fit, load_weights, save_weights

SMALL = ReaderConfig(width=16, layers=2, kernel=3, max_answer=3, dropout=0.0, word_dropout=0.1)
WORDS = ("the", "capital", "of", "is", "city", "what", "money", ".")


def small(seed=0):
    torch.manual_seed(seed)
    return Reader(WORDS, SMALL).eval()


def test_span_log_probs_equals_the_definition():
    torch.manual_seed(0)
    start, end, absent = torch.randn(2, 5), torch.randn(2, 5), torch.randn(2)
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    spans, none = span_log_probs(start, end, absent, mask, longest=3)
    for b, length in enumerate((5, 3)):
        scores = {
            (i, j): math.exp(start[b, i] + end[b, j])
            for i in range(length)
            for j in range(i, min(i + 3, length))
        }
        total = sum(scores.values()) + math.exp(absent[b])
        assert math.isclose(none[b].exp(), math.exp(absent[b]) / total, rel_tol=1e-5)
        for i in range(5):
            for m in range(3):
                expected = scores.get((i, i + m), 0.0) / total
                assert math.isclose(spans[b, i, m].exp(), expected, rel_tol=1e-5)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_probabilities_sum_to_one(length, longest, seed):
    generator = torch.Generator().manual_seed(seed)
    start, end = torch.randn(2, 1, length, generator=generator)
    mask = torch.ones(1, length, dtype=torch.bool)
    spans, none = span_log_probs(start, end, torch.randn(1, generator=generator), mask, longest)
    assert spans.shape == (1, length, longest)
    assert math.isclose(spans.exp().sum() + none.exp().sum(), 1, abs_tol=1e-5)


@given(
    st.text("abcÉ首都 .,'-12", min_size=1, max_size=80).filter(tokens),
    st.text("what首", min_size=1, max_size=20).filter(tokens),
    st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_an_answer_is_a_piece_of_the_passage(passage, question, seed):
    span = small(seed).read(question, passage, may_abstain=False)
    assert span.text == passage[span.start : span.end] != ""
    assert 1 <= len(tokens(span.text)) <= SMALL.max_answer
    assert 0 < span.score <= 1


def test_padding_and_company_change_nothing():
    reader = small()
    long = "The capital of the city is the capital of the money . " * 6
    pairs = [
        ("What is the city?", "Oslo is the capital."),
        ("首都？", "It is 1905."),
        ("Money?", long),
    ]
    together = reader(reader.encode(*zip(*pairs, strict=True)))
    for b, (question, passage) in enumerate(pairs):
        alone = reader(reader.encode([question], [passage]))
        n = len(tokens(passage))
        torch.testing.assert_close(
            together[0][b, :n].exp(), alone[0][0].exp(), atol=1e-5, rtol=1e-5
        )
        assert (together[0][b, n:] == -torch.inf).all()
        torch.testing.assert_close(together[1][b], alone[1][0], atol=1e-5, rtol=1e-5)


def test_marks_say_what_was_asked_and_what_the_passage_is_about():
    passage = "Oslo is in Norway. The capital of New Norway is Rome."
    batch = small().encode(["What is the capital?"], [passage], ["Norway"])
    words = [word for word, *_ in tokens(passage)]
    marks = batch.marks[0].bool()
    assert [w for w, m in zip(words, marks[:, 0], strict=True) if m] == [
        "is",
        "The",
        "capital",
        "is",
    ]
    assert [w for w, m in zip(words, marks[:, 1], strict=True) if m] == ["Norway", "Norway"]
    assert marks[:, 2].all()
    batch = small().encode(["What?"], ["St. Ives is small. Norway is not."], ["Norway"])
    assert batch.marks[0, :, 2].tolist() == [0] * 6 + [1] * 4


def test_gold_marks_the_answer_and_nothing_else():
    passage = "Monaco has its capital at Monaco."
    batch = small().encode(["Which?", "Which?"], [passage] * 2, answers=[(26, 32), None])
    assert batch.gold.nonzero().tolist() == [[0, 5, 0]]


def test_loss_is_minus_the_log_of_the_right_probability():
    reader = small()
    batch = reader.encode(["What?"] * 2, ["It is Oslo."] * 2, answers=[(6, 10), None])
    spans, none = reader(batch)
    expected = -(spans[0, 2, 0] + none[1]) / 2
    torch.testing.assert_close(reader_loss(reader, batch), expected)
    reader_loss(reader, batch).backward()
    assert all(torch.isfinite(p.grad).all() for p in reader.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (("What?", ["It."]), TypeError, "list of strings"),
        ((["What?"], "It."), TypeError, "list of strings"),
        ((["What?"], []), ValueError, "1 questions but 0 passages"),
        (([], []), ValueError, "no questions"),
        (([""], ["It."]), ValueError, "question 0 has no words"),
        ((["What?"], [" \n"]), ValueError, "passage 0 has no words"),
        ((["What?"], ["it " * (MAX_WORDS + 1)]), ValueError, "cut it into pieces"),
        ((["What?"], [None]), TypeError, "must be a str"),
        ((["What?"], ["It is."], None, [(1, 2)]), ValueError, "where words begin and end"),
        ((["What?"], ["a b c d e"], None, [(0, 9)]), ValueError, "max_answer"),
    ],
)
def test_what_cannot_be_read_is_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        small().encode(*arguments)


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="odd"):
        Reader(WORDS, ReaderConfig(kernel=4))


def test_reading_leaves_the_mode_and_the_weights_alone():
    reader = small()
    reader.train()
    before = fingerprint(reader)
    reader.read("What?", "It is.")
    assert reader.training
    assert fingerprint(reader) == before


def test_a_saved_reader_reads_the_same(tmp_path):
    reader = small()
    save_weights(reader, tmp_path / "reader.safetensors", **reader.facts())
    facts = load_weights(small(seed=1), tmp_path / "reader.safetensors")
    again = Reader(facts["vocabulary"], ReaderConfig(**facts["config"])).eval()
    load_weights(again, tmp_path / "reader.safetensors")
    passage = "The capital of Norway is Oslo."
    assert again.read("What is the capital?", passage) == reader.read(
        "What is the capital?", passage
    )


def test_a_tiny_training_learns_to_copy_names_it_never_saw():
    """Two relations, one wording each; the test names occur nowhere in training."""
    names = [a + b for a in ("Ba", "Ko", "Li", "Mu", "Te") for b in ("rin", "sol", "tak", "vem")]
    torch.manual_seed(0)
    reader = Reader(WORDS, SMALL)

    def exercise(city, money):
        passage = f"The capital of the city is {city}. The money is {money.lower()}."
        starts = passage.index(city), passage.rindex(money.lower())
        return passage, (starts[0], starts[0] + len(city)), (starts[1], starts[1] + len(money))

    def draw(generator):
        rows = torch.randint(len(names), (16, 2), generator=generator).tolist()
        questions, passages, answers = [], [], []
        for n, (a, b) in enumerate(rows):
            passage, first, second = exercise(names[a], names[b])
            questions.append("What is the capital?" if n % 2 else "What is the money?")
            passages.append(passage)
            answers.append(first if n % 2 else second)
        return reader.encode(questions, passages, None, answers)

    fit(reader, reader_loss, draw, steps=60, lr=1e-2, progress=False)
    for city, money in (("Ouagadougou", "Kwacha"), ("Zzyzx", "Quetzal")):
        passage, *_ = exercise(city, money)
        assert reader.read("What is the capital?", passage).text == city
        assert reader.read("What is the money?", passage).text == money.lower()


def test_shapes_are_told_apart():
    words = [
        "city",
        "Oslo",
        "Port-au-Prince",
        "USA",
        "A",
        "McKean",
        "N'Djamena",
        "1,200",
        "国",
        "?",
    ]
    assert [SHAPES[shape(word)] for word in words] == [
        *("lower", "Capitalised", "Capitalised", "UPPER", "Capitalised", "mIxed", "Capitalised"),
        *("number", "chinese", "punctuation"),
    ]


def test_vocabulary_counts_texts_and_not_occurrences():
    assert build_vocabulary(["a a a b", "b c"]) == ("b",)
    assert build_vocabulary(["b c", "a a a b"]) == ("b",)
    with pytest.raises(ValueError, match="no word"):
        build_vocabulary(["a", "b"])


def test_no_held_out_name_is_in_the_vocabulary_or_the_prose():
    split = load_country_split()
    vocabulary = set(reading_vocabulary(split["train"]))
    for country in split["test"]:
        passage = make_passage(country, "test")
        capital = passage.answers["capital"].text
        assert not any(capital in sentence for sentence in prose())
        unknown = [w.lower() not in vocabulary for w, *_ in tokens(capital)]
        assert any(unknown) or capital in ("City of San Marino", "St. John's"), capital


def test_exercises_point_at_the_answer_after_all_changes():
    split = load_country_split()
    reader = Reader(("capital",))
    draw = ReadingBatches(reader, split["train"][:30], batch=64, shuffled=1.0)
    generator = torch.Generator().manual_seed(0)
    shares = []
    for _ in range(3):
        batch = draw(generator)
        places = batch.gold.flatten(1).sum(1)
        assert set(places.tolist()) <= {0, 1}
        shares.append((places == 0).float().mean())
    assert 0.05 < sum(shares) / 3 < 0.4
    again = draw(torch.Generator().manual_seed(0))
    torch.testing.assert_close(again.passage, draw(torch.Generator().manual_seed(0)).passage)


def test_cutting_out_an_answer_leaves_the_others():
    for country in load_country_split()["test"]:
        passage = make_passage(country, "test")
        text = without_answer(passage, "capital")
        assert len(text) < len(passage.text)
        assert passage.answers["currency"].text in text


def test_shuffling_keeps_the_words_and_the_phrases():
    import random

    sentence = "St. John's is the capital of Antigua and Barbuda."
    pieces = shuffle_words(sentence, ["St. John's", "Antigua and Barbuda"], random.Random(3))
    assert sorted(pieces) == sorted(
        ["St. John's", "is", "the", "capital", "of", "Antigua and Barbuda", "."]
    )
    assert pieces[-1] == "."


def test_training_and_test_questions_have_no_wording_in_common():
    train, test = question_texts("train"), question_texts("test")
    assert not {t for g in train.values() for t in g} & {t for g in test.values() for t in g}
