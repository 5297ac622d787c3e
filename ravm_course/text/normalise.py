"""Clean text of what was never meant, and count what a Unicode normalisation would destroy.

One text can be written in several ways: "é" is one code point or two, and the eye sees no
difference. Unicode's normal forms (Unicode Standard Annex 15) choose one. NFC composes what is
*the same* character; NFKC also replaces what the standard only counts as *compatible*, such as "²"
by "2", and that can change what a text says. Neither can be undone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Literal

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

# C0 and C1 controls but tab and line feed; the byte order mark; lone surrogates; noncharacters
_NEVER_MEANT = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def clean(text: str) -> str:
    r"""Remove what no writer means: control characters and the like; write line ends as ``\n``.

    Vertical tabs and form feeds end lines, too, so that no two words are glued together. What can
    be seen stays, and so do the invisible characters that carry meaning, such as the joiner U+200D
    within emoji and in Indic scripts and the non-joiner U+200C in Persian. Spaces stay as they are.

    Parameters
    ----------
    text
        Any string.

    Returns
    -------
    str
        In NFC.

    Examples
    --------
    >>> clean("\ufeffcafe\u0301\x00 au\r\nlait")
    'café au\nlait'
    >>> clean("\x07 once\x0cmore")
    ' once\nmore'
    """
    return unicodedata.normalize("NFC", _NEVER_MEANT.sub("", _LINE_END.sub("\n", text)))


def changed(text: str, form: Form = "NFKC") -> Counter[tuple[str, str]]:
    """Count what a normal form would replace.

    Parameters
    ----------
    text
        Any string.
    form
        ``"NFC"``, ``"NFD"``, ``"NFKC"`` or ``"NFKD"``.

    Returns
    -------
    collections.Counter
        How often each (before, after) occurs, before being a character with the marks that
        belong to it.

    Raises
    ------
    ValueError
        If `form` is none of the four.

    Examples
    --------
    >>> changed("10² m² ½ ﬁne").most_common()
    [(('²', '2'), 2), (('½', '1⁄2'), 1), (('ﬁ', 'fi'), 1)]
    >>> changed("10² m²", "NFC")
    Counter()
    """
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise ValueError(f"form is {form!r}: give 'NFC', 'NFD', 'NFKC' or 'NFKD'.")
    counts: Counter[tuple[str, str]] = Counter()
    if unicodedata.is_normalized(form, text):
        return counts
    for piece, times in Counter(_characters(text, form)).items():
        after = unicodedata.normalize(form, piece)
        if after != piece:
            counts[piece, after] += times
    return counts


def _characters(text: str, form: Form) -> Iterator[str]:
    """Cut a text so that the pieces can be normalised one by one."""
    start = 0
    for i in range(1, len(text)):
        if not text[i].isascii() and _joins(text[start:i], text[i], form):
            continue
        yield text[start:i]
        start = i
    if text:
        yield text[start:]


def _joins(piece: str, character: str, form: Form) -> bool:
    """Tell whether a character composes with, or is put in order among, the piece before it."""
    normal = unicodedata.normalize
    return bool(unicodedata.combining(normal(form, character)[0])) or normal(
        form, piece + character
    ) != normal(form, piece) + normal(form, character)
