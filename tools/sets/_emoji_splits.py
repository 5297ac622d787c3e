"""Divide the emoji so that no test question was seen in training.

Two things are held out: *artists* (openmoji for validation, emojione for test, and emojione-v1,
which is of emojione's family, nowhere) and *concepts* (about one in eight). A concept that is held
out takes its relatives along: other genders of the same person, other colours of the same thing,
other ranks of the same medal, and every concept whose name contains its name. Large families
(clocks, plain faces) stay in training as a whole.

Test pictures that look like a training picture, also mirrored or moved by two pixels, are dropped.
Training captions that are also a caption of a held-out concept are blocked, and a concept that
loses its own name this way is set aside, in no split at all.
"""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from ravm_course.data.emoji import near_duplicate_features, normalise_caption

TRAIN = ("noto", "noto-v1", "twemoji", "fluent-emoji-flat", "fxemoji")
SHARE, SEED = 0.12, 17
LARGEST = 6  # a family of more concepts is never held out
COST = 1  # nor is one whose captions are the names of more concepts outside it
ALIKE = 0.95  # cosine of 16 x 16 pixels above which two pictures count as the same

PEOPLE = {"man", "woman", "person", "boy", "girl", "child", "baby", "family"}
COLOURS = set(
    "red orange yellow green blue purple brown black white grey pink light dark".split()  # noqa: SIM905
)
NUMBERS = set(
    "one two three four five six seven eight nine ten eleven twelve thirty o’clock".split()  # noqa: SIM905
)


def words(text: str) -> list[str]:
    """Return the words of a caption in lower case."""
    return re.findall(r"[\w’']+", text.lower())


def sibling(codepoint: str) -> str:
    """Return a key that is the same for all genders of one person or activity."""
    parts = [part for part in codepoint.split("-") if part not in ("2640", "2642", "27a1")]
    if "200d" in parts and parts[0] in ("1f9d1", "1f468", "1f469"):
        parts[0] = "person"
    return "-".join(part for part in parts if part != "200d")


def template(name: str) -> str:
    """Return a name without colours, numbers and hours: what its variants share."""
    kept = [
        word
        for word in words(name)
        if word not in COLOURS and word not in NUMBERS and not word[0].isdigit()
    ]
    return " ".join(kept) or "clock"


