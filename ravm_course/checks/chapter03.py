"""Checks of the exercises of chapter 3: a small hidden Markov model, and scaled posteriors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from ravm_course.checks.compare import CheckFailed, check, check_value
from ravm_course.text.hmm import HMM


def _three_decimals(answer: object, expected: float, *, name: str, hint: str) -> None:
    """Check a probability, with a hint of its own for too few decimals."""
    if isinstance(answer, int | float) and answer == round(expected, 2):
        hint = "That is rounded to two decimals: give three."
    check_value(answer, expected, name=name, tolerance=6e-4, hint=hint)


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
    _three_decimals(
        likelihood,
        31 / 256,
        name="likelihood",
        hint="Add up four paths: N N, N V, V N, V V. Each has four factors: first state, 'flies' "
        "from it, the transition, 'fish' from the second state.",
    )
    _three_decimals(
        best_path,
        18 / 256,
        name="best_path",
        hint="The largest of the four products, not divided by their sum.",
    )
    _three_decimals(
        first_is_noun,
        21 / 31,
        name="first_is_noun",
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
    if student is ...:
        return check(student, _posterior, cases)
    came = []

    @functools.wraps(student)
    def recorded(*tables: object) -> np.ndarray:
        came.append(None)  # stays None if the student's function raises an error
        came[-1] = student(*tables)
        return came[-1]

    try:
        return check(recorded, _posterior, cases, tolerance=1e-8)
    except CheckFailed as failed:
        hint = _hint(came[-1], _posterior(*cases[len(came) - 1]))
        raise CheckFailed(f"{failed}\n  hint:     {hint}") from None


def _hint(came: object, expected: np.ndarray) -> str:
    """Say what to think about, from what a wrong posterior looks like."""
    if not isinstance(came, np.ndarray) or came.dtype.kind not in "iuf":
        return "Return one array of numbers, with a row for each time and a column for each state."
    if came.shape != expected.shape:
        return "Rows are times, columns are states."
    if np.isnan(came).any():
        return (
            "NaN is 0 / 0: thousands of factors have underflowed. Divide alpha[t] and beta[t] by "
            "their sums at once, at each time."
        )
    if not np.allclose(came.sum(axis=1), 1):
        return "Divide the product of alpha and beta by its sum over the states, at each time."
    if len(came) > 1 and np.allclose(came[-1], expected[-1]):
        return (
            "The last row is right, so alpha is; look at beta. It begins with ones, and beta[t] is "
            "transition @ (emission[:, symbols[t + 1]] * beta[t + 1])."
        )
    return (
        "alpha[0] is initial * emission[:, symbols[0]], alpha[t] is (alpha[t - 1] @ transition) * "
        "emission[:, symbols[t]]. The posterior is alpha * beta, divided by its sum over the "
        "states."
    )
