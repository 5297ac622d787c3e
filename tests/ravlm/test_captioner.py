"""The captioner and its words: what must hold of every way in, and what only a pointer can do."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.data import load_concepts, load_countries
from ravm_course.ravlm.caption_batches import Found, pack_captions, pack_source
from ravm_course.ravlm.caption_ladder import STEPS, caption_ladder, is_copy, retrieve_captions
from ravm_course.ravlm.caption_words import (
    BEGIN,
    END,
    PAD,
    UNKNOWN,
    Vocabulary,
    join_words,
    split_words,
)
from ravm_course.ravlm.caption_writing import (
    caption_loss,
    describe,
    load_captioner,
    write_captions,
)
from ravm_course.ravlm.captioner import (
    WAYS,
    Captioner,
    CaptionerConfig,
    Source,
)
from ravm_course.ravlm.datastore import Datastore
from ravm_course.training import fit
from ravm_course.training.shipped import FOLDER

V, PLACES, PARTS, WIDTH = 20, 6, 3, 8
READING = [way for way in WAYS if way != "none"]


def model_of(way, seed=0, **options):
    torch.manual_seed(seed)
    config = CaptionerConfig(
        V, PLACES, PARTS, WIDTH, way=way, channels=16, heads=2, longest=8, **options
    )
    return Captioner(config).eval()


def source_of(seed=0, batch=3, captions=2):
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(4, V + PLACES, (batch, captions, 5), generator=generator)
    words[..., 4] = END
    words[0, 0, 2:] = torch.tensor([END, PAD, PAD])
    return Source(
        torch.randn(batch, PARTS, WIDTH, generator=generator),
        words,
        torch.rand(batch, captions, generator=generator),
    )


def written_of(seed=0, batch=3, time=4):
    generator = torch.Generator().manual_seed(100 + seed)
    words = torch.randint(4, V + PLACES, (batch, time), generator=generator)
    words[:, 0] = BEGIN
    return words


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_rows_are_probabilities(way, seed):
    log_probs = model_of(way, seed)(source_of(seed), written_of(seed))
    assert log_probs.shape == (3, 4, V + PLACES)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(3, 4), atol=1e-5, rtol=0)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_written_later_changes_nothing_before(way):
    model, source, written = model_of(way), source_of(), written_of()
    other = written.clone()
    other[:, 3] = 5 + (written[:, 3] == 5).long()
    a, b = model(source, written), model(source, other)
    torch.testing.assert_close(a[:, :3], b[:, :3])
    assert not torch.allclose(a[:, 3], b[:, 3])


@pytest.mark.parametrize("way", WAYS)
def test_what_only_fills_up_changes_nothing(way):
    model, source, written = model_of(way), source_of(), written_of()
    batch, count, length = source.words.shape
    words = torch.zeros(batch, count + 1, length + 2, dtype=torch.long)
    words[:, :count, :length] = source.words
    wider = Source(source.parts, words, torch.cat([source.nearness, torch.ones(batch, 1)], dim=1))
    torch.testing.assert_close(model(source, written), model(wider, written))


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_described_alone_as_in_a_batch(way):
    model, source, written = model_of(way), source_of(), written_of()
    alone = model(Source(*(part[1:2] for part in source)), written[1:2])
    torch.testing.assert_close(model(source, written)[1:2], alone)


def test_without_a_way_in_captions_are_not_read():
    model, written = model_of("none"), written_of()
    source = source_of()
    other = source._replace(words=source.words.flip(1), nearness=source.nearness + 1)
    assert torch.equal(model(source, written), model(other, written))


@pytest.mark.parametrize("way", READING)
def test_captions_and_pictures_and_nearness_are_read(way):
    model, source, written = model_of(way), source_of(), written_of()
    before = model(source, written)
    for change in (
        source._replace(words=source.words.flip(2)),
        source._replace(parts=source.parts.flip(1)),
        source._replace(nearness=1 - source.nearness),
    ):
        assert not torch.allclose(before, model(change, written), atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("captions", [0, 2])
def test_nothing_retrieved_is_no_error(way, captions):
    source = source_of(captions=2)
    source = source._replace(
        words=torch.zeros(3, captions, 5 if captions else 0, dtype=torch.long),
        nearness=torch.zeros(3, captions),
    )
    model = model_of(way)
    log_probs, gate = model.write(model.read(source), source, written_of())
    assert torch.isfinite(log_probs).all()
    assert (gate == 0).all()


@pytest.mark.parametrize("way", WAYS)
def test_only_a_pointer_can_write_what_it_does_not_know(way):
    source = source_of()
    source.words[:, :, 0] = V + 2
    source.words[source.words == V + 3] = 5
    probs = model_of(way)(source, written_of()).exp()
    assert (probs[..., [PAD, BEGIN, UNKNOWN]] < 1e-6).all()
    assert (probs[..., V + 3] < 1e-6).all(), "in no caption"
    assert bool((probs[..., V + 2] > 1e-4).all()) == (way == "pointer")


def only_copies(follow):
    """Return a pointer that copies always, and only what follows the last words."""
    model = model_of("pointer")
    with torch.no_grad():
        for layer in (model.ask, model.offer):
            layer.weight.zero_()
            layer.bias.zero_()
        model.gate.bias.fill_(50.0)
        model.gate.weight.zero_()
        model.follow[:] = torch.tensor(follow)
    return model


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(4, V + PLACES - 1), min_size=1, max_size=7, unique=True))
def test_reading_on_copies_a_caption_to_its_end(caption):
    source = Source(
        torch.zeros(1, PARTS, WIDTH), torch.tensor([[[*caption, END]]]), torch.zeros(1, 1)
    )
    words, gates = write_captions(only_copies([50.0, 0.0]), source)
    assert words.tolist() == [[*caption, END]]
    torch.testing.assert_close(gates, torch.ones_like(gates))


def test_two_words_say_which_caption_is_read():
    """After "7 8" it must go on with 9, as the first caption does; 8 alone fits both."""
    captions = torch.tensor([[[7, 8, 9, END, PAD], [6, 8, 10, END, PAD]]])
    source = Source(torch.zeros(1, PARTS, WIDTH), captions, torch.zeros(1, 2))
    written = torch.tensor([[BEGIN, 7, 8], [BEGIN, 6, 8]])
    source = Source(*(part.expand(2, *part.shape[1:]) for part in source))
    probs = only_copies([5.0, 20.0])(source, written).exp()[:, -1]
    assert probs.argmax(-1).tolist() == [9, 10]
    even = only_copies([20.0, 0.0])(source, written).exp()[:, -1]
    torch.testing.assert_close(even[:, 9], even[:, 10])


def test_a_pointer_learns_to_copy_words_that_differ_in_every_picture():
    def draw(generator):
        words = V + torch.randint(PLACES, (16, 1, 1), generator=generator)
        words = torch.cat([words, torch.full_like(words, END)], dim=2)
        source = Source(torch.zeros(16, PARTS, WIDTH), words, torch.zeros(16, 1))
        return source, torch.cat([torch.full((16, 1), BEGIN), words[:, 0]], dim=1)

    losses = {}
    for way in ("pointer", "cross-attention"):
        model = model_of(way, dropout=0.0)
        history = fit(model, caption_loss, draw, steps=40, lr=1e-2, progress=False)
        losses[way] = history.losses[-1]
    assert losses["pointer"] < 0.2 < 2 < losses["cross-attention"], "it cannot write them"


def test_the_loss_counts_what_can_be_written():
    model, source = model_of("pointer"), source_of()
    caption = torch.tensor([[BEGIN, 5, UNKNOWN, END], [BEGIN, 6, END, PAD], [BEGIN, 7, 8, END]])
    log_probs = model(source, caption[:, :-1])
    counted = [(0, 0, 5), (0, 2, END), (1, 0, 6), (1, 1, END), (2, 0, 7), (2, 1, 8), (2, 2, END)]
    by_hand = -sum(log_probs[place] for place in counted) / len(counted)
    torch.testing.assert_close(caption_loss(model, (source, caption)), by_hand)


@pytest.mark.parametrize("way", WAYS)
def test_writing_takes_the_likeliest_word_each_time(way):
    model, source = model_of(way, seed=3), source_of(3)
    words, _ = write_captions(model, source)
    again = torch.cat([torch.full((3, 1), BEGIN), words[:, :-1]], dim=1)
    likeliest = model(source, again).argmax(-1)
    for row, best in zip(words.tolist(), likeliest.tolist(), strict=True):
        end = row.index(END) + 1 if END in row else len(row)
        assert row[:end] == best[:end]
        assert set(row[end:]) <= {PAD}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s._replace(parts=s.parts[:, :2]), "parts are"),
        (lambda s: s._replace(nearness=s.nearness[:, :1]), "do not fit"),
        (lambda s: s._replace(words=torch.ones(3, 2, 99, dtype=torch.long)), "at most"),
    ],
)
def test_sources_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        model_of("pointer")(change(source_of()), written_of())


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="expected one of none, prompt"):
        model_of("telepathy")


# --- words ---------------------------------------------------------------------------------------


def test_joined_words_split_into_the_same_words():
    texts = [c.name_en for c in load_concepts()] + [c.name_zh for c in load_concepts()]
    texts += [c.flag_short for c in load_countries() if c.flag_short]
    for text in texts:
        assert split_words(join_words(split_words(text))) == split_words(text)


def test_unknown_words_are_told_apart_and_come_back():
    vocabulary = Vocabulary(["a"], places=2)
    own = vocabulary.own_words([["x", "a"], ["y", "z"]])
    ids = vocabulary.encode(["x", "a", "y", "z"], own)
    assert ids == [vocabulary.size, 4, vocabulary.size + 1, UNKNOWN], "z finds no place"
    assert vocabulary.decode([*ids, END, 4], own) == "x a y <unknown>"


def test_places_are_given_in_the_order_asked_for():
    assert Vocabulary(["a"], places=3).own_words([["x", "y"]], order=[2, 0]) == {"x": 7, "y": 5}


def test_hidden_words_get_places_and_win_over_the_vocabulary():
    vocabulary = Vocabulary(["a", "b"], places=2)
    own = vocabulary.own_words([["a", "b"]], hidden={"a"})
    assert vocabulary.encode(["a", "b"], own) == [vocabulary.size, 5]


def test_a_vocabulary_counts_words():
    assert Vocabulary.of(["b a", "a c"], min_count=2).words == ("a",)
    with pytest.raises(ValueError, match="given twice"):
        Vocabulary(["a", "a"])
    with pytest.raises(ValueError, match="at least one"):
        Vocabulary(["a"], places=0)


def test_captions_are_cut_and_targets_know_the_pictures_own_words():
    vocabulary = Vocabulary(["red"], places=3)
    found = [[Found("red gules argent", 0.5)]]
    source, own = pack_source(vocabulary, torch.zeros(1, 1, 4), found, longest=2)
    assert source.words.tolist() == [[[4, vocabulary.size, END]]]
    right = pack_captions(vocabulary, ["gules or"], own, longest=5)
    assert right.tolist() == [[BEGIN, vocabulary.size, UNKNOWN, END]]


def test_places_are_dealt_at_random_in_training():
    vocabulary, found = Vocabulary(["red"], places=8), [[Found("gules", 0.5)]]
    dealt = {
        pack_source(
            vocabulary, torch.zeros(1, 1, 4), found, longest=2, rng=np.random.default_rng(seed)
        )[0].words[0, 0, 0].item()
        for seed in range(20)
    }  # fmt: skip
    assert len(dealt) > 4
    assert min(dealt) >= vocabulary.size
    with pytest.raises(ValueError, match="give a generator"):
        pack_source(vocabulary, torch.zeros(1, 1, 4), found, longest=2, hide=0.5)
    with pytest.raises(ValueError, match="2 pictures"):
        pack_source(vocabulary, torch.zeros(2, 1, 4), found, longest=2)


def test_the_batch_does_not_change_what_is_written():
    vocabulary = Vocabulary([f"w{i}" for i in range(V - 4)], places=PLACES)
    parts = torch.randn(5, PARTS, WIDTH, generator=torch.Generator().manual_seed(0))
    found = [[Found(f"w{i} new{i}", 0.5)] * (i % 3) for i in range(5)]
    model = model_of("pointer", captions=2)
    whole = describe(model, vocabulary, parts, found)
    single = describe(model, vocabulary, parts, found, batch=1)
    assert [row.text for row in whole] == [row.text for row in single]


# --- the ladder ----------------------------------------------------------------------------------


def small_store():
    store = Datastore(3, encoder="by hand")
    texts = ["cat", "cat", "dog", None, "cow"]
    vectors = [[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0.95, 0, 0], [0, 0, 1]]
    store.add([str(i) for i in range(5)], vectors, texts=texts)
    return store


def test_captions_are_found_once_nearest_first():
    [[first, second]] = retrieve_captions(small_store(), [[1.0, 0.2, 0.1]], 2)
    assert (first.caption, second.caption) == ("cat", "dog")
    assert first.nearness > second.nearness


def test_each_step_is_what_it_says():
    vectors = np.array([[1.0, 0.2, 0.1], [0.1, 1.0, 0.2], [0.0, 0.3, 1.0]])
    ladder = caption_ladder(small_store(), vectors, ["lion", "dog", "yak"], 2, seed=1)
    assert tuple(ladder) == STEPS
    assert ladder["none"] == [[], [], []]
    assert ladder["shuffled"] == ladder["real"][1:] + ladder["real"][:1]
    assert [hits[0] for hits in ladder["oracle"]] == [Found(t, 1.0) for t in ("lion", "dog", "yak")]
    assert all(len({hit.caption for hit in hits}) == 2 for hits in ladder["oracle"])
    for hits, vector in zip(ladder["random"], vectors, strict=True):
        assert len({hit.caption for hit in hits}) == 2
        assert hits[0].nearness >= hits[1].nearness
        for hit in hits:
            near = [
                small_store().get(i).vector @ vector / np.linalg.norm(vector)
                for i in small_store()
                if small_store().get(i).text == hit.caption
            ]
            assert any(abs(hit.nearness - value) < 1e-5 for value in near)


def test_a_copy_is_a_copy_whatever_the_case():
    assert is_copy("RED, white", [Found("red ,white", 0.1)])
    assert not is_copy("red", [Found("red white", 0.1)])
    assert not is_copy("red", [])


# --- what ships ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parts", "limit"), [("name-captioner", (4, 64), 1), ("flag-captioner", (16, 28), 1)]
)
def test_the_shipped_captioners_fit_their_records(name, parts, limit):
    model, vocabulary = load_captioner(name)
    assert vocabulary.size == model.config.vocabulary
    assert (model.config.parts, model.config.part_channels) == parts
    assert model.config.way == "pointer"
    assert (FOLDER / f"{name}.safetensors").stat().st_size < limit * 1e6


def test_the_shipped_namer_copies_words_of_no_vocabulary():
    model, vocabulary = load_captioner("name-captioner")
    parts = torch.randn(3, 4, 64, generator=torch.Generator().manual_seed(0))
    found = [[Found("blicket dax", 0.95), Found("wug", 0.3)]] * 3
    assert not {"blicket", "dax", "wug"} & {*vocabulary.words}
    assert [row.text for row in describe(model, vocabulary, parts, found)] == ["blicket dax"] * 3
    assert all("dax" not in row.text for row in describe(model, vocabulary, parts, [[]] * 3))
