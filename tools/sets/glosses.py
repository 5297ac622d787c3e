"""Glosses of WordNet for what the emoji and the stamps show, and others as distractors.

A name is looked up among WordNet's nouns. The first, most frequent sense is often another one: a
*tiger* is first "a fierce or audacious person", *lobster* first a dish. So the sense that is taken
is one whose lexicographer file (animal, food, artifact …) fits the subgroup of the emoji or the
category of the stamp, if possible one that WordNet lists under this very name; where none fits, the
name is left unlinked. All links were read by eye, and those that were still wrong are set by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from archives import json_bytes, member, members, xz_bytes

from sets import _emoji, stamps
from sets.emoji import provenance

SOURCES = ("wordnet", *_emoji.TABLES, "tuxpaint-stamps")
SEED, DISTRACTORS = 0, 3000
FOLDER = "usr/share/wordnet/"

# lexicographer files of WordNet, by number
ANIMAL, ARTIFACT, BODY, FOOD, PERSON, PLANT = "05", "06", "08", "13", "18", "20"
LEXNAMES = {
    "04": "act",
    ANIMAL: "animal",
    ARTIFACT: "artifact",
    BODY: "body",
    "10": "communication",
    "11": "event",
    FOOD: "food",
    "15": "location",
    "17": "object",
    PERSON: "person",
    "19": "phenomenon",
    PLANT: "plant",
    "21": "possession",
    "25": "shape",
    "27": "substance",
    "28": "time",
}

# which files fit: subgroup of an emoji or category of a stamp, longest prefix first
FITTING = {
    "animal": (ANIMAL,),
    "plant-flower": (PLANT,),
    "plant": (PLANT, "17"),
    "food-fruit": (FOOD, PLANT),
    "food-vegetable": (FOOD, PLANT),
    "food": (FOOD,),
    "drink": (FOOD, ARTIFACT),
    "dishware": (ARTIFACT,),
    "place-geographic": ("17", "15"),
    "place": (ARTIFACT, "17", "15"),
    "transport": (ARTIFACT,),
    "hotel": (ARTIFACT,),
    "time": (ARTIFACT,),
    "sky-weather": ("17", "19", "06", "11", "25"),
    "event": (ARTIFACT, PLANT, "11"),
    "award-medal": (ARTIFACT, "10"),
    "sport": (ARTIFACT, "04"),
    "game": (ARTIFACT, "04"),
    "arts-crafts": (ARTIFACT,),
    "sound": (ARTIFACT,),
    "music": (ARTIFACT, "10"),
    "money": ("21", ARTIFACT, "10"),
    "mail": (ARTIFACT, "10"),
    "book-paper": (ARTIFACT, "10"),
    "clothing": (ARTIFACT, "17"),
    "medical": (ARTIFACT, BODY),
    "science": (ARTIFACT, "27"),
    "animals": (ANIMAL,),
    "people": (BODY, PERSON, ARTIFACT),
    "plants": (PLANT,),
    "seasonal": ("19", ANIMAL, ARTIFACT, PLANT, FOOD, BODY, "17"),
    "sports": (ARTIFACT,),
    "hobbies": (ARTIFACT,),
    "household": (ARTIFACT, BODY),
    "town": (ARTIFACT,),
    "vehicles": (ARTIFACT,),
    "clothes": (ARTIFACT,),
    "military": (ARTIFACT,),
    "naturalforces": ("19", "11"),
    "space": (ARTIFACT, "17", PERSON),
    "": (ARTIFACT,),
}
GROUPS = ("animals-nature", "food-drink", "travel-places", "activities", "objects")

# set by hand after reading all links: the sense of a name by its number, or none
CHOSEN = {
    "peacock": "peacock 2",
    "black bird": "blackbird 2",
    "blackbird": "blackbird 2",
    "dragon": "dragon 1",
    "dragon face": "dragon 1",
    "ice": "ice 1",
    "wood": "wood 1",
    "hot springs": "hot spring 1",
    "fire": "fire 3",
    "hut": "hut 2",
    "tram": "tram 3",
    "tram car": "tramcar 2",
    "jack-o-lantern": "jack-o'-lantern 2",
    "jack-o'-lantern": "jack-o'-lantern 2",
    "boar": "wild boar 1",
    "ribbon": "ribbon 4",
    "rosette": "rosette 1",
    "crown": "crown 4",
    "ring": "ring 8",
    "notebook": "notebook 1",
    "abacus": "abacus 2",
    "hammer": "hammer 2",
    "pick": "pick 7",
    "chains": "chain 3",
    "hook": "hook 5",
    "bubbles": "bubble 1",
    "toilet": "toilet 2",
    "headstone": "headstone 2",
    "tooth": "tooth 1",
    "holm oak": "holm oak 2",
    "label": "label 4",
    "black cat": "",
    "construction": "",
    "sparkles": "",
    "woman's hat": "",
    "blue book": "",
    "cityscape": "",
    "butterflyfish": "",
    "shortcake": "",
    "pants": "",
}


@dataclass(frozen=True)
class Synset:
    """One sense: its offset in WordNet's file, file number, words, gloss and hypernyms."""

    offset: str
    lexname: str
    words: tuple[str, ...]
    gloss: str
    hypernyms: tuple[str, ...]


