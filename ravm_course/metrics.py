"""Measure a model, and say how sure the measurement is.

Perplexity and bits per byte turn the log-probabilities of a language model into numbers that can
be compared (Jurafsky & Martin, *Speech and Language Processing*, ch. 3). A single number says
nothing about chance, so every result of the course carries a percentile bootstrap interval
(Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993, ch. 13): draw the test set again,
with replacement, many times, and look how much the mean moves. Where several values belong to one
unit (all questions about one country, all sentences of one speech) whole units are drawn, because
values of one unit are not independent.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

_BLOCK = 2**21  # draws held in memory at a time


@dataclass(frozen=True)
class Interval:
    """A mean with the lower and upper end of its confidence interval.

    Examples
    --------
    >>> print(Interval(mean=0.4712, low=0.441, high=0.502))
    0.471 [0.44, 0.50]
    >>> print(Interval(mean=124.31, low=118.2, high=130.9))
    124.3 [118, 131]
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        width = self.high - self.low
        digits = 2 if width < 1 or width == math.inf else 0
        if 0 < width < 0.01:
            digits = math.ceil(-math.log10(width))
        return f"{self.mean:.{digits + 1}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def perplexity(log_probs: ArrayLike) -> float:
    r"""Return the perplexity :math:`\exp(-\frac{1}{N} \sum_i \log p(w_i \mid h_i))`.

    Parameters
    ----------
    log_probs
        Natural logarithms of the probabilities of N tokens, any shape. Minus infinity (a token
        the model holds to be impossible) makes the perplexity infinite.

    Returns
    -------
    float
        Between 1 (the model was certain and right) and infinity.

    Raises
    ------
    ValueError
        If there are no values, or one is NaN or above 0 (a probability above 1).

    Examples
    --------
    A model that spreads its belief over ten words is as unsure as a ten-sided die:

    >>> round(perplexity(np.log([0.1, 0.1, 0.1])), 6)
    10.0
    """
    return float(np.exp(-_log_probs(log_probs).mean()))


def bits_per_byte(log_probs: ArrayLike, n_bytes: int) -> float:
    r"""Return :math:`-\sum_i \log_2 p(w_i \mid h_i) / B`, which no choice of tokens can flatter.

    Perplexity is per token: a model with longer tokens makes fewer, harder guesses, and its
    perplexity cannot be compared with another's. The bytes of the text are the same for all.

    Parameters
    ----------
    log_probs
        Natural logarithms of the probabilities of all tokens of a text.
    n_bytes
        Length of that text in UTF-8 bytes.

    Returns
    -------
    float
        Bits a byte; 8 for a model that knows nothing about bytes.

    Raises
    ------
    ValueError
        As :func:`perplexity`, or if `n_bytes` is not positive.

    Examples
    --------
    >>> bits_per_byte(np.log([0.5, 0.25]), n_bytes=6)
    0.5
    """
    if n_bytes <= 0:
        raise ValueError(f"n_bytes is {n_bytes}: give the length of the text, len(text.encode()).")
    return float(-_log_probs(log_probs).sum() / math.log(2) / n_bytes)


def accuracy(predicted: ArrayLike, expected: ArrayLike) -> float:
    """Return the share of predictions that are right.

    Parameters
    ----------
    predicted, expected
        Labels, both of shape (N,).

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes differ or there are no labels.

    Examples
    --------
    >>> accuracy(["cat", "dog", "dog"], ["cat", "dog", "cow"])
    0.6666666666666666
    """
    predicted, expected = np.asarray(predicted), np.asarray(expected)
    if predicted.shape != expected.shape:
        raise ValueError(
            f"predicted has shape {predicted.shape} but expected has {expected.shape}: "
            "give one prediction for each expected label."
        )
    if predicted.size == 0:
        raise ValueError("there are no labels: accuracy needs at least one.")
    return float(np.mean(predicted == expected))


def bootstrap_interval(
    values: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the mean of `values` with its percentile bootstrap interval.

    Parameters
    ----------
    values
        One value a test item, shape (N,); for an accuracy, 0 or 1.
    groups
        Label of the unit that each value belongs to, shape (N,). Units are then drawn whole.
        None: each value is its own unit.
    level
        Confidence level, between 0 and 1.
    n_resamples
        How many times the test set is drawn again.
    seed
        Seed of the draws.

    Returns
    -------
    Interval
        The mean of `values`, and the quantiles of the means of the resamples.

    Raises
    ------
    ValueError
        If a value is not finite, the shapes do not fit, there are fewer than two units (one unit
        says nothing about how much units differ), or `level` or `n_resamples` is out of range.

    Examples
    --------
    >>> print(bootstrap_interval([1, 1, 0, 1] * 25))
    0.750 [0.67, 0.84]

    If each block of 25 values stems from one country, only four things were measured:

    >>> print(bootstrap_interval([1, 1, 0, 1] * 25, groups=[0, 1, 2, 3] * 25))
    0.750 [0.25, 1.00]
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"values has shape {values.shape}: give one value an item, shape (N,).")
    if not np.isfinite(values).all():
        raise ValueError(f"value {int(np.argmin(np.isfinite(values)))} is not finite: remove it.")
    sums, sizes = values, np.ones_like(values)
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != values.shape:
            raise ValueError(
                f"groups has shape {groups.shape} but values has {values.shape}: "
                "name the group of every value."
            )
        _, unit = np.unique(groups, return_inverse=True)
        sums, sizes = np.bincount(unit, weights=values), np.bincount(unit)
    means = _resampled_ratios(sums, sizes, level, n_resamples, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))


