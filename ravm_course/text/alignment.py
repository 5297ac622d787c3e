"""IBM model 1: a dictionary learned from pairs of sentences in which nobody marked the words.

Each word of the target was produced by some word of the source, or by none (`NULL`); which one is
hidden, and every word is as likely a producer as any other (Brown, Della Pietra, Della Pietra &
Mercer, "The mathematics of statistical machine translation", Computational Linguistics 19, 1993,
section 4.2). Expectation-maximisation counts in parts, as for hidden Markov models in
:mod:`ravm_course.text.hmm`; here no optimum is worse than another, because the logarithm of the
likelihood is concave in the table. It is not strictly so: many tables can be equally good, and the
start decides between them (Toutanova & Galley, "Why initialization matters for IBM model 1", ACL
2011).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NULL = ""  #: the empty word of the source, which may produce words of the target


class IBM1:
    """A table of the probability of a target word, given the source word that produced it.

    Parameters
    ----------
    pairs
        Source words and target words of each pair; neither may be empty.

    Attributes
    ----------
    log_likelihoods
        Natural logarithm of the probability of all targets, given their sources and lengths, before
        each iteration so far and after the last.

    Raises
    ------
    ValueError
        If there is no pair, or one has an empty side.

    Examples
    --------
    >>> model = IBM1([(["the", "dog"], ["狗"]), (["the", "cat"], ["猫"]), (["cat"], ["猫"])])
    >>> model.fit(10).best("cat")[0]
    '猫'
    """

    def __init__(self, pairs: Sequence[tuple[Sequence[str], Sequence[str]]]):
        pairs = [([NULL, *source], list(target)) for source, target in pairs]
        if not pairs or any(len(source) < 2 or not target for source, target in pairs):
            raise ValueError("expected at least one pair, and at least one word on both sides.")
        self._source = {w: i for i, w in enumerate(dict.fromkeys(w for s, _ in pairs for w in s))}
        self._target = {w: i for i, w in enumerate(dict.fromkeys(w for _, t in pairs for w in t))}
        self.target_words = list(self._target)
        slots, cells, place = [], [], 0
        self._lengths = []
        for source, target in pairs:
            rows = [self._source[w] for w in source]
            for word in target:
                column = self._target[word]
                cells += [row * len(self._target) + column for row in rows]
                slots += [place] * len(rows)
                self._lengths.append(len(rows))
                place += 1
        found, self._cell = np.unique(cells, return_inverse=True)
        self._slot = np.array(slots)
        self._row, self._column = np.divmod(found, len(self._target))
        self._table = np.full(len(found), 1 / len(self._target))
        self.log_likelihoods = [self._likelihood(self._produced())]

    def _produced(self) -> np.ndarray:
        """Return the sum over producers, for each place of a target."""
        return np.bincount(self._slot, weights=self._table[self._cell])

    def _likelihood(self, produced: np.ndarray) -> float:
        return float(np.log(produced / self._lengths).sum())

    def fit(self, n_iterations: int = 10) -> IBM1:
        """Improve the table by expectation-maximisation; return the model.

        Parameters
        ----------
        n_iterations
            How often.
        """
        for _ in range(n_iterations):
            share = self._table[self._cell] / self._produced()[self._slot]  # expectation
            count = np.bincount(self._cell, weights=share, minlength=len(self._table))
            total = np.bincount(self._row, weights=count)
            self._table = count / total[self._row]  # maximisation
            self.log_likelihoods.append(self._likelihood(self._produced()))
        return self

    def probability(self, target: str, source: str) -> float:
        """Return the probability that a source word produces this target word; 0 if never seen."""
        row, column = self._source.get(source, -1), self._target.get(target, -1)
        cell = np.flatnonzero((self._row == row) & (self._column == column))
        return float(self._table[cell[0]]) if len(cell) else 0.0

    def best(self, source: str) -> tuple[str, float] | None:
        """Return the most probable target word of a source word and its probability.

        A word that was never seen gives None; of equal ones the first that was seen is taken.
        """
        cells = np.flatnonzero(self._row == self._source.get(source, -1))
        if not len(cells):
            return None
        cell = cells[self._table[cells].argmax()]
        return self.target_words[self._column[cell]], float(self._table[cell])

    def align(self, source: Sequence[str], target: Sequence[str]) -> list[int | None]:
        """Return, for each target word, the place of its most probable producer (None: NULL)."""
        places: list[int | None] = [None, *range(len(source))]
        words = [NULL, *source]
        return [places[int(np.argmax([self.probability(t, s) for s in words]))] for t in target]
