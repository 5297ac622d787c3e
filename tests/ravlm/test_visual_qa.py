"""Visual question answering: sources, weights, the flag encoder, the ladder on a toy, errors."""

import numpy as np
import pytest
import torch

from ravm_course.data.facts import load_country_split, load_questions, twins_of
from ravm_course.ravlm.closed_book import ClosedBook
from ravm_course.ravlm.datastore import Datastore, Hit
from ravm_course.ravlm.flag_encoder import FlagEncoder, FlagEncoderConfig, flag_loss
from ravm_course.ravlm.flag_qa import (
    ClosedBookBatches,
    add_countries,
    closed_book_loss,
    flag_images,
    flag_store,
    is_right,
    ladder,
    new_closed_book,
)
from ravm_course.ravlm.flag_views import FlagPairs, crop, invent, restyle
from ravm_course.ravlm.reader import Reader, ReaderConfig
from ravm_course.ravlm.spans import Span
from ravm_course.ravlm.visual_qa import VisualQA, distinct
from ravm_course.training import fingerprint, fit

SMALL = FlagEncoderConfig(channels=8, dim=16)


class Scripted:
    """A reader that says of each passage what it is told to say."""

    def __init__(self, says):
        self.says = says

    def read_many(self, questions, passages, titles=None, *, may_abstain=True):
        """Return the scripted spans."""
        found = []
        for passage in passages:
            text, score = self.says[passage]
            at = passage.index(text)
            found.append(Span(text, score, at, at + len(text), 0.0))
        return found


def colours(images):
    """Encode a picture by its mean colour."""
    return images.reshape(len(images), -1, 3).mean(axis=1).astype(np.float32) + 1


def system(says, vectors, **options):
    store = Datastore(3, encoder="mean colour")
    texts = list(says)
    store.add([f"item {i}" for i in range(len(texts))], vectors, texts=texts)
    return VisualQA(colours, store, Scripted(says), **options)


PICTURE = np.full((4, 4, 3), [200, 10, 10], np.uint8)
SAYS = {
    "a says Bern": ("Bern", 0.5),
    "b says Oslo": ("Oslo", 0.3),
    "c says Oslo too": ("Oslo", 0.6),
}
VECTORS = np.array([[200, 10, 10], [200, 40, 10], [200, 55, 10]], np.float32)


def test_the_answer_is_the_weighted_sum_over_passages():
    qa = system(SAYS, VECTORS, temperature=0.1)
    answer = qa.answer(PICTURE, "Which?", k=3)
    weights = np.exp(np.array([hit.score for hit in answer.hits]) / 0.1)
    weights /= weights.sum()
    by_text = {hit.text: w for hit, w in zip(answer.hits, weights, strict=True)}
    oslo = by_text["b says Oslo"] * 0.3 + by_text["c says Oslo too"] * 0.6
    bern = by_text["a says Bern"] * 0.5
    assert answer.score == pytest.approx(max(oslo, bern), rel=1e-5)
    assert answer.text == ("Oslo" if oslo > bern else "Bern")


def test_two_passages_can_outvote_the_nearest_and_the_loudest_is_cited():
    answer = system(SAYS, VECTORS, temperature=5.0).answer(PICTURE, "Which?", k=3)
    assert answer.text == "Oslo"
    assert answer.hits[0].text == "a says Bern"  # nearest, but not the source
    assert answer.source.text == "c says Oslo too"


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_source_contains_the_answer(k):
    answer = system(SAYS, VECTORS).answer(PICTURE, "Which?", k=k)
    assert answer.source.text[answer.start : answer.end] == answer.text
    assert answer.source in answer.hits
    assert len(answer.hits) == k


def test_many_questions_equal_one_at_a_time():
    qa = system(SAYS, VECTORS)
    other = np.full((4, 4, 3), [10, 200, 10], np.uint8)
    together = qa.answer_many(np.stack([PICTURE, other]), ["Which?", "What?"], k=2)
    alone = [qa.answer(PICTURE, "Which?", k=2), qa.answer(other, "What?", k=2)]
    for a, b in zip(together, alone, strict=True):
        assert (a.text, a.source.id) == (b.text, b.source.id)
        assert a.score == pytest.approx(b.score, rel=1e-5)


