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
from ravm_course.data.glosses import Gloss, load_glosses
from ravm_course.data.novel import load_novel
from ravm_course.data.products import Products, load_products
from ravm_course.data.speeches import Speech, load_speeches
from ravm_course.data.stamps import Stamps, load_stamps

__all__ = [
    "Concept",
    "Country",
    "DataError",
    "Emoji",
    "EmojiSplits",
    "Flags",
    "Gloss",
    "Poem",
    "Products",
    "Speech",
    "Stamps",
    "load_classics",
    "load_concepts",
    "load_countries",
    "load_emoji",
    "load_emoji_splits",
    "load_flags",
    "load_glosses",
    "load_novel",
    "load_products",
    "load_speeches",
    "load_stamps",
    "training_captions",
]
