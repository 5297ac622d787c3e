"""The data that ships with the course, and its loaders.

Every loader reads bundled files, checks them against their recorded hash once a process, needs no
network, and returns the same read-only object each time it is called.
"""

from ravm_course.data.classics import Poem, load_classics
from ravm_course.data.countries import Country, load_countries
from ravm_course.data.emoji import (
    Concept,
    Emoji,
    EmojiSplits,
    load_concepts,
    load_emoji,
    load_emoji_splits,
    training_captions,
)
from ravm_course.data.files import DataError
from ravm_course.data.flags import Flags, load_flags
from ravm_course.data.novel import load_novel
from ravm_course.data.speeches import Speech, load_speeches

__all__ = [
    "Concept",
    "Country",
    "DataError",
    "Emoji",
    "EmojiSplits",
    "Flags",
    "Poem",
    "Speech",
    "load_classics",
    "load_concepts",
    "load_countries",
    "load_emoji",
    "load_emoji_splits",
    "load_flags",
    "load_novel",
    "load_speeches",
    "training_captions",
]
