"""Count which words stand near which: the table that all word vectors are made of.

Two tokens co-occur if they stand in the same sentence at most `window` places apart. Words outside
the vocabulary are taken out first, so that the words beside them move together (word2vec does the
same: Mikolov et al. 2013, "Efficient estimation of word representations in vector space").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ravm_course.text.counts import as_sentences


@dataclass(frozen=True)
class Corpus:
    """A text as word numbers, without the words that are not in the vocabulary.

    Attributes
    ----------
    words : tuple of str
        The V words of the vocabulary; a word's number is its place.
    ids : numpy.ndarray
        Number of each of the N tokens that are left, shape ``(N,)``, int64.
    sentence : numpy.ndarray
        Number of the sentence that each stands in, ascending, shape ``(N,)``, int64.
    """

    words: tuple[str, ...]
    ids: np.ndarray
    sentence: np.ndarray

    @classmethod
    def from_sentences(
        cls,
        sentences: Iterable[Sequence[str]],
        *,
        min_count: int = 1,
        words: Sequence[str] | None = None,
    ) -> Corpus:
        """Return the corpus that some sentences make.

        Parameters
        ----------
        sentences
            Each a sequence of tokens.
        min_count
            How often a word must occur to be in the vocabulary.
        words
            A ready vocabulary instead. None: all words with `min_count`, the frequent ones first,
            equally frequent ones in alphabetical order.

        Returns
        -------
        Corpus

        Raises
        ------
        TypeError
            If a sentence is a string.
        ValueError
            If no word is left, or a ready vocabulary names a word twice.

        Examples
        --------
        >>> corpus = Corpus.from_sentences([["a", "rose", "is", "a", "rose"]], min_count=2)
        >>> corpus.words, corpus.ids.tolist()
        (('a', 'rose'), [0, 1, 0, 1])
        """
        sentences = as_sentences(sentences)
        if words is None:
            count = Counter(token for sentence in sentences for token in sentence)
            words = [word for word, n in count.items() if n >= min_count]
            words.sort(key=lambda word: (-count[word], word))
        number = {word: place for place, word in enumerate(words)}
        if not number:
            raise ValueError(f"no word occurs {min_count} times: lower min_count or give words.")
        if len(number) != len(words):
            twice = next(word for word, n in Counter(words).items() if n > 1)
            raise ValueError(f"the vocabulary names {twice!r} twice: give every word once.")
        kept = [[number[token] for token in row if token in number] for row in sentences]
        lengths = [len(row) for row in kept]
        ids = np.fromiter((i for row in kept for i in row), np.int64, count=sum(lengths))
        return cls(tuple(words), ids, np.repeat(np.arange(len(kept)), lengths))

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each word occurs, shape ``(V,)``, int64."""
        return np.bincount(self.ids, minlength=len(self.words))

    @cached_property
    def number(self) -> dict[str, int]:
        """The number of each word."""
        return {word: place for place, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.ids)


def count_pairs(corpus: Corpus, window: int = 5, *, harmonic: bool = False) -> np.ndarray:
    """Count how often each word stands near each other one.

    Parameters
    ----------
    corpus
        N tokens over V words.
    window
        How many places two tokens may lie apart, at least 1.
    harmonic
        Count a pair d places apart as 1/d, as GloVe does, instead of 1. (word2vec draws the window
        of each token at random from 1 to `window`, which counts it as ``1 - (d - 1) / window``.)

    Returns
    -------
    numpy.ndarray
        Symmetric, shape ``(V, V)``, float32.

    Raises
    ------
    ValueError
        If `window` is below 1.

    Examples
    --------
    >>> corpus = Corpus.from_sentences([["we", "the", "people"]], words=["we", "the", "people"])
    >>> count_pairs(corpus, window=1).astype(int).tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    >>> count_pairs(corpus, window=2, harmonic=True)[0].tolist()
    [0.0, 1.0, 0.5]
    """
    if window < 1:
        raise ValueError(f"window is {window}: neighbours are at least 1 place apart.")
    n_words = len(corpus.words)
    table = np.zeros(n_words * n_words, dtype=np.float32)
    for distance in range(1, min(window, len(corpus) - 1) + 1):
        together = corpus.sentence[:-distance] == corpus.sentence[distance:]
        first, second = corpus.ids[:-distance][together], corpus.ids[distance:][together]
        keys, found = np.unique(first * n_words + second, return_counts=True)
        table[keys] += found / distance if harmonic else found
    table = table.reshape(n_words, n_words)
    return table + table.T
