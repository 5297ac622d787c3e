"""Ask word vectors: which words are near, and which word completes an analogy.

Nearness is the cosine, the dot product of unit vectors. The analogy "a is to b as c is to ?" is
answered by the word nearest to b - a + c of the unit vectors, *with a, b and c left out*
(3CosAdd: Mikolov, Yih and Zweig 2013, "Linguistic regularities in continuous space word
representations"; named so by Levy and Goldberg 2014). Leaving them out is part of the method and
often most of its success (Linzen 2016, "Issues in evaluating semantic spaces using word
analogies"), so here it is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class WordVectors:
    """Words and their vectors.

    Attributes
    ----------
    words : sequence of str
        V different words.
    matrix : numpy.ndarray
        Their vectors, shape ``(V, D)``.

    Examples
    --------
    >>> space = WordVectors(["man", "woman", "king", "queen"],
    ...                     np.array([[1.0, 0], [1, 1], [2, 0], [2, 1.4]]))
    >>> [word for word, _ in space.neighbours("king", k=2)]
    ['man', 'queen']
    >>> space.analogy("man", "woman", "king", k=1)[0][0]
    'queen'
    """

    words: Sequence[str]
    matrix: np.ndarray

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or len(self.matrix) != len(self.words):
            raise ValueError(
                f"{len(self.words)} words and a matrix of shape {self.matrix.shape}: "
                "give one row a word."
            )
        if len(self.number) != len(self.words):
            raise ValueError("a word occurs twice: give every word one vector.")

    @cached_property
    def number(self) -> dict[str, int]:
        """The row of each word."""
        return {word: place for place, word in enumerate(self.words)}

    @cached_property
    def unit(self) -> np.ndarray:
        """The vectors divided by their lengths, shape ``(V, D)``; a zero vector stays zero."""
        lengths = np.linalg.norm(self.matrix, axis=1, keepdims=True)
        return self.matrix / np.where(lengths > 0, lengths, 1)

    def rows(self, words: Sequence[str]) -> np.ndarray:
        """Return the numbers of words.

        Parameters
        ----------
        words
            N words of the vocabulary.

        Returns
        -------
        numpy.ndarray
            Shape ``(N,)``, int64.

        Raises
        ------
        KeyError
            If a word has no vector.
        TypeError
            If one string is given instead of several.
        """
        if isinstance(words, str):
            raise TypeError(f"words is the string {words!r}: give a list of words.")
        missing = [word for word in words if word not in self.number]
        if missing:
            raise KeyError(f"no vector for {missing}: the vocabulary has {len(self.words)} words.")
        return np.array([self.number[word] for word in words], dtype=np.int64)

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of two words, between -1 and 1.

        Parameters
        ----------
        a, b
            Words of the vocabulary.

        Returns
        -------
        float
        """
        i, j = self.rows([a, b])
        return float(self.unit[i] @ self.unit[j])

    def neighbours(self, word: str, k: int = 10) -> list[tuple[str, float]]:
        """Return the `k` words with the largest cosine, without the word itself.

        Parameters
        ----------
        word
            A word of the vocabulary.
        k
            How many; equal cosines come in the order of the vocabulary.

        Returns
        -------
        list of (str, float)
            Words and cosines, the nearest first.
        """
        row = self.rows([word])
        return self._nearest(self.unit[row[0]], k, leave_out=row)

    def analogy(
        self, a: str, b: str, c: str, k: int = 10, *, exclude: bool = True
    ) -> list[tuple[str, float]]:
        """Return the words nearest to b - a + c: "a is to b as c is to …".

        Parameters
        ----------
        a, b, c
            Words of the vocabulary.
        k
            How many answers.
        exclude
            Leave a, b and c out of the answers, as is usual.

        Returns
        -------
        list of (str, float)
            Words and cosines, the nearest first.
        """
        rows = self.rows([a, b, c])
        target = self.unit[rows[1]] - self.unit[rows[0]] + self.unit[rows[2]]
        return self._nearest(target, k, leave_out=rows if exclude else rows[:0])

    def answer_analogies(
        self, questions: Sequence[tuple[str, str, str]], *, exclude: bool = True
    ) -> list[str]:
        """Answer many analogies by one matrix product.

        Parameters
        ----------
        questions
            N triples (a, b, c).
        exclude
            As for :meth:`analogy`.

        Returns
        -------
        list of str
            The first answer to each.
        """
        rows = self.rows([word for question in questions for word in question]).reshape(-1, 3)
        a, b, c = (self.unit[rows[:, column]] for column in range(3))
        scores = (b - a + c) @ self.unit.T
        if exclude:
            np.put_along_axis(scores, rows, -np.inf, axis=1)
        return [self.words[place] for place in scores.argmax(axis=1)]

    def _nearest(self, target: ArrayLike, k: int, leave_out: np.ndarray) -> list[tuple[str, float]]:
        """Return the `k` words with the largest cosine to a vector of any length."""
        if k < 1:
            raise ValueError(f"k is {k}: ask for at least one word.")
        length = np.linalg.norm(target)
        scores = self.unit @ target / (length if length > 0 else 1)
        scores[leave_out] = -np.inf
        best = np.argsort(-scores, kind="stable")[: min(k, len(self.words) - len(set(leave_out)))]
        return [(self.words[i], float(scores[i])) for i in best]
