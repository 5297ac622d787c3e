r"""Entropy and its relatives: how unsure a distribution is, in bits or nats.

All functions take weights, which may be counts or probabilities, and normalise them. For a joint
distribution of X and Y they take a table whose rows are the values of X and whose columns are the
values of Y. The definitions are those of Shannon (1948) and of Cover and Thomas (*Elements of
Information Theory*, 2006, chapter 2), with 0 log 0 = 0.

Entropies computed from counts of a sample are too low on average, since values that the sample
missed count as impossible. The correction of Miller (1955), named after Miller and Madow, adds
(K - 1) / 2N nats, where K of the values occurred among N draws. It is the first term of a series
in 1/N: good when every value was seen often, too small when many were never seen.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

Unit = Literal["bits", "nats"]
Correction = Literal["miller-madow"]


def entropy(
    weights: ArrayLike, *, unit: Unit = "bits", correction: Correction | None = None
) -> float:
    r"""Return the entropy :math:`H(X) = -\sum_x p(x) \log p(x)`.

    Parameters
    ----------
    weights
        Counts or probabilities of the values of X, any shape; they are divided by their sum.
    unit
        ``"bits"`` (logarithms to base 2) or ``"nats"`` (natural logarithms).
    correction
        None for the plug-in estimate, which uses the relative frequencies as they are, or
        ``"miller-madow"``, which wants counts.

    Returns
    -------
    float
        Between 0 (one value is certain) and log K for K values (all are equally likely); with
        the correction, possibly more.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, all are zero, or a correction is asked for
        something else than counts.

    Examples
    --------
    Four symbols with probabilities 1/2, 1/4, 1/8, 1/8 need 1, 2, 3 and 3 bits:

    >>> entropy([1 / 2, 1 / 4, 1 / 8, 1 / 8])
    1.75
    >>> round(entropy([4, 2, 1, 1], correction="miller-madow"), 4)  # + 3 / 16 nats
    2.0205
    """
    weights = _weights(weights)
    p = weights / weights.sum()
    return float(-(p * _log(p, unit)).sum()) + _bias(weights, correction, unit)


def conditional_entropy(
    joint: ArrayLike, *, unit: Unit = "bits", correction: Correction | None = None
) -> float:
    r"""Return :math:`H(Y \mid X) = H(X, Y) - H(X)`: how unsure Y is once X is known.

    Parameters
    ----------
    joint
        Counts or probabilities, shape (values of X, values of Y).
    unit, correction
        As for :func:`entropy`; the correction is applied to both terms.

    Returns
    -------
    float
        Between 0 (X decides Y) and H(Y) (X tells nothing about Y).

    Raises
    ------
    ValueError
        As :func:`entropy`, or if `joint` is not a table.

    Examples
    --------
    After a the next letter is open, after b it is decided:

    >>> conditional_entropy([[1, 1], [2, 0]])
    0.5
    """
    joint = _joint(joint)
    given = joint.sum(axis=1, keepdims=True)
    share = np.divide(joint, given, out=np.zeros_like(joint), where=given > 0)
    plug_in = float(-(joint * _log(share, unit)).sum() / joint.sum())
    return plug_in + _bias(joint, correction, unit) - _bias(given, correction, unit)


def mutual_information(
    joint: ArrayLike, *, unit: Unit = "bits", correction: Correction | None = None
) -> float:
    r"""Return :math:`I(X; Y) = H(X) + H(Y) - H(X, Y)`: what each tells about the other.

    Parameters
    ----------
    joint
        Counts or probabilities, shape (values of X, values of Y).
    unit, correction
        As for :func:`entropy`; the correction is applied to the three terms.

    Returns
    -------
    float
        Between 0 (independent) and the smaller of H(X) and H(Y). A corrected estimate can fall
        below 0. Uncorrected, a sample of independent variables gives about
        (K - 1) (L - 1) / 2N nats and not 0, for K and L values that were all seen often.

    Raises
    ------
    ValueError
        As :func:`conditional_entropy`.

    Examples
    --------
    >>> mutual_information([[1, 0], [0, 1]])
    1.0
    >>> mutual_information([[1, 2], [2, 4]])
    0.0
    """
    joint = _joint(joint)
    rows, columns = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    independent = rows / joint.sum() * (columns / joint.sum())
    plug_in = max(0.0, _divergence(joint / joint.sum(), independent, unit))
    bias = _bias(rows, correction, unit) + _bias(columns, correction, unit)
    return plug_in + bias - _bias(joint, correction, unit)


def cross_entropy(p: ArrayLike, q: ArrayLike, *, unit: Unit = "bits") -> float:
    r"""Return :math:`H(p, q) = -\sum_x p(x) \log q(x)`: the cost of q where p is the truth.

    Parameters
    ----------
    p, q
        Counts or probabilities over the same values, of the same shape.
    unit
        As for :func:`entropy`.

    Returns
    -------
    float
        At least H(p); infinite if q holds for impossible what p does not.

    Raises
    ------
    ValueError
        As :func:`entropy`, or if the shapes differ.

    Examples
    --------
    >>> cross_entropy([1, 1], [3, 1])  # -(log2 3/4 + log2 1/4) / 2
    1.207518749639422
    >>> cross_entropy([1, 1], [1, 0])
    inf
    """
    p, q = _pair(p, q)
    if np.any((q == 0) & (p > 0)):
        return math.inf
    return float(-(p * _log(np.where(p > 0, q, 1.0), unit)).sum()) + 0.0  # no minus zero


def kl_divergence(p: ArrayLike, q: ArrayLike, *, unit: Unit = "bits") -> float:
    r"""Return :math:`\mathrm{KL}(p \,\|\, q) = \sum_x p(x) \log (p(x) / q(x))`.

    It is what q costs beyond the entropy of p, H(p, q) - H(p), and no distance: the two
    directions differ.

    Parameters
    ----------
    p, q
        Counts or probabilities over the same values, of the same shape.
    unit
        As for :func:`entropy`.

    Returns
    -------
    float
        0 if p = q, otherwise more; infinite if q holds for impossible what p does not.

    Raises
    ------
    ValueError
        As :func:`cross_entropy`.

    Examples
    --------
    >>> kl_divergence([1, 0], [1, 1]), kl_divergence([1, 1], [1, 0])
    (1.0, inf)
    """
    p, q = _pair(p, q)
    if np.any((q == 0) & (p > 0)):
        return math.inf
    return max(0.0, _divergence(p, q, unit))


def _divergence(p: np.ndarray, q: np.ndarray, unit: str) -> float:
    """Return the sum of p log p/q over where p is above 0, as it comes out of the machine."""
    return float((p * (_log(p, unit) - _log(np.where(p > 0, q, 1.0), unit))).sum())


def _log(values: np.ndarray, unit: str) -> np.ndarray:
    """Return logarithms to the base of the unit, and 0 for 0, so that 0 log 0 is 0."""
    if unit not in ("bits", "nats"):
        raise ValueError(f"unit is {unit!r}: give 'bits' or 'nats'.")
    log = np.log2 if unit == "bits" else np.log
    return log(values, out=np.zeros_like(values), where=values > 0)


def _bias(counts: np.ndarray, correction: str | None, unit: str) -> float:
    """Return what Miller and Madow add to the entropy of these counts."""
    if correction is None:
        return 0.0
    if correction != "miller-madow":
        raise ValueError(f"correction is {correction!r}: give 'miller-madow' or None.")
    if np.any(counts != np.round(counts)):
        raise ValueError(
            "the correction depends on how much was counted: give counts (whole numbers), not "
            "probabilities."
        )
    nats = (int(np.count_nonzero(counts)) - 1) / (2 * float(counts.sum()))
    return nats / math.log(2) if unit == "bits" else nats


def _weights(weights: ArrayLike) -> np.ndarray:
    """Return weights as float64, or say what is wrong with them."""
    weights = np.asarray(weights, dtype=np.float64)
    if not np.all((weights >= 0) & (weights < np.inf)):
        worst = float(weights[~((weights >= 0) & (weights < np.inf))][0])
        raise ValueError(f"a weight is {worst:g}: counts and probabilities are finite and >= 0.")
    if not weights.sum() > 0:
        raise ValueError("no weight is above 0: give the counts of at least one event.")
    return weights


def _joint(joint: ArrayLike) -> np.ndarray:
    """Return a table of weights, or say that it is none."""
    joint = _weights(joint)
    if joint.ndim != 2:
        raise ValueError(
            f"joint has shape {joint.shape}: give a table, one row for each value of X and one "
            "column for each value of Y."
        )
    return joint


def _pair(p: ArrayLike, q: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return two distributions over the same values."""
    p, q = _weights(p), _weights(q)
    if p.shape != q.shape:
        raise ValueError(
            f"p has shape {p.shape} but q has {q.shape}: give both for the same values, with 0 "
            "where one lacks a value."
        )
    return p / p.sum(), q / q.sum()
