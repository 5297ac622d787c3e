"""The emoji splits must not leak: by picture, by artist's family, by concept or by caption."""

import numpy as np
import pytest

from ravm_course.data.emoji import (
    load_concepts,
    load_emoji,
    load_emoji_splits,
    near_duplicate_features,
    normalise_caption,
    training_captions,
)

HELD_OUT = ("validation", "test_artist", "test_concept", "test_both")
LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def emoji():
    return load_emoji()


@pytest.fixture(scope="module")
def splits():
    return load_emoji_splits()


@pytest.fixture(scope="module")
def features(emoji):
    return near_duplicate_features(emoji.images)


def test_the_arrays_agree_and_cannot_be_written(emoji):
    assert emoji.images.dtype == np.uint8
    assert emoji.images.shape == (len(emoji), 64, 64, 3)
    assert emoji.artist.shape == emoji.concept.shape == (len(emoji),)
    assert emoji.concept.max() < len(emoji.concepts)
    assert load_emoji() is emoji
    for array in (emoji.images, emoji.artist, emoji.concept):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_there_are_eight_artists_with_many_drawings_each(emoji):
    names, counts = np.unique(emoji.artist, return_counts=True)
    assert names.tolist() == [
        "emojione",
        "emojione-v1",
        "fluent-emoji-flat",
        "fxemoji",
        "noto",
        "noto-v1",
        "openmoji",
        "twemoji",
    ]
    assert counts.min() > 600
    pairs = set(zip(emoji.artist.tolist(), emoji.concept.tolist(), strict=True))
    assert len(pairs) == len(emoji)


def test_no_image_is_blank_and_none_stands_for_two_concepts_of_one_artist(emoji):
    assert (emoji.images.max((1, 2, 3)) - emoji.images.min((1, 2, 3)) > 24).all()
    seen = set()
    for artist, image in zip(emoji.artist, emoji.images, strict=True):
        key = artist, image.tobytes()
        assert key not in seen
        seen.add(key)


def test_every_concept_has_a_name_of_its_own_in_two_languages():
    concepts = load_concepts()
    for language in LANGUAGES:
        names = [concept.captions(language)[0] for concept in concepts]
        assert len(set(names)) == len(names) == len(concepts)
    assert not any(concept.group == "flags" for concept in concepts)
    assert len({concept.codepoint for concept in concepts}) == len(concepts)


def test_names_belong_to_their_pictures(emoji):
    """A red apple is red and a green one green, in every hand: names are not shifted."""
    place = {concept.name_en: index for index, concept in enumerate(emoji.concepts)}
    for name, channel in (("red apple", 0), ("green apple", 1), ("blue circle", 2)):
        images = emoji.images[emoji.concept == place[name]].astype(float)
        ink = 255 - images.min(-1)
        colour = (images * ink[..., None]).sum((1, 2)) / ink.sum((1, 2))[:, None]
        assert (colour.argmax(1) == channel).all(), name


def test_splits_are_disjoint_and_by_the_artists_they_say(emoji, splits):
    allowed = {
        "train": set(splits.train_artists),
        "validation": {"openmoji"},
        "test_artist": {"emojione"},
        "test_concept": {"noto"},
        "test_both": {"emojione"},
    }
    taken = set()
    for name, artists in allowed.items():
        index = getattr(splits, name).tolist()
        assert len(index) > 100
        assert set(emoji.artist[index].tolist()) <= artists
        assert not taken & set(index)
        taken |= set(index)
    assert splits.train_artists == ("noto", "noto-v1", "twemoji", "fluent-emoji-flat", "fxemoji")
    assert not (emoji.artist[sorted(taken)] == "emojione-v1").any()


