"""Read probabilities out of sorted n-gram tables, for whole corpora at once.

Every smoothing of this package, and every ARPA file, has the same shape: a probability for each
n-gram that was seen, and a weight for each context by which the shorter context's probability is
multiplied where the n-gram was not seen (Katz 1987). In logarithms::

    log p(w | u v) = log_prob[u v w]                     if "u v w" is in the table
                     log_backoff[u v] + log p(w | v)     if only "u v" is
                     log p(w | v)                        if neither is
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ravm_course.text.counts import BOS


@dataclass(frozen=True)
class Level:
    """The n-grams of one order with what a back-off model says of them.

    Attributes
    ----------
    keys : numpy.ndarray
        ``parent * n_words + word``, ascending, shape ``(G,)``, as in
        :class:`ravm_course.text.counts.NGrams`.
    log10_prob : numpy.ndarray
        log10 of the probability of the last word after the others, shape ``(G,)``.
    log10_backoff : numpy.ndarray
        log10 of the weight of the shorter context where a longer n-gram is missing,
        shape ``(G,)``; zeros at the highest order.
    """

    keys: np.ndarray
    log10_prob: np.ndarray
    log10_backoff: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    @functools.cached_property
    def prob(self) -> np.ndarray:
        """The probabilities themselves, computed once, shape ``(G,)``."""
        return 10.0**self.log10_prob


def find(keys: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Find each query in a sorted array.

    Parameters
    ----------
    keys
        Ascending and distinct, shape ``(G,)``.
    queries
        In any order, shape ``(Q,)``. They are sorted first: a binary search whose path repeats
        the one before it finds its data in the cache, and is five times faster.

    Returns
    -------
    numpy.ndarray
        Index into ``keys`` of each query, or -1, shape ``(Q,)``.

    Examples
    --------
    >>> find(np.array([2, 3, 5, 7]), np.array([7, 4, 2])).tolist()
    [3, -1, 0]
    """
    index = np.full(len(queries), -1, np.int64)
    if len(keys):
        by_key = np.argsort(queries)
        ordered = queries[by_key]
        at = np.minimum(np.searchsorted(keys, ordered), len(keys) - 1)
        hit = keys[at] == ordered
        index[by_key[hit]] = at[hit]
    return index


def walk(
    levels: Sequence[Level], ids: np.ndarray, position: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Climb from bigrams to the highest order, at all positions of a stream together.

    Parameters
    ----------
    levels
        Tables of order 1, 2, ...
    ids, position
        A stream as :func:`ravm_course.text.counts.encode` returns it, shape ``(T,)``.

    Yields
    ------
    context : numpy.ndarray
        At order n, the index of the (n-1)-gram before each position, or -1, shape ``(T,)``.
    found : numpy.ndarray
        The index of the n-gram that ends at each position, or -1, shape ``(T,)``.
    """
    found = ids
    for n, level in enumerate(levels[1:], 2):
        context = np.full(len(ids), -1, np.int64)
        context[1:] = np.where(position[1:] >= n - 1, found[:-1], -1)
        live = np.flatnonzero(context >= 0)
        found = np.full(len(ids), -1, np.int64)
        found[live] = find(level.keys, context[live] * len(levels[0]) + ids[live])
        yield context, found


def log10_probs(
    levels: Sequence[Level],
    ids: np.ndarray,
    position: np.ndarray,
    unseen: float | None = None,
) -> np.ndarray:
    """Score every position of a stream given the words before it.

    Parameters
    ----------
    levels
        Tables of order 1, 2, ...
    ids, position
        A stream as :func:`ravm_course.text.counts.encode` returns it, shape ``(T,)``.
    unseen
        log10 of the probability that back-off multiplies; by default that of the shorter
        context. Add-k smoothing backs off to the uniform distribution at every order.

    Returns
    -------
    numpy.ndarray
        log10 p(word | words before it in its sentence), shape ``(T,)``.
    """
    result = levels[0].log10_prob[ids]
    for n, (context, found) in enumerate(walk(levels, ids, position), 2):
        below, level = levels[n - 2], levels[n - 1]
        backed_off = result.copy()
        if unseen is not None:
            backed_off[ids != BOS] = unseen
        known = np.flatnonzero(context >= 0)
        backed_off[known] += below.log10_backoff[context[known]]
        hit = np.flatnonzero(found >= 0)
        backed_off[hit] = level.log10_prob[found[hit]]
        result = np.where(position >= n - 1, backed_off, result)
    return result


def distribution(
    levels: Sequence[Level], context: np.ndarray, unseen: float | None = None
) -> np.ndarray:
    """Return the probability of every word of the vocabulary after one context.

    Parameters
    ----------
    levels
        Tables of order 1, 2, ...
    context
        Ids of the words before, oldest first, shape ``(C,)``.
    unseen
        As in :func:`log10_probs`.

    Returns
    -------
    numpy.ndarray
        Probabilities, shape ``(n_words,)``; they sum to one.
    """
    n_words = len(levels[0])
    probs = levels[0].prob.copy()
    for n in range(2, min(len(levels), len(context) + 1) + 1):
        below, level = levels[n - 2], levels[n - 1]
        if unseen is not None:
            probs = np.where(np.arange(n_words) == BOS, 0.0, 10.0**unseen)
        parent = index_of(levels, context[len(context) - n + 1 :])
        if parent >= 0:
            probs = probs * 10.0 ** below.log10_backoff[parent]
            low, high = np.searchsorted(level.keys, [parent * n_words, (parent + 1) * n_words])
            probs[level.keys[low:high] - parent * n_words] = 10.0 ** level.log10_prob[low:high]
    return probs


def index_of(levels: Sequence[Level], ngram: np.ndarray) -> int:
    """Return the index of one n-gram within its order, or -1 if it is not in the table.

    Parameters
    ----------
    levels
        Tables of order 1, 2, ...
    ngram
        Word ids, shape ``(n,)`` with n at least 1.

    Returns
    -------
    int
        The index, or -1.
    """
    index = int(ngram[0])
    for level, word in zip(levels[1:], ngram[1:], strict=False):
        if index >= 0:
            index = int(find(level.keys, np.array([index * len(levels[0]) + int(word)]))[0])
    return index
