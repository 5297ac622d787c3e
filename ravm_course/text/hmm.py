"""The hidden Markov model: a chain of states that nobody sees, each of which emits a symbol.

The chain starts in state i with probability ``initial[i]``, emits symbol v with probability
``emission[i, v]``, moves to state j with probability ``transition[i, j]``, emits again, and so on.
What one sees are the symbols (Baum and Petrie 1966; Rabiner 1989). Three questions have exact
answers: how probable is a sequence (forward or backward), which path of states is the most probable
(Viterbi), and which parameters make the data more probable (Baum-Welch, which is expectation-
maximisation). The sums over all paths stand in :mod:`ravm_course.text.trellis`.

There is no end state: probabilities are those of sequences of a given length. Many sequences are
worked on together, so a hundred of a thousand symbols take far less time than one of a hundred
thousand.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ravm_course.text.counts import as_sentences
from ravm_course.text.trellis import Packed, Trellis

UNKNOWN = "<unk>"


class HMM:
    """A hidden Markov model with discrete emissions.

    Parameters
    ----------
    states, symbols
        Names of the K states and the V symbols, or their numbers; then the names are 0, 1, 2 ...
        If ``"<unk>"`` is among the symbols, every unknown symbol is read as it.
    initial, transition, emission
        Probabilities, shapes ``(K,)``, ``(K, K)`` (from row to column) and ``(K, V)``. Give all
        three, or none and call :meth:`fit`. :meth:`random` draws them for :meth:`baum_welch`.

    Raises
    ------
    ValueError
        If names repeat, a shape does not fit, or a row is no probability distribution.

    Examples
    --------
    >>> weather = HMM(["dry", "wet"], ["sun", "rain"], [0.5, 0.5],
    ...               [[0.8, 0.2], [0.4, 0.6]], [[0.9, 0.1], [0.3, 0.7]])
    >>> paths, scores = weather.viterbi([["sun", "rain", "rain"]])
    >>> paths[0], round(float(np.exp(scores[0])), 5)
    (['dry', 'wet', 'wet'], 0.02646)
    >>> np.exp(weather.log_likelihood([["sun"], ["rain"]])).round(3).tolist()
    [0.6, 0.4]
    """

    def __init__(
        self,
        states: int | Sequence[Hashable],
        symbols: int | Sequence[Hashable],
        initial: ArrayLike | None = None,
        transition: ArrayLike | None = None,
        emission: ArrayLike | None = None,
    ):
        self.states = _names("states", states)
        self.symbols = _names("symbols", symbols)
        self._state_id = {name: i for i, name in enumerate(self.states)}
        self._symbol_id = {name: i for i, name in enumerate(self.symbols)}
        given = [table is not None for table in (initial, transition, emission)]
        if any(given) and not all(given):
            raise ValueError("give initial, transition and emission together, or none of them.")
        self.initial = self.transition = self.emission = None
        if all(given):
            n_states, n_symbols = len(self.states), len(self.symbols)
            self.initial = _distributions("initial", initial, (n_states,))
            self.transition = _distributions("transition", transition, (n_states, n_states))
            self.emission = _distributions("emission", emission, (n_states, n_symbols))

    def __repr__(self) -> str:
        known = "" if self.initial is not None else "; not fitted"
        return f"HMM({len(self.states)} states, {len(self.symbols):,} symbols{known})"

    @classmethod
    def random(
        cls, states: int | Sequence[Hashable], symbols: int | Sequence[Hashable], seed: int
    ) -> HMM:
        """Return a model whose distributions are drawn at random, for EM to begin with.

        Each distribution is drawn uniformly from all distributions, so that nothing is ruled out
        and no two states are equal (states that are equal stay equal).

        Parameters
        ----------
        states, symbols
            As for the class.
        seed
            Of the draws.

        Returns
        -------
        HMM

        Examples
        --------
        >>> HMM.random(2, "abc", seed=0).emission.shape
        (2, 3)
        """
        model, rng = cls(states, symbols), np.random.default_rng(seed)
        any_state, any_symbol = np.ones(len(model.states)), np.ones(len(model.symbols))
        tables = ((any_state, None), (any_state, len(any_state)), (any_symbol, len(any_state)))
        drawn = [rng.dirichlet(weights, size) for weights, size in tables]
        return cls(model.states, model.symbols, *drawn)

    def fit(
        self,
        sequences: Sequence[Sequence[Hashable]],
        paths: Sequence[Sequence[Hashable]],
        *,
        k_emission: float = 1.0,
        k_transition: float = 1.0,
    ) -> HMM:
        """Count, where the states of the training sequences are known.

        Parameters
        ----------
        sequences
            S sequences of symbols.
        paths
            The state of each symbol: S sequences of the same lengths.
        k_emission
            What is added to each count of a symbol in a state.
        k_transition
            What is added to each count of a first state and of a transition. With 0, transitions
            that were not seen are ruled out.

        Returns
        -------
        HMM
            The model itself.

        Raises
        ------
        ValueError
            If lengths differ, a name is unknown, or a state was never seen (and nothing is added).

        Examples
        --------
        >>> model = HMM(["x", "y"], ["a", "b"])
        >>> model = model.fit([["a", "a", "b"]], [["x", "x", "y"]], k_transition=0.5)
        >>> model.transition.round(3).tolist(), model.emission[0].tolist()
        ([[0.5, 0.5], [0.5, 0.5]], [0.75, 0.25])
        """
        for name, k in (("k_emission", k_emission), ("k_transition", k_transition)):
            if not 0 <= k < np.inf:
                raise ValueError(f"{name} is {k}: give 0 or more.")
        ids, tags = self._ids(sequences), _encode("state", paths, self._state_id, None)
        if len(ids) != len(tags):
            raise ValueError(f"{len(ids)} sequences but {len(tags)} paths: give one for each.")
        for i, (symbols, path) in enumerate(zip(ids, tags, strict=True)):
            if len(symbols) != len(path):
                raise ValueError(
                    f"sequence {i} has {len(symbols)} symbols but its path {len(path)} states."
                )
        n_states, n_symbols = len(self.states), len(self.symbols)
        first = np.concatenate([path[:1] for path in tags])
        moves = np.concatenate([path[:-1] * n_states + path[1:] for path in tags])
        emitted = np.concatenate(tags) * n_symbols + np.concatenate(ids)
        shapes = {"initial": (1, n_states), "transition": (n_states, n_states)}
        shapes["emission"] = (n_states, n_symbols)
        tables = []
        for (name, shape), keys in zip(shapes.items(), (first, moves, emitted), strict=True):
            counts = np.bincount(keys, minlength=shape[0] * shape[1]).reshape(shape)
            counts = counts + (k_emission if name == "emission" else k_transition)
            empty = np.flatnonzero(counts.sum(axis=1) == 0)
            if len(empty):
                of = f" of state {self.states[empty[0]]!r}" if len(counts) > 1 else ""
                raise ValueError(
                    f"nothing was counted for the {name}{of}: give paths that visit (and leave) "
                    "every state, or add something to the counts."
                )
            tables.append(_rows_to_one(counts))
        (self.initial,), self.transition, self.emission = tables
        return self

    def _ids(self, sequences: Sequence[Sequence[Hashable]]) -> list[np.ndarray]:
        return _encode("symbol", sequences, self._symbol_id, self._symbol_id.get(UNKNOWN))

    def _trellis(self, sequences: Sequence[Sequence[Hashable]]) -> Trellis:
        if self.initial is None:
            raise ValueError("the model has no probabilities yet: call fit, or HMM.random.")
        packed = Packed.of(self._ids(sequences))
        return Trellis(self.initial, self.transition, self.emission, packed)

    def forward(self, sequences: Sequence[Sequence[Hashable]]) -> list[np.ndarray]:
        """Return log p(symbols up to t, state at t), the sum over all paths that lead there.

        Parameters
        ----------
        sequences
            S sequences of symbols.

        Returns
        -------
        list of numpy.ndarray
            One of shape ``(T, K)`` for each sequence.

        Examples
        --------
        >>> coin = HMM(1, ["heads", "tails"], [1], [[1]], [[0.5, 0.5]])
        >>> np.exp(coin.forward([["heads", "tails"]])[0]).round(6).tolist()
        [[0.5], [0.25]]
        """
        trellis = self._trellis(sequences)
        return trellis.packed.split(trellis.forward())

    def backward(self, sequences: Sequence[Sequence[Hashable]]) -> list[np.ndarray]:
        """Return log p(symbols after t | state at t), the sum over all paths that lead on.

        Parameters
        ----------
        sequences
            S sequences of symbols.

        Returns
        -------
        list of numpy.ndarray
            One of shape ``(T, K)`` for each sequence; its last row is 0, nothing is left.

        Examples
        --------
        >>> coin = HMM(1, ["heads", "tails"], [1], [[1]], [[0.5, 0.5]])
        >>> np.exp(coin.backward([["heads", "tails"]])[0]).round(6).tolist()
        [[0.5], [1.0]]
        """
        trellis = self._trellis(sequences)
        return trellis.packed.split(trellis.backward())

    def log_likelihood(self, sequences: Sequence[Sequence[Hashable]]) -> np.ndarray:
        """Return log p(sequence) of each, minus infinity for an impossible one: shape ``(S,)``.

        Examples
        --------
        >>> coin = HMM(1, ["heads", "tails"], [1], [[1]], [[0.5, 0.5]])
        >>> np.exp(coin.log_likelihood([["heads"] * 3, []])).round(6).tolist()
        [0.125, 1.0]
        """
        trellis = self._trellis(sequences)
        return trellis.log_likelihood(trellis.forward())

    def log_probs(self, sequences: Sequence[Sequence[Hashable]]) -> np.ndarray:
        """Return log p(symbol | symbols before) of every symbol, as an n-gram model does.

        Parameters
        ----------
        sequences
            S sequences with N symbols in all.

        Returns
        -------
        numpy.ndarray
            Shape ``(N,)``, in reading order. Nothing is predicted at the end of a sequence.

        Examples
        --------
        >>> coin = HMM(1, ["heads", "tails"], [1], [[1]], [[0.5, 0.5]])
        >>> np.exp(coin.log_probs([["heads", "tails"]])).round(6).tolist()
        [0.5, 0.5]
        """
        trellis = self._trellis(sequences)
        return trellis.log_next()[trellis.packed.place]

    def posterior(self, sequences: Sequence[Sequence[Hashable]]) -> list[np.ndarray]:
        """Return p(state at t | all symbols), before and after t.

        Parameters
        ----------
        sequences
            S sequences of symbols.

        Returns
        -------
        list of numpy.ndarray
            One of shape ``(T, K)`` for each sequence, whose rows sum to one.

        Raises
        ------
        ValueError
            If a sequence is impossible.
        """
        trellis = self._trellis(sequences)
        state, *_, likelihood = trellis.expected_counts()
        _require_possible(likelihood)
        return trellis.packed.split(state / state.sum(axis=1, keepdims=True))

    def viterbi(
        self, sequences: Sequence[Sequence[Hashable]]
    ) -> tuple[list[list[Hashable]], np.ndarray]:
        """Return the most probable path of each sequence and its probability.

        Parameters
        ----------
        sequences
            S sequences of symbols.

        Returns
        -------
        paths : list of list
            Names of the states. Among equal ones the state that is listed first wins.
        scores : numpy.ndarray
            log p(symbols, path), shape ``(S,)``.

        Raises
        ------
        ValueError
            If a sequence is impossible.
        """
        trellis = self._trellis(sequences)
        states, scores = trellis.viterbi()
        _require_possible(scores)
        paths = trellis.packed.split(states)
        return [[self.states[i] for i in path.tolist()] for path in paths], scores

    def baum_welch(
        self,
        sequences: Sequence[Sequence[Hashable]],
        *,
        n_iterations: int = 100,
        tolerance: float = 1e-6,
    ) -> np.ndarray:
        """Improve the parameters on sequences whose states are not known.

        Each step computes how probable each state and each transition is at each time (E), and
        takes these expected counts as if they had been counted (M). No step lowers the likelihood
        (Baum et al. 1970). Where it ends depends on where it began.

        Parameters
        ----------
        sequences
            S sequences of symbols, N in all.
        n_iterations
            Steps at most.
        tolerance
            End when a step raises the log-likelihood a symbol by less than this.

        Returns
        -------
        numpy.ndarray
            The log-likelihood of the data before the first step and after each.

        Raises
        ------
        ValueError
            If there is nothing to learn from, or the model holds a sequence to be impossible.

        Examples
        --------
        >>> model = HMM.random(2, "ab", seed=0)
        >>> history = model.baum_welch([list("aaabbbaaabbb")])
        >>> bool((np.diff(history) > -1e-9).all())
        True
        """
        if n_iterations < 1:
            raise ValueError(f"n_iterations is {n_iterations}: give at least 1.")
        trellis = self._trellis(sequences)
        ids, n_symbols = trellis.packed.ids, len(self.symbols)
        if not len(ids):
            raise ValueError("all sequences are empty: give some symbols to learn from.")
        history: list[float] = []
        while True:
            state, moves, first, likelihood = trellis.expected_counts()
            _require_possible(likelihood)
            history.append(float(likelihood.sum()))
            gained = np.inf if len(history) < 2 else history[-1] - history[-2]
            if len(history) > n_iterations or gained < tolerance * len(ids):
                return np.array(history)
            emitted = np.stack([np.bincount(ids, row, n_symbols) for row in state.T])
            self.initial = _rows_to_one(first[None])[0]
            self.transition = _rows_to_one(moves, self.transition)
            self.emission = _rows_to_one(emitted, self.emission)
            trellis = Trellis(self.initial, self.transition, self.emission, trellis.packed)

    def sample(self, length: int, seed: int = 0) -> tuple[list[Hashable], list[Hashable]]:
        """Draw a sequence of symbols and the path of states that emitted it.

        Parameters
        ----------
        length
            Number of symbols, at least 1.
        seed
            Of the draws.

        Returns
        -------
        symbols, path : list
        """
        if length < 1:
            raise ValueError(f"length is {length}: give at least 1.")
        self._trellis([[]])
        rng, path, symbols = np.random.default_rng(seed), [], []
        for _ in range(length):
            chance = self.transition[path[-1]] if path else self.initial
            path.append(int(rng.choice(len(self.states), p=chance)))
            symbols.append(int(rng.choice(len(self.symbols), p=self.emission[path[-1]])))
        return [self.symbols[v] for v in symbols], [self.states[i] for i in path]


def _names(what: str, given: int | Sequence[Hashable]) -> tuple[Hashable, ...]:
    """Return the names, which may be given by their number."""
    names = tuple(range(given)) if isinstance(given, int | np.integer) else tuple(given)
    if not names:
        raise ValueError(f"{what} is {given!r}: give at least one.")
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"{what} name {twice!r} twice: each name must be its own.")
    return names


def _distributions(name: str, values: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return a table whose last axis holds distributions, or say what is wrong with it."""
    table = np.array(values, float)
    if table.shape != shape:
        raise ValueError(f"{name} has shape {table.shape}: expected {shape}.")
    total = table.sum(axis=-1)
    wrong = (table.min(axis=-1) < 0) | ~(np.abs(total - 1) < 1e-6)
    if wrong.any():
        row = f"row {int(np.argmax(wrong))} of {name}" if wrong.ndim else name
        raise ValueError(
            f"{row} sums to {float(total[wrong].flat[0]):.6g} or holds a negative number: give "
            "probabilities that sum to one."
        )
    return table


