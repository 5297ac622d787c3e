"""Batches of pairs: no concept twice, no held-out caption, the same seed the same batch."""

import pytest
import torch

from ravm_course.data import load_emoji, load_emoji_splits
from ravm_course.vlm import draw_caption, pair_drawer


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data():
    return load_emoji(), load_emoji_splits()


def test_same_seed_same_batch(data):
    draw = pair_drawer(*data, batch=8)
    (a, texts_a), (b, texts_b) = draw(seeded(1)), draw(seeded(1))
    assert torch.equal(a, b)
    assert texts_a == texts_b
    assert draw(seeded(2))[1] != texts_a


def test_pictures_and_captions_belong_together_and_to_different_training_concepts(data):
    emoji, splits = data
    draw = pair_drawer(emoji, splits, batch=64, size=64, strength=0)
    pictures, texts = draw(seeded())
    train = {emoji.images[i].tobytes(): int(emoji.concept[i]) for i in splits.train}
    concepts = []
    for picture, text in zip(pictures, texts, strict=True):
        stored = (picture * 255).round().byte().permute(1, 2, 0).numpy().tobytes()
        mirrored = (picture.flip(-1) * 255).round().byte().permute(1, 2, 0).numpy().tobytes()
        concept = train.get(stored, train.get(mirrored))
        assert concept is not None, "not a training picture"
        captions = [c for lang in ("en", "zh") for c in splits.training_captions(concept, lang)]
        assert any(caption in text for caption in captions)
        concepts.append(concept)
    assert len(set(concepts)) == 64


def test_no_caption_names_an_unseen_concept(data):
    emoji, splits = data
    unseen = {emoji.concepts[c].name_en for c in splits.unseen}
    unseen |= {emoji.concepts[c].name_zh for c in splits.unseen}
    draw, generator = pair_drawer(emoji, splits, batch=512, size=8, strength=0), seeded()
    for _ in range(5):
        assert unseen.isdisjoint(draw(generator)[1])


def test_captions_come_in_both_languages_and_all_kinds():
    languages = [["lion", "cat", "mane"], ["狮子", "动物"]]
    generator = seeded()
    drawn = {draw_caption(languages, generator) for _ in range(300)}
    assert {"lion", "狮子", "cat", "动物", "狮子 动物"} <= drawn
    assert any(text.startswith("lion ") for text in drawn)
    assert not any("lion" in text and "狮" in text for text in drawn)


def test_a_batch_cannot_hold_more_pairs_than_concepts(data):
    with pytest.raises(ValueError, match="batch is 9999"):
        pair_drawer(*data, batch=9999)
    with pytest.raises(ValueError, match="batch is 0"):
        pair_drawer(*data, batch=0)
