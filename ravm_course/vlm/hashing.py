"""Turn any text into numbers without a vocabulary: the hashing trick.

A vocabulary must be built, stored and kept in step with the weights, and has nothing to say about
a word it has not seen. Hashing needs none of that: every feature of a text (a word, a character
n-gram, a Chinese character, a pair of them) is sent to one of a fixed number of buckets by a hash
function, and the bucket's number is its index in an embedding table (Weinberger et al., "Feature
hashing for large scale multitask learning", ICML 2009; character n-grams as in Bojanowski et al.,
"Enriching word vectors with subword information", TACL 2017). Two features may share a bucket;
with many buckets that is rare, and the sum over a text's features tells texts apart all the same.

The hash must be the same on every machine and in every process, or a shipped checkpoint would read
nonsense. Python's :func:`hash` is salted anew in each process; :func:`zlib.crc32` is not.
"""

from __future__ import annotations

import functools
import re
import unicodedata
import zlib

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
_IS_CJK = re.compile(rf"[{CJK}]")
NGRAM_LENGTHS = (3, 4)
#: Longer texts are hashed anew each time: 100,000 of them would fill the memory of any machine.
REMEMBERED = 1000


def normalize(text: str) -> str:
    """Return `text` in lower case, with full-width letters narrowed and accents removed.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    str
        NFKD, casefolded, without combining marks.

    Examples
    --------
    >>> normalize("Piñata ＡＢＣ")
    'pinata abc'
    """
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def features(text: str) -> list[str]:
    """List the features of a text, in order, with repetitions.

    A run of letters or digits gives the whole word and its character 3- and 4-grams between the
    marks ``<`` and ``>``; a run of Chinese characters gives each character and each neighbouring
    pair. A prefix keeps the kinds apart: the word ``cat`` and the 3-gram ``cat`` are two features.

    Parameters
    ----------
    text
        English, Chinese, or both.

    Returns
    -------
    list of str
        Empty if the text holds no letter, digit or Chinese character.

    Examples
    --------
    >>> features("Cat")
    ['w:cat', 'n:<ca', 'n:cat', 'n:at>', 'n:<cat', 'n:cat>']
    >>> features("红苹果")
    ['c:红', 'c:苹', 'c:果', 'p:红苹', 'p:苹果']
    """
    found = []
    for run in _RUN.findall(normalize(text)):
        if _IS_CJK.match(run):
            found += [f"c:{character}" for character in run]
            found += [f"p:{run[i : i + 2]}" for i in range(len(run) - 1)]
        else:
            found.append(f"w:{run}")
            marked = f"<{run}>"
            for n in NGRAM_LENGTHS:
                found += [f"n:{marked[i : i + n]}" for i in range(len(marked) - n + 1)]
    return found


def bucket(feature: str, buckets: int) -> int:
    """Return the bucket of a feature, from 1 to ``buckets - 1``.

    Bucket 0 is kept for texts without any feature.

    Parameters
    ----------
    feature
        One string of :func:`features`.
    buckets
        Size of the embedding table, at least 2.

    Returns
    -------
    int
        The same number on every machine.

    Examples
    --------
    >>> bucket("w:cat", 8192)
    1189
    """
    return 1 + zlib.crc32(feature.encode("utf-8")) % (buckets - 1)


def hash_text(text: str, buckets: int) -> tuple[int, ...]:
    """Return the buckets of all features of `text`, in order; ``(0,)`` if it has none.

    Parameters
    ----------
    text
        Any text.
    buckets
        Size of the embedding table, at least 2.

    Returns
    -------
    tuple of int
        One bucket a feature.

    Raises
    ------
    TypeError
        If `text` is not a string.
    ValueError
        If `buckets` is less than 2.

    Examples
    --------
    >>> hash_text("!?", 8192)
    (0,)
    >>> hash_text("left cat", 8192) == hash_text("cat left", 8192)
    False
    >>> sorted(hash_text("left cat", 8192)) == sorted(hash_text("cat left", 8192))
    True
    """
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, got {type(text).__name__}: {text!r}.")
    if buckets < 2:
        raise ValueError(f"buckets is {buckets}: at least 2 are needed, of which 0 is kept empty.")
    return (_remembered if len(text) <= REMEMBERED else _hashed)(text, buckets)


def _hashed(text: str, buckets: int) -> tuple[int, ...]:
    """Return the buckets of all features of a text."""
    return tuple(bucket(feature, buckets) for feature in features(text)) or (0,)


_remembered = functools.lru_cache(maxsize=100_000)(_hashed)
