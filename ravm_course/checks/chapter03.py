"""Checks of the exercises of chapter 3: a small hidden Markov model, and scaled posteriors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ravm_course.checks.compare import check, check_value
from ravm_course.text.hmm import HMM


def check_hand(likelihood: float, best_path: float, first_is_noun: float) -> None:
    """Check three probabilities of "flies fish" under the model of three words.

    Parameters
    ----------
    likelihood
        Of the two words.
    best_path
        Of the most probable path together with the words.
    first_is_noun
        Of the state N for "flies", given both words.

    Examples
    --------
    >>> check_hand(..., ..., ...)
    Not attempted yet: write likelihood above, then run this cell again.
    Not attempted yet: write best_path above, then run this cell again.
    Not attempted yet: write first_is_noun above, then run this cell again.
    """
    check_value(
        likelihood,
        31 / 256,
        name="likelihood",
        tolerance=6e-4,
        hint="Add up four paths: N N, N V, V N, V V. Each has four factors: first state, 'flies' "
        "from it, the transition, 'fish' from the second state.",
    )
    check_value(
        best_path,
        18 / 256,
        name="best_path",
        tolerance=6e-4,
        hint="The largest of the four products, not divided by their sum.",
    )
    check_value(
        first_is_noun,
        21 / 31,
        name="first_is_noun",
        tolerance=6e-4,
        hint="The share of the two paths that begin with N in the sum of all four: the second "
        "word counts as well.",
    )


def _posterior(
    initial: np.ndarray, transition: np.ndarray, emission: np.ndarray, symbols: Sequence[int]
) -> np.ndarray:
    model = HMM(len(initial), emission.shape[1], initial, transition, emission)
    return model.posterior([symbols])[0]


def check_posterior(student: Callable[..., np.ndarray]) -> None:
    """Check ``posterior(initial, transition, emission, symbols)``.

    Parameters
    ----------
    student
        Takes the tables of a model with K states, of shapes ``(K,)``, ``(K, K)`` and ``(K, V)``,
        and a list of T symbol ids, at least one; returns the probability of each state at each
        time given all symbols, shape ``(T, K)``.

    Examples
    --------
    >>> check_posterior(_posterior)
    Right: 5 cases agree.
    """
    rng = np.random.default_rng(3)
    cases = []
    for n_states, n_symbols, length in ((2, 3, 1), (2, 3, 2), (3, 4, 7), (2, 5, 60), (3, 2, 3000)):
        tables = [
            rng.dirichlet(np.full(n_symbols if name == "emission" else n_states, 0.8), size)
            for name, size in (("initial", None), ("transition", n_states), ("emission", n_states))
        ]
        cases.append((*tables, rng.integers(0, n_symbols, length).tolist()))
    check(
        student,
        _posterior,
        cases,
        tolerance=1e-8,
        hint="alpha[t] is (alpha[t - 1] @ transition) * emission[:, symbols[t]], beta[t] is "
        "transition @ (emission[:, symbols[t + 1]] * beta[t + 1]); divide each by its sum at "
        "once, or thousands of symbols underflow. The posterior is their product, divided by its "
        "sum over the states.",
    )
