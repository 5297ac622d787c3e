r"""Cut text into pre-tokens, and write bytes as visible characters, both as GPT-2 does.

Byte-pair encoding never merges across the border of two *pre-tokens*. GPT-2 (Radford et al. 2019,
section 2.2) cuts so that a word keeps the space before it, and letters, numbers and other signs
part. In the notation of regular expressions, with \p{L} for letters and \p{N} for numbers::

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

The pieces, put one behind the other, are the text: nothing is lost.

A token is a sequence of bytes, and some bytes are no character, or one that cannot be seen. In
files and on the screen each byte therefore stands as one visible character: itself where that can
be seen, and otherwise one from U+0100 on, so that a space is Ġ and a line feed Ċ.
"""

from __future__ import annotations

import functools
import re

from ravm_course.text.letters import letters, numbers

_SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SEEN = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_UNSEEN = [byte for byte in range(256) if byte not in set(_SEEN)]

#: The 256 bytes in the order of their visible characters: the first tokens of every vocabulary.
BYTES = tuple(bytes([byte]) for byte in _SEEN + _UNSEEN)
_VISIBLE = {byte: byte for byte in _SEEN} | {byte: 256 + i for i, byte in enumerate(_UNSEEN)}
_BYTE_OF = {visible: byte for byte, visible in _VISIBLE.items()}
_ALPHABET = frozenset(map(chr, _BYTE_OF))


@functools.cache
def _pattern(limit: int) -> re.Pattern[str]:
    """Return GPT-2's pattern with the classes written out up to the code point `limit`."""
    letter, number = letters(limit), numbers(limit)
    return re.compile(
        rf"'(?:[stmd]|re|ve|ll)| ?[{letter}]+| ?[{number}]+| ?[^{_SPACE}{letter}{number}]+"
        rf"|[{_SPACE}]+(?![^{_SPACE}])|[{_SPACE}]+"
    )


def pretokenise(text: str) -> list[str]:
    r"""Cut a text into pre-tokens.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    list of str
        The pieces, none empty; ``"".join`` gives the text again.

    Examples
    --------
    >>> pretokenise("We don't owe $1,234.\n\n  Do we?")
    ['We', ' don', "'t", ' owe', ' $', '1', ',', '234', '.', '\n\n ', ' Do', ' we', '?']
    """
    return _pattern(0x10FFFF if _ASTRAL.search(text) else 0xFFFF).findall(text)


def to_visible(token: bytes) -> str:
    r"""Write bytes as visible characters, one for each.

    Parameters
    ----------
    token
        Any bytes.

    Returns
    -------
    str
        As long as `token`.

    Examples
    --------
    >>> to_visible(" naïve\n".encode())
    'ĠnaÃ¯veĊ'
    """
    return token.decode("latin-1").translate(_VISIBLE)


def from_visible(text: str) -> bytes:
    r"""Turn what :func:`to_visible` wrote into bytes again.

    Parameters
    ----------
    text
        Characters of the visible alphabet.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If a character stands for no byte.

    Examples
    --------
    >>> from_visible("ĠnaÃ¯ve").decode()
    ' naïve'
    """
    if not _ALPHABET.issuperset(text):
        strange = next(character for character in text if character not in _ALPHABET)
        raise ValueError(
            f"{text[:40]!r} holds {strange!r}, which stands for no byte: this is not text in the "
            "visible alphabet of byte-level tokenizers, in which a space is 'Ġ'."
        )
    return text.translate(_BYTE_OF).encode("latin-1")
