"""The data that ships with the course, and its loaders.

Every loader reads bundled files, checks them against their recorded hash once a process, needs no
network, and returns the same read-only object each time it is called.
"""

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

__all__ = [
    "Concept",
    "DataError",
    "Emoji",
    "EmojiSplits",
    "Flags",
    "load_concepts",
    "load_emoji",
    "load_emoji_splits",
    "load_flags",
    "training_captions",
]
