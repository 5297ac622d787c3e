"""Count every n-gram of a corpus with sorting instead of dictionaries.

An n-gram is known by two integers: which (n-1)-gram it extends, and by which word. Their
combination ``parent * n_words + word`` fits into 64 bits at any order, because ``parent`` counts
the n-grams that occur and not those that could; ``n_words ** n`` would overflow at order 5 with
eight thousand words. Sorting the keys of all positions puts equal n-grams side by side, so that
counting is one pass over the sorted array, and looking up is binary search. This is the layout of
a sorted trie (Pauls and Klein 2011, "Faster and smaller n-gram language models", section 3).

A sentence ``a b`` becomes the stream ``<s> a b </s>``: the start symbol gives the first word a
context, the end symbol makes the probabilities of all sentences, of all lengths, sum to one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

UNK, BOS, EOS = 0, 1, 2
SPECIAL = ("<unk>", "<s>", "</s>")


@dataclass(frozen=True)
class NGrams:
    """All distinct n-grams of one order, sorted by the n-gram they extend and then by word.

    Attributes
    ----------
    keys : numpy.ndarray
        ``parent * n_words + word`` of each n-gram, ascending, shape ``(G,)``, int64.
    count : numpy.ndarray
        How often each occurs, shape ``(G,)``; 0 for ``<s>`` alone, which nothing predicts.
    suffix : numpy.ndarray
        For each, the index of the n-gram without its first word among those one order shorter,
        shape ``(G,)``. All zero at order 1.
    from_start : numpy.ndarray
        Whether it begins with ``<s>``, shape ``(G,)``, bool.
    n_words : int
        Size of the vocabulary with the three special symbols.
    """

    keys: np.ndarray
    count: np.ndarray
    suffix: np.ndarray
    from_start: np.ndarray
    n_words: int

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def parent(self) -> np.ndarray:
        """Index of the n-gram without its last word, one order shorter, shape ``(G,)``."""
        return self.keys // self.n_words

    @property
    def word(self) -> np.ndarray:
        """Id of the last word, shape ``(G,)``."""
        return self.keys % self.n_words


def as_sentences(sentences: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    """Return the sentences as a list after refusing the usual mistake of passing plain text.

    Parameters
    ----------
    sentences
        Any iterable of sentences, each a sequence of tokens.

    Returns
    -------
    list
        The same sentences.

    Raises
    ------
    TypeError
        If a sentence, or the whole argument, is a string: Python would count its characters.

    Examples
    --------
    >>> as_sentences(["we the people"])
    Traceback (most recent call last):
    ...
    TypeError: sentence 0 is the string 'we the people': give a list of tokens, such as .split().
    """
    if isinstance(sentences, str):
        raise TypeError(
            f"sentences is the string {sentences[:40]!r}: give a list of sentences, "
            "each a list of tokens."
        )
    sentences = list(sentences)
    for i, sentence in enumerate(sentences):
        if isinstance(sentence, str):
            raise TypeError(
                f"sentence {i} is the string {sentence[:40]!r}: give a list of tokens, "
                "such as .split()."
            )
    return sentences


def build_vocabulary(sentences: Sequence[Sequence[str]], min_count: int = 1) -> dict[str, int]:
    """Give the words of a corpus ids in order of first appearance, after the special symbols.

    Parameters
    ----------
    sentences
        Sentences as sequences of tokens.
    min_count
        Words that occur less often stay out, and are counted as ``<unk>``.

    Returns
    -------
    dict
        Word to id; ``<unk>`` is 0, ``<s>`` is 1, ``</s>`` is 2.

    Raises
    ------
    TypeError
        If a token is not a string.

    Examples
    --------
    >>> build_vocabulary([["a", "b"], ["a"]])
    {'<unk>': 0, '<s>': 1, '</s>': 2, 'a': 3, 'b': 4}
    >>> build_vocabulary([["a", "b"], ["a"]], min_count=2)
    {'<unk>': 0, '<s>': 1, '</s>': 2, 'a': 3}
    """
    tokens = chain.from_iterable(sentences)
    if min_count > 1:
        words = [word for word, count in Counter(tokens).items() if count >= min_count]
    else:
        words = dict.fromkeys(tokens)
    vocabulary = dict.fromkeys(chain(SPECIAL, words))
    for word in vocabulary:
        if not isinstance(word, str):
            raise TypeError(f"token {word!r} is a {type(word).__name__}: tokens must be strings.")
    return dict(zip(vocabulary, range(len(vocabulary)), strict=True))


def encode(
    sentences: Sequence[Sequence[str]], vocabulary: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Turn sentences into one stream of word ids with ``<s>`` and ``</s>`` around each.

    Parameters
    ----------
    sentences
        S sentences as sequences of tokens, N tokens in all.
    vocabulary
        Word to id, as :func:`build_vocabulary` makes it. Other words become ``<unk>``.

    Returns
    -------
    ids : numpy.ndarray
        Word ids, shape ``(T,)`` with T = N + 2 S, int64.
    position : numpy.ndarray
        Place in the sentence, 0 at each ``<s>``, shape ``(T,)``.

    Raises
    ------
    ValueError
        If a sentence holds ``<s>`` or ``</s>``, which are added here.

    Examples
    --------
    >>> ids, position = encode([["a", "x"], []], {"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3})
    >>> ids.tolist(), position.tolist()
    ([1, 3, 0, 2, 1, 2], [0, 1, 2, 3, 0, 1])
    """
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    n_tokens = int(lengths.sum())
    tokens = chain.from_iterable(sentences)
    words = np.fromiter(map(vocabulary.get, tokens, repeat(UNK)), np.int64, n_tokens)
    markers = np.flatnonzero((words == BOS) | (words == EOS))
    if len(markers):
        ends = np.cumsum(lengths)
        i = int(np.searchsorted(ends, markers[0], side="right"))
        j = int(markers[0] - (ends[i] - lengths[i]))
        raise ValueError(
            f"token {j} of sentence {i} is {sentences[i][j]!r}, which marks the bounds of a "
            "sentence and is added for you: remove it from the data."
        )
    last = np.cumsum(lengths + 2) - 1
    first = last - lengths - 1
    ids = np.full(n_tokens + 2 * len(lengths), -1, np.int64)
    ids[first], ids[last] = BOS, EOS
    ids[ids < 0] = words
    return ids, np.arange(len(ids)) - np.repeat(first, lengths + 2)