def ratio_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return a ratio of two sums over units, with its percentile bootstrap interval.

    Bits per byte of a set of speeches is such a ratio: all bits over all bytes. Both numbers of a
    unit are drawn together, so that a long speech weighs more, here as there.

    Parameters
    ----------
    numerators, denominators
        One number a unit each, shape (N,); the denominators are positive.
    level, n_resamples, seed
        As for :func:`bootstrap_interval`.

    Returns
    -------
    Interval
        The sum of all numerators over that of all denominators, and quantiles of the same ratio in
        the resamples.

    Raises
    ------
    ValueError
        As :func:`bootstrap_interval`, or if the shapes differ or a denominator is not positive.

    Examples
    --------
    >>> print(ratio_interval([20, 30, 10, 20], [10, 10, 10, 10]))
    2.0 [1, 3]
    """
    above, below = (np.asarray(some, dtype=np.float64) for some in (numerators, denominators))
    if above.shape != below.shape or above.ndim != 1:
        raise ValueError(
            f"numerators {above.shape} and denominators {below.shape} differ: give both for each "
            "unit, shape (N,)."
        )
    if not (np.isfinite(above).all() and np.isfinite(below).all() and (below > 0).all()):
        raise ValueError("a number is not finite, or a denominator not positive: remove the unit.")
    ratios = _resampled_ratios(above, below, level, n_resamples, seed)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean=float(above.sum() / below.sum()), low=float(low), high=float(high))


def paired_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the interval of the mean difference of two systems on the same items.

    Both systems meet the same hard and easy items; drawing items, not scores, keeps the pairs
    together and asks only how the *difference* moves. If the interval holds 0, the test set does
    not tell the systems apart.

    Parameters
    ----------
    a, b
        One value an item from each system, both of shape (N,).
    groups, level, n_resamples, seed
        As for :func:`bootstrap_interval`.

    Returns
    -------
    Interval
        Of the mean of ``a - b``.

    Raises
    ------
    ValueError
        As :func:`bootstrap_interval`, or if the shapes differ.

    Examples
    --------
    >>> print(paired_bootstrap([1, 1, 1, 0] * 25, [1, 0, 1, 0] * 25))
    0.250 [0.17, 0.33]
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"a has shape {a.shape} but b has {b.shape}: score the same items.")
    return bootstrap_interval(a - b, groups=groups, level=level, n_resamples=n_resamples, seed=seed)


def cpu_milliseconds(run: Callable[[], object], repeats: int = 15) -> float:
    """Return how long a call takes: the median CPU time of several, after one that does not count.

    CPU time leaves out what other programs did meanwhile; where several threads work, theirs is
    added up.

    Parameters
    ----------
    run
        Called without arguments.
    repeats
        How many calls are timed.

    Returns
    -------
    float
        Milliseconds.

    Raises
    ------
    ValueError
        If `repeats` is below 1.

    Examples
    --------
    >>> cpu_milliseconds(lambda: sum(range(1000))) > 0
    True
    """
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}: time at least one call.")
    run()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return 1000 * float(np.median(times))


def _resampled_ratios(
    above: np.ndarray, below: np.ndarray, level: float, n_resamples: int, seed: int
) -> np.ndarray:
    """Draw N of N units with replacement, again and again; return each draw's ratio of sums."""
    if not (0 < level < 1 and n_resamples >= 1):
        raise ValueError(f"level {level} must lie between 0 and 1, n_resamples {n_resamples} >= 1.")
    n_units = len(above)
    if n_units < 2:
        raise ValueError(f"{n_units} unit(s) to draw from: an interval needs at least two.")
    rng = np.random.default_rng(seed)
    ratios = np.empty(n_resamples)
    block = max(1, _BLOCK // n_units)
    for start in range(0, n_resamples, block):
        stop = min(start + block, n_resamples)
        drawn = rng.integers(0, n_units, size=(stop - start, n_units))
        ratios[start:stop] = above[drawn].sum(axis=1) / below[drawn].sum(axis=1)
    return ratios


def _log_probs(log_probs: ArrayLike) -> np.ndarray:
    """Return log-probabilities as float64, or say what is wrong with them."""
    log_probs = np.asarray(log_probs, dtype=np.float64)
    if log_probs.size == 0:
        raise ValueError("there are no log-probabilities: give at least one token's.")
    if not (log_probs <= 1e-6).all():  # rounding may lift log 1 a little; NaN fails as well
        worst = float(np.max(log_probs))
        raise ValueError(
            f"a log-probability is {worst:.6g}: expected natural logarithms of probabilities, "
            "which are never above 0 and never NaN."
        )
    return log_probs
