"""Definitions of what the pictures show: WordNet's glosses, linked to emoji and stamps.

WordNet (Miller, 1995) groups English nouns into *synsets*, one for each sense, and defines each in
a gloss: knowledge in sentences about the things in the pictures, without their names given away by
a caption. Three thousand glosses of other things of the same kinds come along as distractors.
"""

from __future__ import annotations

import functools
import json
import lzma
from dataclasses import dataclass

from ravm_course.data import files
from ravm_course.data.emoji import load_concepts
from ravm_course.data.stamps import load_stamps


@dataclass(frozen=True)
class Gloss:
    """One sense of WordNet.

    Attributes
    ----------
    synset
        WordNet 3.0's identifier, such as ``"02129604-n"``.
    words
        All words for this sense, the usual one first.
    kind
        WordNet's lexicographer file: ``"animal"``, ``"artifact"``, ``"food"`` …
    definition
        What it is.
    examples
        Sentences or phrases with the word; often none.
    hypernyms
        More general words, one for each synset above: tiger is a big cat.
    concepts
        Indices of :attr:`ravm_course.data.Emoji.concepts` that show it; empty for a distractor.
    stamps
        Indices of images of :class:`ravm_course.data.Stamps` that show it.
    """

    synset: str
    words: tuple[str, ...]
    kind: str
    definition: str
    examples: tuple[str, ...]
    hypernyms: tuple[str, ...]
    concepts: tuple[int, ...]
    stamps: tuple[int, ...]


@functools.cache
def load_glosses() -> tuple[Gloss, ...]:
    """Return the glosses, in the order of WordNet's file.

    Returns
    -------
    tuple of Gloss

    Raises
    ------
    ravm_course.data.files.DataError
        If a bundled file is missing or damaged.

    Examples
    --------
    >>> tiger = next(gloss for gloss in load_glosses() if gloss.words[0] == "tiger")
    >>> tiger.kind, tiger.hypernyms
    ('animal', ('big cat',))
    """
    text = lzma.decompress(files.path("glosses/glosses.json.xz").read_bytes())
    concept = {row.codepoint: place for place, row in enumerate(load_concepts())}
    stamp = {name: place for place, name in enumerate(load_stamps().name)}
    return tuple(
        Gloss(
            synset=row["synset"],
            words=tuple(row["words"]),
            kind=row["kind"],
            definition=row["definition"],
            examples=tuple(row["examples"]),
            hypernyms=tuple(row["hypernyms"]),
            concepts=tuple(concept[code] for code in row["emoji"] if code in concept),
            stamps=tuple(stamp[name] for name in row["stamps"] if name in stamp),
        )
        for row in json.loads(text)
    )