def count_ngrams(ids: np.ndarray, position: np.ndarray, n_words: int, order: int) -> list[NGrams]:
    """Count the n-grams of all orders up to ``order`` that lie within one sentence.

    Parameters
    ----------
    ids, position
        The stream that :func:`encode` returns, both of shape ``(T,)``.
    n_words
        Size of the vocabulary.
    order
        Longest n-gram to count.

    Returns
    -------
    list of NGrams
        One table an order; a table is empty if no sentence is long enough.

    Raises
    ------
    ValueError
        If the keys would not fit into 64 bits.

    Examples
    --------
    >>> stream = encode([["a", "b"], ["a"]], {"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4})
    >>> unigrams, bigrams = count_ngrams(*stream, n_words=5, order=2)
    >>> list(zip(bigrams.parent.tolist(), bigrams.word.tolist(), bigrams.count.tolist()))
    [(1, 3, 2), (3, 2, 1), (3, 4, 1), (4, 2, 1)]
    """
    vocabulary = np.arange(n_words)
    table = NGrams(
        keys=vocabulary,
        count=np.where(vocabulary == BOS, 0, np.bincount(ids, minlength=n_words)),
        suffix=np.zeros(n_words, np.int64),
        from_start=vocabulary == BOS,
        n_words=n_words,
    )
    tables = [table]
    at = ids  # at each position, the index of the (n-1)-gram that ends there
    for n in range(2, order + 1):
        if len(table) * n_words > np.iinfo(np.int64).max:
            raise ValueError(
                f"{len(table)} {n - 1}-grams times {n_words} words exceed 64-bit keys: "
                "raise min_count to shrink the vocabulary."
            )
        ends = np.flatnonzero(position >= n - 1)
        keys = at[ends - 1] * n_words + ids[ends]
        by_key = np.argsort(keys)
        keys = keys[by_key]
        new = np.ones(len(keys), bool)
        new[1:] = keys[1:] != keys[:-1]
        starts = np.flatnonzero(new)
        table = NGrams(
            keys=keys[starts],
            count=np.diff(starts, append=len(keys)),
            suffix=at[ends[by_key[starts]]],
            from_start=table.from_start[keys[starts] // n_words],
            n_words=n_words,
        )
        tables.append(table)
        at = np.full(len(ids), -1, np.int64)
        at[ends[by_key]] = np.cumsum(new) - 1
    return tables