def test_held_out_concepts_are_nowhere_in_training(emoji, splits):
    seen, unseen = set(splits.seen.tolist()), set(splits.unseen.tolist())
    aside = set(splits.set_aside.tolist())
    assert set(emoji.concept[splits.train].tolist()) == seen
    for name in ("validation", "test_artist"):
        assert set(emoji.concept[getattr(splits, name)].tolist()) <= seen
    for name in ("test_concept", "test_both"):
        assert set(emoji.concept[getattr(splits, name)].tolist()) <= unseen
    assert seen | unseen | aside == set(range(len(emoji.concepts)))
    assert len(seen) + len(unseen) + len(aside) == len(emoji.concepts)
    assert 0.11 < len(unseen) / len(emoji.concepts) < 0.13


@pytest.mark.parametrize("name", HELD_OUT)
def test_no_held_out_image_has_a_twin_in_training(emoji, splits, features, name):
    trained = {image.tobytes() for image in emoji.images[splits.train]}
    assert not any(image.tobytes() in trained for image in emoji.images[getattr(splits, name)])
    alike = features[getattr(splits, name)] @ features[splits.train].T
    assert alike.max() <= 0.95


@pytest.mark.parametrize("name", HELD_OUT)
def test_no_held_out_image_is_a_mirrored_or_moved_twin(emoji, splits, features, name):
    images, trained = emoji.images[getattr(splits, name)], features[splits.train].T
    for moved in (
        images[:, :, ::-1],
        images[:, ::-1],
        np.roll(images, 2, 1),
        np.roll(images, -2, 2),
    ):
        assert (near_duplicate_features(moved) @ trained).max() <= 0.95


def test_captions_of_held_out_concepts_never_occur_in_training(splits):
    concepts = load_concepts()
    held = {
        normalise_caption(text)
        for index in splits.unseen
        for language in LANGUAGES
        for text in concepts[index].captions(language)
    }
    trained = {
        normalise_caption(text)
        for index in splits.seen.tolist()
        for language in LANGUAGES
        for text in training_captions(index, language)
    }
    assert len(held) > 1000
    assert not held & trained


def test_no_training_caption_contains_the_name_of_a_held_out_concept(splits):
    concepts = load_concepts()
    names = {concepts[index].name_en.lower() for index in splits.unseen}
    for index in splits.seen.tolist():
        for text in training_captions(index, "en"):
            padded = f" {normalise_caption(text)} "
            assert not any(f" {name} " in padded for name in names), text


def test_no_name_of_a_held_out_concept_contains_that_of_a_seen_one(splits):
    """Only "person", "man" and the like may: they say nothing of what is held out."""
    concepts = load_concepts()
    people = {"man", "woman", "person", "boy", "girl", "child", "baby", "family"}
    seen = {concepts[index].name_en.lower() for index in splits.seen} - people
    for index in splits.unseen:
        padded = f" {concepts[index].name_en.lower()} "
        assert not [name for name in seen if f" {name} " in padded], padded


def test_every_seen_concept_keeps_its_name_in_both_languages(splits):
    concepts = load_concepts()
    for index in splits.seen.tolist():
        for language in LANGUAGES:
            name = concepts[index].captions(language)[0]
            assert training_captions(index, language)[0] == name


def test_genders_of_one_person_stand_on_one_side(splits):
    concepts, unseen = load_concepts(), set(splits.unseen.tolist())
    place = {concept.name_en: index for index, concept in enumerate(concepts)}
    for name, index in place.items():
        for gender in ("man", "woman"):
            other = place.get(f"{gender} {name}")
            if other is not None:
                assert (index in unseen) == (other in unseen), name


def test_captions_of_a_held_out_concept_are_refused(splits):
    index = int(splits.unseen[0])
    name = load_concepts()[index].name_en
    with pytest.raises(ValueError, match=f"concept {index} .{name}. is not seen in training"):
        training_captions(index)


def test_an_unknown_language_is_refused(splits):
    with pytest.raises(ValueError, match="'fr', expected 'en' or 'zh'"):
        training_captions(int(splits.seen[0]), "fr")


def test_normalising_makes_case_width_and_spaces_equal():
    assert normalise_caption(" Ｔiger　 FACE") == "tiger face"
