"""Mix language models: the probability of a token is a weighted mean of what each model says.

Two models that err in different places are better together than either alone. The weights are those
that make held-out text most probable, found by expectation-maximisation as for the orders of an
n-gram model (Jelinek & Mercer, "Interpolated estimation of Markov source parameters from sparse
data", 1980): given weights, compute which model drew each token; given that, the weight of a model
is the share of the tokens that it drew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def mix(log_probs: ArrayLike, weights: ArrayLike) -> np.ndarray:
    """Return the log-probabilities of the mixture.

    Parameters
    ----------
    log_probs
        Natural logarithms of what M models say of N tokens, ``(M, N)``.
    weights
        ``(M,)``, not negative, with the sum 1.

    Returns
    -------
    numpy.ndarray
        ``(N,)``.

    Raises
    ------
    ValueError
        If the shapes do not fit or the weights are none.

    Examples
    --------
    >>> np.exp(mix(np.log([[0.5, 0.1], [0.1, 0.3]]), [0.5, 0.5])).round(3)
    array([0.3, 0.2])
    """
    log_probs = _checked(log_probs)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != log_probs.shape[:1]:
        raise ValueError(
            f"weights has shape {weights.shape}, expected one for each of {len(log_probs)} models."
        )
    if not ((weights >= 0).all() and abs(weights.sum() - 1) < 1e-6):
        raise ValueError(f"weights is {weights}, expected numbers of at least 0 that sum to 1.")
    with np.errstate(divide="ignore"):
        return np.logaddexp.reduce(log_probs + np.log(weights)[:, None], axis=0)


def mixture_weights(log_probs: ArrayLike, *, n_iterations: int = 500) -> np.ndarray:
    """Return the weights that make some tokens most probable.

    Parameters
    ----------
    log_probs
        What M models say of N held-out tokens, ``(M, N)``.
    n_iterations
        Steps at most; it ends earlier when a step moves no weight by more than a millionth.

    Returns
    -------
    numpy.ndarray
        ``(M,)``, sums to 1.

    Raises
    ------
    ValueError
        If there are no tokens, or all models hold one to be impossible.

    Examples
    --------
    Of two models, one is right more often:

    >>> mixture_weights(np.log([[0.9, 0.9, 0.1], [0.1, 0.1, 0.9]])).round(2)
    array([0.71, 0.29])
    """
    log_probs = _checked(log_probs)
    best = log_probs.max(axis=0)
    if not np.isfinite(best).all():
        place = int(np.flatnonzero(~np.isfinite(best))[0])
        raise ValueError(f"all models hold token {place} to be impossible: smooth one of them.")
    relative = np.exp(log_probs - best)
    weights = np.full(len(log_probs), 1 / len(log_probs))
    for _ in range(n_iterations):
        drawn = weights[:, None] * relative
        after = (drawn / drawn.sum(axis=0)).mean(axis=1)
        moved, weights = np.abs(after - weights).max(), after
        if moved < 1e-6:
            break
    return weights


def _checked(log_probs: ArrayLike) -> np.ndarray:
    log_probs = np.asarray(log_probs, dtype=np.float64)
    if log_probs.ndim != 2 or not log_probs.size:
        raise ValueError(
            f"log_probs has shape {log_probs.shape}, expected (models, tokens), at least one each."
        )
    if not (log_probs <= 1e-6).all():
        raise ValueError("a log-probability is above 0 or NaN: give natural logarithms.")
    return log_probs