def read(archive: Path) -> tuple[dict[str, Synset], dict[str, list[str]]]:
    """Return all noun synsets by offset, and the offsets of each lemma by frequency."""
    files = members(archive, lambda name: name.endswith(("data.noun", "index.noun")))
    synsets, senses = {}, {}
    for line in files[FOLDER + "data.noun"].decode("utf-8").splitlines():
        if line.startswith(" "):
            continue
        head, gloss = line.split("|", 1)
        parts = head.split()
        count = int(parts[3], 16)
        words = tuple(parts[4 + 2 * i].replace("_", " ") for i in range(count))
        start = 4 + 2 * count
        pointers = [parts[start + 1 + 4 * i : start + 5 + 4 * i] for i in range(int(parts[start]))]
        above = tuple(pointer[1] for pointer in pointers if pointer[0] in ("@", "@i"))
        synsets[parts[0]] = Synset(parts[0], parts[1], words, gloss.strip(), above)
    for line in files[FOLDER + "index.noun"].decode("utf-8").splitlines():
        if not line.startswith(" "):
            parts = line.split()
            senses[parts[0].replace("_", " ")] = parts[-int(parts[2]) :]
    return synsets, senses


def forms(name: str, kind: str) -> list[str]:
    """Return the ways in which WordNet may list a name, the most literal first."""
    plain = re.sub(r"[“”\"()]", "", name.lower()).replace("’", "'")
    plain = re.sub(r"^(a pair of|an?|the|some|two) ", "", plain)
    found = [plain, plain.replace("-", " "), plain.replace(" ", "")]
    if kind.startswith("animal"):
        found.append(plain.removesuffix(" face"))
    for form in list(found):
        if form.endswith("ies"):
            found.append(form[:-3] + "y")
        if form.endswith("s"):
            found.append(form[:-1])
    return list(dict.fromkeys(found))


def link(name: str, kind: str, synsets: dict[str, Synset], senses: dict[str, list[str]]) -> str:
    """Return the offset of the sense that fits `kind`, or an empty string."""
    names = forms(name, kind)
    if names[0] in CHOSEN:
        lemma, _, number = CHOSEN[names[0]].rpartition(" ")
        return senses[lemma][int(number) - 1] if lemma else ""
    prefix = max((key for key in FITTING if kind.startswith(key)), key=len)
    for form in names:
        for lexname in FITTING[prefix]:
            fitting = [o for o in senses.get(form, ()) if synsets[o].lexname == lexname]
            own = [offset for offset in fitting if synsets[offset].words[0] == form]
            if fitting:
                return (own or fitting)[0]
    return ""


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write the glosses with their links, and the licence."""
    (out / "glosses").mkdir(parents=True)
    (out / "licences").mkdir()
    synsets, senses = read(sources["wordnet"])
    emoji: dict[str, list[str]] = {}
    for row in _emoji.concepts(sources):
        if row["group"] in GROUPS:
            offset = link(row["name_en"], row["subgroup"], synsets, senses)
            if offset:
                emoji.setdefault(offset, []).append(row["codepoint"])
    pictures: dict[str, list[str]] = {}
    for row in stamps.read(sources["tuxpaint-stamps"])[0]:
        offset = link(row["caption_en"], row["category"], synsets, senses)
        if offset:
            pictures.setdefault(offset, []).append(row["name"])
    linked = set(emoji) | set(pictures)
    used = {synsets[offset].lexname for offset in linked}
    others = [
        offset
        for offset, synset in synsets.items()
        if offset not in linked and synset.lexname in used and synset.words[0].islower()
    ]
    chosen = np.random.default_rng(SEED).choice(len(others), DISTRACTORS, replace=False)
    offsets = sorted(linked | {others[place] for place in chosen})
    rows = []
    for offset in offsets:
        synset = synsets[offset]
        definition, examples = split_gloss(synset.gloss)
        rows.append(
            {
                "synset": f"{offset}-n",
                "words": synset.words,
                "kind": LEXNAMES.get(synset.lexname, synset.lexname),
                "definition": definition,
                "examples": examples,
                "hypernyms": [synsets[above].words[0] for above in synset.hypernyms],
                "emoji": emoji.get(offset, []),
                "stamps": pictures.get(offset, []),
            }
        )
    (out / "glosses/glosses.json.xz").write_bytes(xz_bytes(json_bytes(rows, lines=True)))
    text = member(sources["wordnet"], "usr/share/doc/wordnet-base/copyright")
    (out / "licences/wordnet.txt").write_bytes(text)
    shared = {"licence": "WordNet-3.0", "source": provenance("wordnet")}
    note = (
        f"{len(rows)} noun senses: {len(emoji)} linked to {sum(map(len, emoji.values()))} emoji, "
        f"{len(pictures)} to {sum(map(len, pictures.values()))} stamps, and {DISTRACTORS} others "
        f"of the same kinds, drawn with seed {SEED}; {len(CHOSEN)} links were set by hand"
    )
    return [
        {"file": "glosses/glosses.json.xz", **shared, "note": note},
        {"file": "licences/wordnet.txt", **shared, "note": "copyright notice and licence text"},
    ]


def split_gloss(gloss: str) -> tuple[str, list[str]]:
    """Return the definition of a gloss and its examples, which stand in quotation marks."""
    examples = [text.strip() for text in re.findall(r'"([^"]*)"', gloss)]
    definition = re.split(r';?\s*"', gloss, maxsplit=1)[0]
    return definition.strip().rstrip(";:").strip(), examples