def test_pictures_that_share_a_passage_count_once():
    store = Datastore(3, encoder="mean colour")
    store.add(["a", "b", "c"], VECTORS, texts=["says Oslo", "says Oslo", "says Bern"])
    qa = VisualQA(
        colours, store, Scripted({"says Oslo": ("Oslo", 0.9), "says Bern": ("Bern", 0.9)})
    )
    assert [hit.text for hit in qa.retrieve(PICTURE[None], k=2)[0]] == ["says Oslo", "says Bern"]
    with pytest.raises(ValueError, match="2 distinct passages"):
        qa.retrieve(PICTURE[None], k=3)
    hits = [Hit(str(i), 1.0, text, None, {}) for i, text in enumerate("aabbc")]
    assert [hit.id for hit in distinct(hits, 3)] == ["0", "2", "4"]


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.zeros((4, 4), np.uint8), "shape"),
        (np.zeros((2, 4, 4, 3), np.uint8), "answer_many"),
        (np.zeros((4, 4, 3), np.float32), "uint8"),
    ],
)
def test_what_is_no_picture_is_refused(image, match):
    with pytest.raises(ValueError, match=match):
        system(SAYS, VECTORS).answer(image, "Which?")


def test_other_errors_say_what_to_do():
    qa = system(SAYS, VECTORS)
    with pytest.raises(ValueError, match="at least 1"):
        qa.answer(PICTURE, "Which?", k=0)
    with pytest.raises(ValueError, match="1 images but 2 questions"):
        qa.answer_many(PICTURE[None], ["a", "b"])
    with pytest.raises(ValueError, match="store is empty"):
        VisualQA(colours, Datastore(3, encoder="x"), Scripted({})).answer(PICTURE, "Which?")
    with pytest.raises(ValueError, match="temperature"):
        VisualQA(colours, qa.store, qa.reader, temperature=0)
    empty = Datastore(3, encoder="mean colour")
    empty.add(["picture only"], VECTORS[:1])
    with pytest.raises(ValueError, match="'picture only' has no text"):
        VisualQA(colours, empty, Scripted({})).answer(PICTURE, "Which?")
    with pytest.raises(ValueError, match="question 0 has no words"):
        VisualQA(colours, qa.store, Reader(("is",)).eval()).answer(PICTURE, "")


def test_crop_finds_the_flag_whatever_its_margin():
    rng = np.random.default_rng(0)
    flag = rng.integers(0, 200, (20, 30, 3), dtype=np.uint8)
    pictures = np.full((2, 64, 64, 3), 255, np.uint8)
    pictures[0, 10:30, 5:35] = flag
    pictures[1, 40:60, 30:60] = flag
    cut = crop(pictures)
    torch.testing.assert_close(cut[0], cut[1])
    assert (crop(np.full((1, 64, 64, 3), 255, np.uint8)) == 1).all()


def test_changes_are_seeded_and_stay_pictures():
    flags = torch.rand(8, 3, 48, 48)
    for change in (
        lambda g: restyle(flags, g),
        lambda g: invent(flags, flags, g, share=1.0)[0],
    ):
        first = change(torch.Generator().manual_seed(1))
        torch.testing.assert_close(first, change(torch.Generator().manual_seed(1)))
        assert not torch.equal(first, change(torch.Generator().manual_seed(2)))
        assert first.min() >= 0
        assert first.max() <= 1


def test_inventing_only_rearranges_pixels_and_treats_both_alike():
    a, b = torch.rand(16, 3, 8, 8), torch.rand(16, 3, 8, 8)
    generator = torch.Generator().manual_seed(0)
    c, d = invent(a, b, generator, share=1.0)
    torch.testing.assert_close(a.flatten(1).sort().values, c.flatten(1).sort().values)
    again, _ = invent(b, a, torch.Generator().manual_seed(0), share=1.0)
    torch.testing.assert_close(again, d)  # b is changed as a was
    none, _ = invent(a, b, torch.Generator().manual_seed(0), share=0.0)
    torch.testing.assert_close(none, a)


