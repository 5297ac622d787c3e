"""The n-gram language model: guess the next word from the n-1 words before it.

By the chain rule the probability of a sentence is a product, one factor a word, each given all
words before. An n-gram model forgets all but the last n-1 of them (Markov 1913; Shannon 1948),
so that contexts repeat and can be counted. What remains is to give sensible probabilities to
n-grams that were never counted, the subject of :mod:`ravm_course.text.smoothing`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from ravm_course import metrics
from ravm_course.text import arpa, lookup, smoothing
from ravm_course.text.counts import (
    BOS,
    EOS,
    UNK,
    NGrams,
    as_sentences,
    build_vocabulary,
    count_ngrams,
    encode,
)

LN10 = math.log(10)
SMOOTHINGS = ("mle", "add-k", "interpolated", "kneser-ney")


class NGramLM:
    """A language model over sentences of tokens.

    Each sentence is scored from ``<s>``, which is given, to ``</s>``, which must be predicted like
    a word. Words outside the vocabulary are read as ``<unk>``. All logarithms are natural.

    Parameters
    ----------
    order
        n: the model sees n-1 words back. At least 1.
    smoothing
        ``"mle"``, ``"add-k"``, ``"interpolated"`` (Jelinek-Mercer) or ``"kneser-ney"`` (modified
        and interpolated, as KenLM computes it); see :mod:`ravm_course.text.smoothing`.
    k
        What add-k smoothing adds to every count.
    weights
        Weights of order 1 to n for Jelinek-Mercer interpolation. By default they are fitted on
        the sentences given to :meth:`fit` as ``heldout``, or else on every tenth sentence, with
        counts of the other nine; the final counts are of all.
    min_count
        Words seen less often in training are counted as ``<unk>``.
    discount_fallback
        For ``"kneser-ney"`` on little data: use fixed discounts (0.5, 1, 1.5) at orders where
        they cannot be estimated, instead of an error.

    Attributes
    ----------
    vocabulary : dict
        Word to id, ``<unk>``, ``<s>`` and ``</s>`` first.
    words : tuple of str
        The words by id.
    levels : list of ravm_course.text.lookup.Level
        The probabilities and back-off weights of order 1 to n.
    weights : numpy.ndarray or None
        Interpolation weights after fitting, shape ``(order,)``.
    discounts : numpy.ndarray or None
        Kneser-Ney discounts D1, D2, D3+ of each order, shape ``(order, 3)``.

    Examples
    --------
    >>> lm = NGramLM(order=2, smoothing="mle").fit([["we", "the", "people"], ["we", "the", "few"]])
    >>> round(math.exp(lm.log_prob("people", ["we", "the"])), 6)
    0.5
    >>> round(math.exp(lm.score(["we", "the", "people"])), 6)
    0.5
    >>> lm.sample(seed=1)
    ['we', 'the', 'people']
    """

    def __init__(
        self,
        order: int,
        smoothing: Literal["mle", "add-k", "interpolated", "kneser-ney"] = "kneser-ney",
        *,
        k: float = 1.0,
        weights: Sequence[float] | None = None,
        min_count: int = 1,
        discount_fallback: bool = False,
    ):
        if not isinstance(order, int | np.integer) or order < 1:
            raise ValueError(f"order is {order!r}: give an integer of at least 1.")
        if smoothing not in SMOOTHINGS:
            raise ValueError(f"smoothing is {smoothing!r}: give one of {', '.join(SMOOTHINGS)}.")
        if not 0 < k < math.inf:
            raise ValueError(f"k is {k}: give a number above 0, or smoothing='mle' for none.")
        if not isinstance(min_count, int | np.integer) or min_count < 1:
            raise ValueError(f"min_count is {min_count!r}: give an integer of at least 1.")
        if weights is not None:
            weights = np.array(weights, float)
            if weights.shape != (order,) or not ((weights >= 0) & (weights <= 1)).all():
                raise ValueError(
                    f"weights are {weights.tolist()}: give {order} numbers between 0 and 1, "
                    "one for each order from 1."
                )
        self.order = int(order)
        self.smoothing: str = smoothing
        self.k = float(k)
        self.min_count = int(min_count)
        self.discount_fallback = discount_fallback
        self.weights = self._given_weights = weights
        self.discounts: np.ndarray | None = None
        self.vocabulary: dict[str, int] = {}
        self.words: tuple[str, ...] = ()
        self.levels: list[lookup.Level] = []

    def __repr__(self) -> str:
        sizes = " + ".join(f"{len(level):,}" for level in self.levels) or "not fitted"
        return f"NGramLM(order={self.order}, smoothing={self.smoothing!r}; n-grams: {sizes})"

    def fit(
        self,
        sentences: Iterable[Sequence[str]],
        heldout: Iterable[Sequence[str]] | None = None,
        vocabulary: Iterable[str] | None = None,
    ) -> NGramLM:
        """Count the n-grams of a corpus and turn them into probabilities.

        Parameters
        ----------
        sentences
            Sentences as sequences of tokens, without ``<s>`` and ``</s>``. An empty sentence
            counts as one. A token ``<unk>`` counts as an unknown word.
        heldout
            Other sentences, on which interpolation weights are fitted; unused otherwise.
        vocabulary
            A closed vocabulary: these words are known, seen or not, and all others are
            ``<unk>``. By default, the words that occur ``min_count`` times.

        Returns
        -------
        NGramLM
            The model itself.

        Raises
        ------
        ValueError
            If there are no sentences, if one holds ``<s>`` or ``</s>``, or if Kneser-Ney
            discounts cannot be estimated from so little.
        TypeError
            If a sentence is a string or a token is not.
        """
        if self.smoothing not in SMOOTHINGS:
            raise ValueError("this model was read from an ARPA file: make a new NGramLM to fit.")
        sentences = as_sentences(sentences)
        if not sentences:
            raise ValueError("there are no sentences to fit: give at least one.")
        if isinstance(vocabulary, str):
            raise TypeError(f"vocabulary is the string {vocabulary[:40]!r}: give a list of words.")
        if vocabulary is None:
            vocabulary = build_vocabulary(sentences, self.min_count)
        else:
            vocabulary = build_vocabulary([list(vocabulary)])
        if self.smoothing == "interpolated" and self._given_weights is None and heldout is None:
            self.weights = self._weights_from_a_tenth(sentences, vocabulary)
        tables = count_ngrams(*encode(sentences, vocabulary), len(vocabulary), self.order)
        return self.fit_counts(tables, vocabulary, heldout)

    def fit_counts(
        self,
        tables: Sequence[NGrams],
        vocabulary: dict[str, int],
        heldout: Iterable[Sequence[str]] | None = None,
    ) -> NGramLM:
        """Turn counts into probabilities: several models may share one counting.

        Parameters
        ----------
        tables
            What :func:`ravm_course.text.counts.count_ngrams` returns for this order or a higher.
        vocabulary
            What :func:`ravm_course.text.counts.build_vocabulary` returned for it.
        heldout
            Sentences on which interpolation weights are fitted; unused otherwise.

        Returns
        -------
        NGramLM
            The model itself.

        Raises
        ------
        ValueError
            If the tables end below this order, interpolation weights are neither known nor can
            be fitted, or Kneser-Ney discounts cannot be estimated.

        Examples
        --------
        >>> sentences = [["we", "the", "people"], ["we", "the", "few"]]
        >>> vocabulary = build_vocabulary(sentences)
        >>> tables = count_ngrams(*encode(sentences, vocabulary), len(vocabulary), order=2)
        >>> one, two = (NGramLM(n, "mle").fit_counts(tables, vocabulary) for n in (1, 2))
        >>> round(one.perplexity(sentences), 3), round(two.perplexity(sentences), 3)
        (4.757, 1.189)
        """
        if len(tables) < self.order:
            raise ValueError(f"the tables end at order {len(tables)}: count up to {self.order}.")
        tables = tables[: self.order]
        if self.smoothing == "mle":
            self.levels = smoothing.mle(tables)
        elif self.smoothing == "add-k":
            self.levels = smoothing.add_k(tables, self.k)
        elif self.smoothing == "interpolated":
            if heldout is not None and self._given_weights is None:
                if not (heldout := as_sentences(heldout)):
                    raise ValueError("heldout is empty: give sentences to fit the weights on.")
                self.weights = smoothing.fit_weights(tables, *encode(heldout, vocabulary))
            if self.weights is None:
                raise ValueError("interpolation weights are missing: give heldout or weights.")
            self.levels = smoothing.interpolated(tables, self.weights)
        else:
            self.levels, self.discounts = smoothing.kneser_ney(tables, self.discount_fallback)
        self.vocabulary, self.words = vocabulary, tuple(vocabulary)
        return self

    def _weights_from_a_tenth(self, sentences, vocabulary: dict[str, int]) -> np.ndarray:
        every = min(10, len(sentences))
        if every == 1:
            raise ValueError(
                "one sentence is too few to set some aside for fitting the interpolation "
                "weights: give more, or heldout=..., or weights=[...]."
            )
        counted = [s for i, s in enumerate(sentences, 1) if i % every]
        tables = count_ngrams(*encode(counted, vocabulary), len(vocabulary), self.order)
        return smoothing.fit_weights(tables, *encode(sentences[every - 1 :: every], vocabulary))

    def _encode(self, sentences: Iterable[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        self._require_fit()
        sentences = as_sentences(sentences)
        try:
            return encode(sentences, self.vocabulary)
        except TypeError as error:
            raise TypeError(f"tokens must be strings ({error}).") from error

    def _require_fit(self) -> None:
        if not self.levels:
            raise ValueError("the model knows nothing yet: call fit first, or from_arpa.")

    @property
    def _unseen(self) -> float | None:
        return -math.log10(len(self.words) - 1) if self.smoothing == "add-k" else None

    def log_probs(self, sentences: Iterable[Sequence[str]]) -> np.ndarray:
        """Return the log-probability of every token of many sentences, ``</s>`` included.

        Parameters
        ----------
        sentences
            S sentences with N tokens in all.

        Returns
        -------
        numpy.ndarray
            log p(token | tokens before), in reading order, each sentence followed by its
            ``</s>``: shape ``(N + S,)``. Minus infinity where the model gives zero.

        Examples
        --------
        >>> lm = NGramLM(1, "mle").fit([["a", "b"]])
        >>> np.exp(lm.log_probs([["a"], ["b", "x"]])).round(3).tolist()
        [0.333, 0.333, 0.333, 0.0, 0.333]
        """
        ids, position = self._encode(sentences)
        log10 = lookup.log10_probs(self.levels, ids, position, self._unseen)
        return np.minimum(log10[position > 0] * LN10, 0.0)

    def is_unknown(self, sentences: Iterable[Sequence[str]]) -> np.ndarray:
        """Tell which tokens are outside the vocabulary, aligned with :meth:`log_probs`.

        Parameters
        ----------
        sentences
            S sentences with N tokens in all.

        Returns
        -------
        numpy.ndarray
            Shape ``(N + S,)``, bool; False for every ``</s>``.

        Examples
        --------
        >>> NGramLM(1, "mle").fit([["a", "b"]]).is_unknown([["a", "x"]]).tolist()
        [False, True, False]
        """
        ids, position = self._encode(sentences)
        return ids[position > 0] == UNK

    def log_prob(self, word: str, context: Sequence[str] = ()) -> float:
        """Return log p(word | context).

        Parameters
        ----------
        word
            A word, ``"</s>"`` for the end of the sentence, or ``"<unk>"``. ``"<s>"`` is never
            predicted: minus infinity.
        context
            The words before, oldest first; only the last n-1 count. Begin it with ``"<s>"`` at
            the start of a sentence; without it the context is the middle of one. Contexts that
            were never seen are shortened from the left by every smoothing but add-k, which
            gives 1/V in them.

        Returns
        -------
        float
            A natural logarithm.

        Examples
        --------
        >>> lm = NGramLM(2, "add-k", k=1).fit([["a", "b"]])
        >>> round(math.exp(lm.log_prob("a", ["<s>"])), 3)  # (1 + 1) / (1 + 4)
        0.4
        """
        self._require_fit()
        if not isinstance(word, str):
            raise TypeError(f"word is a {type(word).__name__}: give a string.")
        ids = np.append(self._ids(context), self._ids([word]))[-self.order :]
        log10 = lookup.log10_probs(self.levels, ids, np.arange(len(ids)), self._unseen)[-1]
        return min(float(log10) * LN10, 0.0)

    def _ids(self, tokens: Sequence[str]) -> np.ndarray:
        if isinstance(tokens, str):
            raise TypeError(f"the context is the string {tokens[:40]!r}: give a list of tokens.")
        return np.array([self.vocabulary.get(token, UNK) for token in tokens], np.int64)

    def score(self, sentence: Sequence[str]) -> float:
        """Return the log-probability of one sentence, the sum over its tokens and ``</s>``.

        Parameters
        ----------
        sentence
            Its tokens.

        Returns
        -------
        float
            A natural logarithm, minus infinity if the model holds it to be impossible.
        """
        if isinstance(sentence, str):
            raise TypeError(f"sentence is the string {sentence[:40]!r}: give a list of tokens.")
        return float(self.log_probs([sentence]).sum())

    def perplexity(
        self, sentences: Iterable[Sequence[str]], *, skip_unknown: bool = False
    ) -> float:
        """Return exp(-mean log p) over all tokens of the sentences, each ``</s>`` included.

        Parameters
        ----------
        sentences
            At least one sentence.
        skip_unknown
            Leave tokens outside the vocabulary out of the mean. Perplexities over different
            vocabularies do not compare either way.

        Returns
        -------
        float
            Infinity if one token has probability zero.

        Raises
        ------
        ValueError
            If there is no token to score.

        Examples
        --------
        >>> lm = NGramLM(1, "mle").fit([["a", "b"]])
        >>> round(lm.perplexity([["a", "a", "b"]]), 6)
        3.0
        """
        sentences = as_sentences(sentences)
        log_probs = self.log_probs(sentences)
        if skip_unknown:
            log_probs = log_probs[~self.is_unknown(sentences)]
        if not len(log_probs):
            raise ValueError("there are no tokens to score: give at least one sentence.")
        return metrics.perplexity(log_probs)

    def distribution(self, context: Sequence[str] = ()) -> np.ndarray:
        """Return p(word | context) of every word of the vocabulary.

        Parameters
        ----------
        context
            As for :meth:`log_prob`.

        Returns
        -------
        numpy.ndarray
            Probabilities in the order of ``words``, shape ``(len(words),)``; they sum to one.

        Examples
        --------
        >>> lm = NGramLM(2, "mle").fit([["a", "b"], ["a", "a"]])
        >>> dict(zip(lm.words, lm.distribution(["a"]).round(3).tolist()))
        {'<unk>': 0.0, '<s>': 0.0, '</s>': 0.333, 'a': 0.333, 'b': 0.333}
        """
        self._require_fit()
        ids = self._ids(context)
        return lookup.distribution(
            self.levels, ids[max(0, len(ids) - self.order + 1) :], self._unseen
        )

    def sample(
        self,
        *,
        seed: int = 0,
        context: Sequence[str] = (),
        temperature: float = 1.0,
        max_length: int = 50,
    ) -> list[str]:
        """Draw a sentence word by word.

        ``<unk>`` stands for a word without a spelling, and is drawn only if nothing else can be.

        Parameters
        ----------
        seed
            The same seed gives the same sentence.
        context
            First words of the sentence; they are returned with it.
        temperature
            Probabilities are raised to the power 1/temperature: below 1 the likely words win
            more often, above 1 less.
        max_length
            Stop after this many tokens if ``</s>`` was not drawn before.

        Returns
        -------
        list of str
            Tokens, without ``<s>`` and ``</s>``.

        Raises
        ------
        ValueError
            If temperature is not above 0 or max_length is below 1.
        """
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature is {temperature}: give a number above 0.")
        if max_length < 1:
            raise ValueError(f"max_length is {max_length}: give at least 1.")
        if isinstance(context, str):
            raise TypeError(f"context is the string {context[:40]!r}: give a list of tokens.")
        rng = np.random.default_rng(seed)
        tokens = list(context)
        while len(tokens) < max_length:
            probs = self.distribution(["<s>", *tokens])
            if probs[UNK] < probs.sum():
                probs[UNK] = 0.0
            if temperature != 1:
                probs = (probs / probs.max()) ** (1 / temperature)
            cumulative = np.cumsum(probs)
            word = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
            if word == EOS:
                break
            tokens.append(self.words[word])
        return tokens

    def to_arpa(self, path: str | Path) -> None:
        """Write the model in ARPA format, which KenLM, SRILM and others read.

        The format cannot say that add-k smoothing backs off to the uniform distribution at once;
        the probabilities of whole sentences are kept, those of contexts shorter than n-1 words
        that do not begin with ``<s>`` become uniform.

        Parameters
        ----------
        path
            The file, overwritten.

        Raises
        ------
        ValueError
            If a word holds white space or NUL, which the format cannot write.
        """
        self._require_fit()
        levels = self._uniform_below() if self.smoothing == "add-k" else self.levels
        arpa.write(Path(path), self.words, levels)

    def _uniform_below(self) -> list[lookup.Level]:
        """Replace what add-k never uses in a sentence by the uniform distribution."""
        levels, from_start = [], np.arange(len(self.words)) == BOS
        for n, level in enumerate(self.levels, 1):
            if n > 1:
                from_start = from_start[level.keys // len(self.words)]
            probs, weights = level.log10_prob.copy(), level.log10_backoff.copy()
            if n < self.order:
                probs[~from_start] = self._unseen
            if n < self.order - 1:
                weights[~from_start] = 0.0
            levels.append(lookup.Level(level.keys, probs, weights))
        return levels

    @classmethod
    def from_arpa(cls, path: str | Path) -> NGramLM:
        """Read a model in ARPA format, from this package, KenLM, SRILM or others.

        Parameters
        ----------
        path
            The file, UTF-8, not compressed.

        Returns
        -------
        NGramLM
            A model whose ``smoothing`` is ``"arpa"``.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged; the message gives the line.

        Examples
        --------
        >>> import tempfile
        >>> lm = NGramLM(2, "mle").fit([["a", "b"]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     lm.to_arpa(Path(folder) / "two.arpa")
        ...     NGramLM.from_arpa(Path(folder) / "two.arpa")
        NGramLM(order=2, smoothing='arpa'; n-grams: 5 + 3)
        """
        vocabulary, levels = arpa.read(Path(path))
        lm = cls(len(levels))
        lm.smoothing, lm.levels = "arpa", levels
        lm.vocabulary, lm.words = vocabulary, tuple(vocabulary)
        return lm
