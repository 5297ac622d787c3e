"""Sums and maxima over all paths of a hidden Markov model, for many sequences at once.

A model with K states has K^T paths for T observations. Drawn as a *trellis*, K nodes for each time
and arrows between neighbouring times, the paths share all their parts, so that one sweep from left
to right or from right to left visits each arrow once: K^2 T steps (Baum et al. 1970; Viterbi 1967;
Rabiner 1989, section III).

The sweep over time cannot be avoided, so each of its steps does as much as possible: all sequences
take it together. They are packed by time, the longest first (:class:`Packed`), so that the rows of
one time stand together and nothing is computed for padding.

A probability of T observations shrinks like c^T and soon is 0 in floating point. Two cures:

- *scaling*: divide by the sum at each time and keep the logarithms of the sums. A time costs one
  matrix product.
- *logarithms*: keep log-probabilities, and add with log(e^a + e^b). That costs K^2 exponentials a
  time, some ten to a hundred times more.

Scaling alone is not safe. A state that is 10^308 times less likely than another is rounded to 0,
and evidence that comes later cannot bring it back. But what was lost can be bounded afterwards.
With α the scaled value from the left and β the one from the right, α β is the share of the
likelihood that passes through a node; so a node whose α was rounded away took at most 10^-308 β of
it. If no β is above :data:`LARGEST`, scaling was exact to rounding. If one is, or if a sequence
seems impossible, the sweeps are made again in logarithms. No caller has to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

#: the largest scaled value from the right with which scaling is trusted
LARGEST = 1e200


def log(values: np.ndarray) -> np.ndarray:
    """Return the natural logarithm with zero mapped to minus infinity, silently."""
    with np.errstate(divide="ignore"):
        return np.log(values)


@dataclass(frozen=True)
class Packed:
    """Sequences of different lengths, laid out time after time, the longest sequence first.

    Attributes
    ----------
    ids : numpy.ndarray
        The observations in packed order, shape ``(N,)``.
    starts : numpy.ndarray
        First row of each time, and N at the end, shape ``(T + 1,)``.
    place : numpy.ndarray
        The row of each observation in reading order, shape ``(N,)``.
    lengths : numpy.ndarray
        Length of each of the S sequences as they were given, shape ``(S,)``.
    """

    ids: np.ndarray
    starts: np.ndarray
    place: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, sequences: Sequence[np.ndarray]) -> Packed:
        """Pack sequences of ids, each of shape ``(T_s,)``.

        Examples
        --------
        >>> Packed.of([np.array([1, 2]), np.array([3, 4, 5])]).ids.tolist()
        [3, 1, 4, 2, 5]
        """
        lengths = np.array([len(sequence) for sequence in sequences], np.int64)
        rank = np.empty_like(lengths)
        rank[np.argsort(-lengths, kind="stable")] = np.arange(len(lengths))
        alive = len(lengths) - np.cumsum(np.bincount(lengths, minlength=1))  # longer than t
        starts = np.concatenate([[0], np.cumsum(alive[:-1])])
        ids = np.concatenate([np.zeros(0, np.int64), *sequences])
        time = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        place = starts[time] + np.repeat(rank, lengths)
        packed = np.empty_like(ids)
        packed[place] = ids
        return cls(packed, starts, place, lengths)

    @cached_property
    def steps(self) -> list[tuple[slice, slice]]:
        """For each time but the first, its rows, and the rows of the same sequences before."""
        starts = self.starts.tolist()
        return [
            (slice(first, end), slice(before, before + end - first))
            for before, first, end in zip(starts, starts[1:], starts[2:], strict=False)
        ]

    @property
    def before(self) -> np.ndarray:
        """For each row after the first time, the row one time earlier, shape ``(N - S',)``."""
        width = np.diff(self.starts)
        rows = np.arange(self.starts[1] if len(width) else 0, len(self.ids))
        return rows - np.repeat(width[:-1], width[1:])

    def split(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return values in packed order, shape ``(N, …)``, as one array a sequence."""
        return np.split(rows[self.place], np.cumsum(self.lengths)[:-1])

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Add up values in packed order, shape ``(N,)``, over each sequence: ``(S,)``."""
        owner = np.repeat(np.arange(len(self.lengths)), self.lengths)
        return np.bincount(owner, rows[self.place], len(self.lengths))


@dataclass(frozen=True)
class Trellis:
    """The sweeps over packed sequences under the probabilities of one model.

    Attributes
    ----------
    initial, transition, emission : numpy.ndarray
        Probabilities, shapes ``(K,)``, ``(K, K)`` from row to column, ``(K, V)``.
    packed : Packed
        The observations.
    """

    initial: np.ndarray
    transition: np.ndarray
    emission: np.ndarray
    packed: Packed

    @property
    def _head(self) -> slice:
        """The rows of the first time."""
        return slice(0, int(self.packed.starts[1]) if len(self.packed.starts) > 1 else 0)

    @cached_property
    def scaled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """Both sweeps with scaling; None if they cannot be trusted.

        - p(state | observations so far), ``(N, K)``;
        - log p(observation | observations before), ``(N,)``;
        - p(observation | state) / p(observation | observations before), ``(N, K)``;
        - p(later observations | state) / p(later observations | so far), ``(N, K)``.
        """
        peak = self.emission.max(axis=0)  # made 1, so that no rare symbol brings the sums down
        table = (self.emission / np.where(peak > 0, peak, 1)).T
        arriving, scale = table[self.packed.ids], np.empty(len(self.packed.ids))
        alpha, ones = np.empty_like(arriving), np.ones(len(self.initial))
        with np.errstate(invalid="ignore"):  # 0 / 0 where a sequence becomes impossible
            for now, before in [(self._head, None), *self.packed.steps]:
                rows = self.initial if before is None else alpha[before] @ self.transition
                rows = rows * arriving[now]
                scale[now] = rows @ ones  # a sum over few columns is slower
                np.divide(rows, scale[now, None], out=alpha[now])
        if not (scale > 0).all():
            return None
        arriving /= scale[:, None]
        beta = np.ones_like(arriving)
        with np.errstate(over="ignore", invalid="ignore"):
            for now, before in reversed(self.packed.steps):
                beta[before] = (arriving[now] * beta[now]) @ self.transition.T
        if not beta.max(initial=0) <= LARGEST:  # infinite and NaN are no better
            return None
        return alpha, log(scale) + log(peak)[self.packed.ids], arriving, beta

    def forward(self) -> np.ndarray:
        """Return log p(observations so far, state), shape ``(N, K)``."""
        if self.scaled:
            alpha, log_next, *_ = self.scaled
            total = log_next.copy()
            for now, before in self.packed.steps:
                total[now] += total[before]
            return log(alpha) + total[:, None]
        alpha, transition = log(self.emission).T[self.packed.ids], log(self.transition)
        alpha[self._head] += log(self.initial)
        for now, before in self.packed.steps:
            alpha[now] += np.logaddexp.reduce(alpha[before][:, :, None] + transition, axis=1)
        return alpha

    def backward(self) -> np.ndarray:
        """Return log p(later observations | state), shape ``(N, K)``; 0 at the last time."""
        if self.scaled:
            _, log_next, _, beta = self.scaled
            total = np.zeros_like(log_next)
            for now, before in reversed(self.packed.steps):
                total[before] = total[now] + log_next[now]
            return log(beta) + total[:, None]
        emitted, transition = log(self.emission).T[self.packed.ids], log(self.transition)
        beta = np.zeros_like(emitted)
        for now, before in reversed(self.packed.steps):
            later = emitted[now] + beta[now]
            beta[before] = np.logaddexp.reduce(later[:, None, :] + transition, axis=2)
        return beta

    def log_next(self) -> np.ndarray:
        """Return log p(observation | observations before), shape ``(N,)``."""
        if self.scaled:
            return np.minimum(self.scaled[1], 0.0)
        total = np.logaddexp.reduce(self.forward(), axis=1)
        result, before = total.copy(), total[self.packed.before]
        possible = np.isfinite(before)
        result[len(total) - len(before) :][possible] -= before[possible]
        return np.minimum(result, 0.0)

    def expected_counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return what expectation-maximisation counts.

        Returns
        -------
        state : numpy.ndarray
            p(state | all observations) of each row, shape ``(N, K)``.
        moves : numpy.ndarray
            Expected number of transitions from row to column over all sequences, ``(K, K)``.
        first : numpy.ndarray
            Expected number of sequences that begin in each state, ``(K,)``.
        log_likelihood : numpy.ndarray
            Of each sequence, ``(S,)``; minus infinity leaves the other values without meaning.
        """
        before = self.packed.before
        after = slice(len(self.packed.ids) - len(before), None)
        if self.scaled:
            alpha, log_next, arriving, beta = self.scaled
            state = alpha * beta
            moves = self.transition * (alpha[before].T @ (arriving * beta)[after])
            return state, moves, state[self._head].sum(axis=0), self.packed.sums(log_next)
        alpha, beta = self.forward(), self.backward()
        likelihood = self.log_likelihood(alpha)
        each = np.empty(len(alpha))
        each[self.packed.place] = np.repeat(likelihood, self.packed.lengths)
        each[np.isneginf(each)] = 0
        state = np.exp(alpha + beta - each[:, None])
        arriving = (log(self.emission).T[self.packed.ids] + beta - each[:, None])[after]
        moves = np.zeros_like(self.transition)
        for source, row in enumerate(log(self.transition)):
            moves[source] = np.exp(alpha[before, source, None] + row + arriving).sum(axis=0)
        return state, moves, state[self._head].sum(axis=0), likelihood

    def log_likelihood(self, log_alpha: np.ndarray) -> np.ndarray:
        """Return log p(sequence) from the forward sweep, shape ``(S,)``."""
        lengths = self.packed.lengths
        last = self.packed.place[np.cumsum(lengths)[lengths > 0] - 1]
        result = np.zeros(len(lengths))
        result[lengths > 0] = np.logaddexp.reduce(log_alpha[last], axis=1)
        return result

    def viterbi(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the states of the most probable path, ``(N,)``, and its log-probability, ``(S,)``.

        Among equally probable states the one that is listed first wins.
        """
        best, transition = log(self.emission).T[self.packed.ids], log(self.transition)
        best[self._head] += log(self.initial)
        came_from = np.zeros(best.shape, np.int64)
        for now, before in self.packed.steps:
            ways = best[before][:, :, None] + transition
            came_from[now] = ways.argmax(axis=1)
            best[now] += np.take_along_axis(ways, came_from[now][:, None, :], axis=1)[:, 0]
        states = best.argmax(axis=1)  # right for the last row of each sequence
        for now, before in reversed(self.packed.steps):
            states[before] = np.take_along_axis(came_from[now], states[now, None], axis=1)[:, 0]
        lengths = self.packed.lengths
        last = self.packed.place[np.cumsum(lengths)[lengths > 0] - 1]
        score = np.zeros(len(lengths))
        score[lengths > 0] = best[last].max(axis=1)
        return states, score
