"""Three classics of Chinese: Tang poems, the Analects and the Book of Songs.

Text without spaces, in two scripts and two thousand years of language: for modelling characters,
for segmentation and for tokenizers that were not made for English. From npm ``chinese-poetry``
2.0.1 (MIT); what was left out and known faults stand in ``MANIFEST.json``.
"""

from __future__ import annotations

import functools
import json
import lzma
from dataclasses import dataclass

from ravm_course.data import files


@dataclass(frozen=True)
class Poem:
    """A poem, or a chapter of prose.

    Attributes
    ----------
    title, author
        In Chinese; the author of the Songs is ``"佚名"``, unknown.
    text
        Its lines, parted by line breaks.
    collection
        ``"tang300"`` (唐詩三百首), ``"lunyu"`` (論語) or ``"shijing"`` (詩經).
    section
        Part of the collection, such as ``"国风·周南"``.
    """

    title: str
    author: str
    text: str
    collection: str
    section: str

    @property
    def script(self) -> str:
        """The script it is written in: ``"traditional"`` (Tang poems) or ``"simplified"``."""
        return "traditional" if self.collection == "tang300" else "simplified"


@functools.cache
def load_classics() -> tuple[Poem, ...]:
    r"""Return all poems and chapters, collection after collection.

    Returns
    -------
    tuple of Poem
        Tang poems in traditional script, then the 20 chapters of the Analects and the 305 songs in
        simplified script.

    Raises
    ------
    ravm_course.data.files.DataError
        If the bundled file is missing or damaged.

    Examples
    --------
    >>> poem = next(poem for poem in load_classics() if poem.title == "靜夜思")
    >>> poem.author, poem.text
    ('李白', '牀前看月光，疑是地上霜。\n舉頭望山月，低頭思故鄉。')
    >>> next(poem for poem in load_classics() if poem.collection == "lunyu").title
    '学而篇'
    """
    packed = files.path("classics/classics.json.xz").read_bytes()
    return tuple(Poem(**row) for row in json.loads(lzma.decompress(packed)))
