"""Flags with exchanged colours, and names with what other artists' drawings are called."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.data import load_countries
from ravm_course.data.facts import load_country_split
from ravm_course.ravlm.caption_batches import Found
from ravm_course.ravlm.caption_words import BEGIN, END, PAD, Vocabulary
from ravm_course.ravlm.flag_captions import (
    COLOURS,
    FlagCaptionBatches,
    described,
    exchange_colours,
    exchange_words,
    flag_captions,
    flag_parts,
)
from ravm_course.ravlm.flag_encoder import FlagEncoder, FlagEncoderConfig
from ravm_course.ravlm.name_captions import distinct, name_drawer, picture_parts

NAMES = list(COLOURS)


def plain(name, side=32):
    return torch.tensor(COLOURS[name]).view(1, 3, 1, 1).expand(1, 3, side, side)


def named(part):
    """Return the colour that a part's first quarter has most of."""
    return NAMES[int(part[: len(NAMES)].argmax())]


@given(st.permutations(range(len(NAMES))))
def test_picture_and_words_change_alike(order):
    for name in NAMES:
        changed = exchange_colours(plain(name, 8), torch.tensor([order]))
        assert named(flag_parts(changed)[0, 0]) == exchange_words(name, order)


@given(st.permutations(range(len(NAMES))))
def test_an_exchange_can_be_undone(order):
    back = np.argsort(order).tolist()
    texts = flag_captions(described(load_country_split()["train"]))[::10]
    assert [exchange_words(exchange_words(text, order), back) for text in texts] == texts


def test_no_exchange_changes_nothing():
    flags = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    same = exchange_colours(flags, torch.arange(7).expand(2, -1))
    torch.testing.assert_close(same, flags)


def test_only_whole_words_are_colours():
    order = [2, 1, 0, 3, 4, 5, 6]
    assert exchange_words("bored with red-white redness", order) == "bored with blue-white redness"


def test_parts_are_read_row_by_row_and_sum_to_one():
    flag = plain("white").clone()
    flag[:, :, :8, 8:16] = plain("red", 8)  # the first row's second part
    flag[:, :, 24:, :8] = plain("green", 8)  # the last row's first
    parts = flag_parts(flag)
    assert parts.shape == (1, 16, 28)
    assert [named(part) for part in parts[0, [0, 1, 4, 12]]] == ["white", "red", "white", "green"]
    torch.testing.assert_close(parts.unflatten(2, (4, 7)).sum(-1), torch.ones(1, 16, 4))


def test_quarters_of_a_part_are_read_row_by_row():
    flag = plain("white").clone()
    flag[:, :, :4, 4:8] = plain("black", 4)
    quarters = flag_parts(flag)[0, 0].view(4, 7).argmax(1)
    assert [NAMES[i] for i in quarters] == ["white", "black", "white", "white"]


@pytest.fixture(scope="module")
def flags():
    torch.manual_seed(0)
    encoder = FlagEncoder(FlagEncoderConfig(channels=8, dim=8)).eval()
    countries = described(load_country_split()["train"])[:12]
    vocabulary = Vocabulary.of(flag_captions(countries))
    return encoder, vocabulary, countries


def batch_of(flags, seed=0, **options):
    draw = FlagCaptionBatches(*flags, batch=16, **options)
    return draw(torch.Generator().manual_seed(seed))


def test_a_batch_depends_on_its_generator_alone(flags):
    (first, right), (again, same) = batch_of(flags), batch_of(flags)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert torch.equal(right, same)
    assert not torch.equal(right, batch_of(flags, seed=1)[1])


@pytest.mark.parametrize(
    ("shares", "own", "empty"),
    [((1, 0, 0, 0), False, False), ((0, 1, 0, 0), True, False), ((0, 0, 0, 1), False, True)],
)
def test_shares_say_what_a_flag_comes_with(flags, shares, own, empty):
    """Colours are not exchanged, so that a right caption among those found is its own."""
    source, right = batch_of(flags, shares=shares, exchanged=0.0)
    assert bool((source.words.flatten(1) == PAD).all(1).all()) == empty
    has_own = []
    for caption, words in zip(right.tolist(), source.words.tolist(), strict=True):
        text = caption[1 : caption.index(END) + 1]
        has_own.append(any(row[: len(text)] == text for row in words))
    assert any(has_own) == own


def test_what_is_gold_stays_yellow(flags):
    draw = FlagCaptionBatches(*flags, exchanged=1.0)
    rng = np.random.default_rng(0)
    yellow = NAMES.index("yellow")
    assert all(draw._order("a gold star", rng)[yellow] == yellow for _ in range(30))
    assert any(draw._order("a star", rng)[yellow] != yellow for _ in range(30))


def test_every_described_country_has_a_caption():
    countries = range(len(load_countries()))
    assert all(flag_captions(described(countries)))
    assert len(described(countries)) < len(countries)


# --- names ---------------------------------------------------------------------------------------

CALLED = ["cat", "cat", "dog", "dog", "cow", "cow"]
ARTISTS = np.array(["a", "b"] * 3)


def names_batch(seed=0, **options):
    """Draw from six drawings that all look alike, so that every name of the other hand is found."""
    stored = torch.ones(6, 8) / 8**0.5
    vocabulary = Vocabulary.of(CALLED, places=8)
    settings = {"without_own": 0.0, "without_any": 0.0, "hide": 0.0} | options
    draw = name_drawer(
        vocabulary, CALLED, ARTISTS, stored, stored, np.arange(6), batch=64, captions=3, **settings
    )
    return vocabulary, *draw(torch.Generator().manual_seed(seed))


def test_the_own_name_is_taken_out_when_asked_for():
    for share, expected in ((0.0, True), (1.0, False)):
        _, source, right = names_batch(without_own=share)
        found = (source.words[..., 0] == right[:, 1:2]).any(1)
        full = (source.words[..., 0] != PAD).all(1)  # three names, so the own one is there
        assert bool(found[full].all()) if expected else not bool(found.any())


def test_a_drawing_never_comes_with_its_own_artists():
    stored = torch.eye(6, 8)
    draw = name_drawer(
        Vocabulary.of(CALLED), CALLED, ARTISTS, stored, stored, np.arange(6), captions=1,
        batch=64, without_own=0.0, without_any=0.0, hide=0.0,
    )  # fmt: skip
    source, _ = draw(torch.Generator().manual_seed(0))
    assert (source.nearness == 0).all(), "its copy is itself, at cosine one"


def test_nothing_and_hidden_words():
    assert names_batch(without_any=1.0)[1].words.numel() == 0
    vocabulary, source, right = names_batch(hide=1.0)
    words = source.words[..., 0]
    assert ((words == PAD) | (words >= vocabulary.size)).all()
    hidden = right[:, 1] >= vocabulary.size
    assert torch.equal(hidden, (words == right[:, 1:2]).any(1))
    assert (right[:, 0] == BEGIN).all()


def test_distinct_captions_leave_out_what_is_hidden():
    scores = torch.tensor([[0.5, -torch.inf, 0.25]])
    assert distinct(["a", "b", "a"], scores, 3) == [[Found("a", 0.5)]]


def test_parts_keep_every_number():
    vectors = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)
    parts = picture_parts(vectors)
    torch.testing.assert_close(parts.flatten(1) / 8**0.5, vectors)