def relatives(concepts: list[dict]) -> list[list[int]]:
    """Return the concepts in groups that must not be divided.

    Parameters
    ----------
    concepts
        The table of concepts.

    Returns
    -------
    list of list of int
        A partition of ``range(len(concepts))``, each part and the whole in order.
    """
    parent = list(range(len(concepts)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    def join(one: int, other: int) -> None:
        low, high = sorted((root(one), root(other)))
        parent[high] = low

    first: dict[str, int] = {}
    for index, concept in enumerate(concepts):
        for key in (
            "code " + sibling(concept["codepoint"]),
            "name " + template(concept["name_en"]),
        ):
            join(first.setdefault(key, index), index)
    english = [" " + " ".join(words(concept["name_en"])) + " " for concept in concepts]
    chinese = [normalise_caption(concept["name_zh"]) for concept in concepts]
    for one, name in enumerate(english):
        if name.strip() in PEOPLE:
            continue
        for other in range(len(concepts)):
            inside = len(chinese[one]) > 1 and chinese[one] in chinese[other]
            if name in english[other] or inside:
                join(one, other)
    groups = defaultdict(list)
    for index in range(len(concepts)):
        groups[root(index)].append(index)
    return [groups[key] for key in sorted(groups)]


def hold_out(concepts: list[dict]) -> list[int]:
    """Return the indices of the concepts that are never seen in training."""
    names = [
        {normalise_caption(concept["name_en"]), normalise_caption(concept["name_zh"])}
        for concept in concepts
    ]

    def cost(group: list[int]) -> int:
        held = caption_set(concepts, group)
        return sum(bool(names[i] & held) for i in range(len(concepts)) if i not in group)

    groups = [
        group
        for group in relatives(concepts)
        if len(group) <= LARGEST
        and not any(concepts[i]["name_en"] in PEOPLE for i in group)
        and cost(group) <= COST
    ]
    unseen: list[int] = []
    for place in np.random.default_rng(SEED).permutation(len(groups)):
        if len(unseen) >= SHARE * len(concepts):
            break
        unseen += groups[place]
    return sorted(unseen)


def caption_set(concepts: list[dict], indices: list[int]) -> set[str]:
    """Return all captions of some concepts in both languages, normalised."""
    return {
        normalise_caption(text)
        for index in indices
        for language in ("en", "zh")
        for text in captions(concepts[index], language)
    }


def blocked_captions(concepts: list[dict], unseen: list[int]) -> dict[str, list[str]]:
    """Return, by language, the captions of seen concepts that must not be trained on.

    A caption is blocked if it equals, up to case, width and spaces, a name or keyword of a
    held-out concept in either language, or contains the whole name of one.
    """
    held = set(unseen)
    exact = caption_set(concepts, unseen)
    english, chinese = set(), set()
    for index in unseen:
        concept = concepts[index]
        english.add(" " + " ".join(words(concept["name_en"])) + " ")
        if len(concept["name_zh"]) > 1:
            chinese.add(normalise_caption(concept["name_zh"]))
    found = {"en": set(), "zh": set()}
    for index, concept in enumerate(concepts):
        if index in held:
            continue
        for language in found:
            for text in captions(concept, language):
                plain = normalise_caption(text)
                spaced = " " + " ".join(words(plain)) + " "
                inside = any(name in spaced for name in english)
                inside = inside or any(name in plain for name in chinese)
                if plain in exact or inside:
                    found[language].add(plain)
    return {language: sorted(texts) for language, texts in found.items()}


def captions(concept: dict, language: str) -> list[str]:
    """Return the name and the keywords of a concept, without repetition."""
    texts = [concept[f"name_{language}"], *concept[f"keywords_{language}"]]
    return list(dict.fromkeys(text for text in texts if text))


def variants(images: np.ndarray) -> list[np.ndarray]:
    """Return images as they are, mirrored both ways, and moved by two pixels each way."""
    moved = [np.roll(images, step, axis) for axis in (1, 2) for step in (-2, 2)]
    return [images, images[:, :, ::-1], images[:, ::-1], *moved]


def split(
    concepts: list[dict], artist: np.ndarray, concept: np.ndarray, images: np.ndarray
) -> dict:
    """Return the whole division as it is stored.

    Parameters
    ----------
    concepts
        The table of concepts.
    artist, concept
        Of each image, shape ``(N,)``.
    images
        As they are shipped, uint8 of shape ``(N, 64, 64, 3)``.

    Returns
    -------
    dict
        Index lists, the blocked captions, the rules and how much each of them dropped.
    """
    unseen = hold_out(concepts)
    blocked = blocked_captions(concepts, unseen)
    nameless = [
        index
        for index in range(len(concepts))
        if index not in unseen
        and any(
            normalise_caption(concepts[index][f"name_{language}"]) in blocked[language]
            for language in blocked
        )
    ]
    held = np.isin(concept, unseen)
    train = np.flatnonzero(np.isin(artist, TRAIN) & ~held & ~np.isin(concept, nameless))
    trained = np.unique(concept[train])
    known = np.isin(concept, trained)
    candidates = {
        "validation": np.flatnonzero((artist == "openmoji") & known),
        "test_artist": np.flatnonzero((artist == "emojione") & known),
        "test_concept": np.flatnonzero((artist == "noto") & held),
        "test_both": np.flatnonzero((artist == "emojione") & held),
    }
    gallery = near_duplicate_features(images[train])
    result, dropped = {"train": train.tolist()}, {}
    for name, index in candidates.items():
        closest = np.max(
            [(near_duplicate_features(v) @ gallery.T).max(1) for v in variants(images[index])], 0
        )
        result[name] = index[closest <= ALIKE].tolist()
        dropped[name] = int((closest > ALIKE).sum())
    return {
        "seed": SEED,
        "alike": ALIKE,
        "train_artists": list(TRAIN),
        "seen": trained.tolist(),
        "unseen": unseen,
        "set_aside": sorted(set(range(len(concepts))) - set(trained.tolist()) - set(unseen)),
        **result,
        "dropped_near_duplicates": dropped,
        "blocked_captions": blocked,
    }
