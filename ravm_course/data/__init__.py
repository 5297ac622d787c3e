"""The data that ships with the course, its loaders, and loaders for folders of your own.

Every loader without arguments reads bundled files, checks them against their recorded hash once a
process, needs no network, and returns the same read-only object each time it is called. Folders of
pictures with captions are read by ``load_coco`` and ``load_flickr30k``.
"""

from ravm_course.data.captioned import CaptionedFolder, CaptionError
from ravm_course.data.classics import Poem, load_classics
from ravm_course.data.coco import load_coco
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
from ravm_course.data.flickr30k import load_flickr30k
from ravm_course.data.glosses import Gloss, load_glosses
from ravm_course.data.novel import load_novel
from ravm_course.data.pictures import PictureError, fit_square, read_picture
from ravm_course.data.products import Products, load_products
from ravm_course.data.speeches import Speech, load_speeches
from ravm_course.data.stamps import Stamps, load_stamps

__all__ = [
    "CaptionError",
    "CaptionedFolder",
    "Concept",
    "Country",
    "DataError",
    "Emoji",
    "EmojiSplits",
    "Flags",
    "Gloss",
    "PictureError",
    "Poem",
    "Products",
    "Speech",
    "Stamps",
    "fit_square",
    "load_classics",
    "load_coco",
    "load_concepts",
    "load_countries",
    "load_emoji",
    "load_emoji_splits",
    "load_flags",
    "load_flickr30k",
    "load_glosses",
    "load_novel",
    "load_products",
    "load_speeches",
    "load_stamps",
    "read_picture",
    "training_captions",
]