def _rows_to_one(counts: np.ndarray, instead: np.ndarray | None = None) -> np.ndarray:
    """Divide rows by their sums; a row of zeros is taken from `instead`."""
    total = counts.sum(axis=1, keepdims=True)
    rows = counts / np.where(total > 0, total, 1)
    return rows if instead is None else np.where(total > 0, rows, instead)


def _encode(
    kind: str, sequences: Sequence[Sequence[Hashable]], ids: dict, unknown: int | None
) -> list[np.ndarray]:
    """Return the ids of the names in each sequence."""
    sequences = as_sentences(sequences)
    if not sequences:
        raise ValueError("there are no sequences: give a list with at least one.")
    encoded = []
    for i, sequence in enumerate(sequences):
        names = sequence.tolist() if isinstance(sequence, np.ndarray) else list(sequence)
        try:
            if unknown is None:
                row = [ids[name] for name in names]
            else:
                row = [ids.get(name, unknown) for name in names]
        except KeyError as error:
            raise ValueError(
                f"sequence {i} holds the {kind} {error.args[0]!r}, which is none of the "
                f"{len(ids)} that the model knows"
                + (f"; name {UNKNOWN!r} among the symbols." if kind == "symbol" else ".")
            ) from None
        encoded.append(np.array(row, np.int64))
    return encoded


def _require_possible(log_probs: np.ndarray) -> None:
    """Refuse sequences of probability zero, whose states cannot be told."""
    impossible = np.flatnonzero(np.isneginf(log_probs))
    if len(impossible):
        raise ValueError(
            f"sequence {impossible[0]} has probability zero under this model: smooth its tables "
            "(fit with k_emission and k_transition above 0)."
        )