def test_vectors_have_length_one_and_ignore_company():
    torch.manual_seed(0)
    encoder = FlagEncoder(SMALL).eval()
    images = flag_images(load_country_split()["validation"], "openmoji")
    vectors = encoder.encode(images)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(encoder.encode(images[3:4])[0], vectors[3], atol=1e-5)


def test_errors_of_the_flag_tools():
    with pytest.raises(ValueError, match="multiple of 8"):
        FlagEncoder(FlagEncoderConfig(size=20))
    with pytest.raises(ValueError, match="batch"):
        FlagPairs(np.zeros((2, 4, 8, 8, 3), np.uint8), batch=5)
    with pytest.raises(ValueError, match="no flag of country"):
        flag_images([10_000], "openmoji")


def test_a_tiny_training_finds_held_out_flags_in_another_style():
    """150 flags, small network, few steps: validation countries among themselves, other style."""
    torch.manual_seed(0)
    split = load_country_split()
    encoder = FlagEncoder(FlagEncoderConfig(channels=16, dim=32))
    images = np.stack([flag_images(split["train"], style) for style in ("openmoji", "twemoji")])
    fit(encoder, flag_loss, FlagPairs(images, batch=48), steps=40, lr=2e-3, progress=False)
    asked = encoder.encode(flag_images(split["validation"], "emojione"))
    stored = encoder.encode(flag_images(split["validation"], "openmoji"))
    assert ((asked @ stored.T).argmax(1) == np.arange(len(asked))).mean() >= 0.7


def test_adding_countries_changes_the_store_and_nothing_else():
    torch.manual_seed(0)
    encoder = FlagEncoder(SMALL).eval()
    split = load_country_split()
    store = flag_store(encoder, split["validation"][:5])
    before = fingerprint(encoder)
    add_countries(store, encoder.encode, split["test"][:3])
    assert len(store) == 16
    assert fingerprint(encoder) == before == store.encoder


def test_the_ladder_answers_every_question_under_every_condition():
    torch.manual_seed(0)
    encoder = FlagEncoder(SMALL).eval()
    reader = Reader(("capital", "currency", "."), ReaderConfig(width=8, layers=1)).eval()
    book = new_closed_book(16)
    questions = [q for q in load_questions("test") if q.country in load_country_split()["test"][:4]]
    result = ladder(encoder, reader, book, questions)
    assert list(result) == [
        *("none", "random", "shuffled", "real, not in store", "real, added", "oracle"),
    ]
    assert all(r.shape == (len(questions),) and r.dtype == bool for r in result.values())
    capital = np.array([q.relation == "capital" for q in questions])
    assert not result["none"][capital].any()  # by construction


def test_the_closed_book_learns_its_answers_and_knows_no_others():
    torch.manual_seed(0)
    book = ClosedBook(["Oslo", "Rome", "krone", "lira"], ["capital", "money", "?"], dim=2, width=16)
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    texts = ["Which capital?", "What money?"] * 2
    right = torch.tensor([book.answers.index(a) for a in ("Oslo", "krone", "Rome", "lira")])
    loss = closed_book_loss
    fit(book, loss, lambda generator: (vectors, texts, right), steps=80, lr=1e-2, progress=False)
    assert book.answer(vectors.numpy(), texts) == ["Oslo", "krone", "Rome", "lira"]
    draw = ClosedBookBatches(
        new_closed_book(3), lambda images: np.ones((len(images), 3), np.float32), batch=8
    )
    batch = draw(torch.Generator().manual_seed(0))
    assert batch[0].shape == (8, 3)
    assert len(batch[1]) == len(batch[2]) == 8


def test_is_right_ignores_case_and_nothing_else():
    question = load_questions("test")[0]
    assert is_right([question.answer.upper(), question.answer + "."], [question] * 2).tolist() == [
        True,
        False,
    ]


def test_twins_are_mutual_and_on_one_side():
    split = load_country_split()
    for part in split.values():
        for country in part:
            for twin in twins_of(country):
                assert country in twins_of(twin)
                assert twin in part
