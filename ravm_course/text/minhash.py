"""Tell how similar two texts are from a few numbers each: MinHash.

A text as a set of *shingles* (sequences of n tokens) can be compared with another by the share of
shingles that they have in common, the Jaccard similarity. Give every shingle a random number: the
smallest number over both sets is equally likely to belong to any of their shingles, so the two
sets have the same minimum with a probability that *is* the Jaccard similarity (Broder 1997, "On
the resemblance and containment of documents"). With k independent numberings, the share of equal
minima estimates it, with the standard error of k tosses of a coin, and texts of any length are
compared in the same time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from itertools import chain

import numpy as np


def shingles(tokens: Sequence[str], n: int = 3) -> set[tuple[str, ...]]:
    """Return the distinct sequences of `n` tokens of a text.

    Parameters
    ----------
    tokens
        The text as a sequence of words or characters.
    n
        Length of a shingle, at least 1. A text that is shorter is one shingle itself.

    Returns
    -------
    set of tuple
        Empty for an empty text only.

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> sorted(shingles("to be or not to be".split(), n=2))
    [('be', 'or'), ('not', 'to'), ('or', 'not'), ('to', 'be')]
    """
    if n < 1:
        raise ValueError(f"n is {n}: a shingle has at least 1 token.")
    if len(tokens) < n:
        return {tuple(tokens)} if tokens else set()
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def jaccard(a: set, b: set) -> float:
    """Return the size of the intersection divided by the size of the union.

    Parameters
    ----------
    a, b
        Two sets.

    Returns
    -------
    float
        From 0 (nothing in common) to 1 (equal sets, two empty ones too).

    Raises
    ------
    TypeError
        If one of them is no set.

    Examples
    --------
    >>> jaccard({1, 2, 3}, {2, 3, 4})
    0.5
    """
    for given in (a, b):
        if not isinstance(given, Set):
            raise TypeError(
                f"{type(given).__name__} given, a set expected: use set(...) or shingles(...)."
            )
    both = len(a & b)
    union = len(a) + len(b) - both
    return both / union if union else 1.0


def signatures(
    texts: Iterable[Sequence[str]], n: int = 3, k: int = 128, *, seed: int = 0
) -> np.ndarray:
    """Return the k smallest hash values of every text's shingles.

    Parameters
    ----------
    texts
        N texts, each a sequence of words or characters.
    n
        Length of a shingle.
    k
        How many hash functions.
    seed
        Seed of the hash functions. Only signatures of one seed compare.

    Returns
    -------
    numpy.ndarray
        Shape ``(N, k)``, uint64; the largest number everywhere for an empty text.

    Raises
    ------
    ValueError
        If `n` or `k` is below 1.
    TypeError
        If a text is a string: say whether its words or its characters are meant.

    Examples
    --------
    >>> a, b = signatures(["to be or not to be".split(), "to be or to have".split()], n=1, k=1000)
    >>> jaccard({"to", "be", "or", "not"}, {"to", "be", "or", "have"})
    0.6
    >>> bool(abs(estimate(a, b) - 0.6) < 0.05)
    True
    """
    if n < 1 or k < 1:
        raise ValueError(f"n is {n} and k is {k}: give at least 1 for both.")
    texts = list(texts)
    for i, text in enumerate(texts):
        if isinstance(text, str):
            raise TypeError(
                f"text {i} is the string {text[:30]!r}: give its words, text.split(), or its "
                "characters, list(text)."
            )
    values, counts = _hash_shingles(texts, n)
    filled = np.flatnonzero(counts)
    starts = (np.cumsum(counts) - counts)[filled]
    result = np.full((len(texts), k), np.iinfo(np.uint64).max)
    if len(filled):
        keys = np.random.default_rng(seed).integers(2**64, size=k, dtype=np.uint64)
        for j, key in enumerate(keys):
            result[filled, j] = np.minimum.reduceat(_mix(values ^ key), starts)
    return result


def estimate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the share of equal numbers in two signatures, the estimate of the similarity.

    Parameters
    ----------
    a, b
        Signatures of shape ``(..., k)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(...)``. Its standard error is about ``sqrt(J (1 - J) / k)``.

    Raises
    ------
    ValueError
        If the signatures differ in length.

    Examples
    --------
    >>> float(estimate(np.array([3, 1, 4, 1]), np.array([3, 1, 5, 9])))
    0.5
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape[-1:] != b.shape[-1:]:
        raise ValueError(
            f"signatures of shapes {a.shape} and {b.shape} do not compare: make both with the "
            "same k (and the same seed)."
        )
    return (a == b).mean(axis=-1)


def _hash_shingles(texts: list[Sequence[str]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one number a shingle, text after text (M,), and the shingles of each text (N,)."""
    number: dict[str, int] = {}
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    tokens = chain.from_iterable(texts)
    ids = np.fromiter(
        (number.setdefault(token, len(number)) for token in tokens), np.int64, int(lengths.sum())
    )
    of_token = np.array(
        [
            int.from_bytes(
                hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
                "little",
            )
            for token in number
        ],
        np.uint64,
    )
    hashes = of_token[ids] if len(ids) else np.zeros(0, np.uint64)
    first = np.cumsum(lengths) - lengths
    left = np.repeat(first + lengths, lengths) - np.arange(len(hashes))  # tokens to the text's end
    values = np.full(len(hashes), np.uint64(n))
    for j in range(n):
        there = left > j
        values[there] = _mix(values[there] ^ np.roll(hashes, -j)[there])
    counts = np.where(lengths >= n, lengths - n + 1, np.minimum(lengths, 1))
    place = np.arange(len(hashes)) - np.repeat(first, lengths)
    return values[place < np.repeat(counts, lengths)], counts


def _mix(values: np.ndarray) -> np.ndarray:
    """Scramble 64-bit numbers (the finaliser of SplitMix64; Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
