r"""Know when to be silent: judge a system that may refuse to answer.

A system that refuses whenever its confidence is below a threshold trades *coverage*, the share of
questions that it answers, against *risk*, the share of its answers that are wrong (El-Yaniv and
Wiener, "On the foundations of noise-free selective classification", JMLR 2010). Moving the
threshold draws a curve; its mean height is the AURC (Geifman, Uziel and El-Yaniv, "Bias-reduced
uncertainty estimation for deep neural classifiers", ICLR 2019). A question without an answer is
answered wrongly by whatever is said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return coverage and risk as the threshold falls from above all confidences to below them.

    Parameters
    ----------
    confidence
        Of each answer, shape (N,).
    right
        Whether it is right, shape (N,).

    Returns
    -------
    coverage, risk : numpy.ndarray
        One point for each different confidence: equal ones cannot be told apart by a threshold.

    Examples
    --------
    >>> coverage, risk = risk_coverage([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    >>> coverage.tolist(), risk.round(2).tolist()
    ([0.25, 0.75, 1.0], [0.0, 0.33, 0.5])
    """
    confidence, right = _checked(confidence, right)
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order])
    last = np.flatnonzero(np.diff(-confidence[order], append=np.inf) > 0)
    answered = last + 1
    return answered / len(order), wrong[last] / answered


def aurc(confidence: ArrayLike, right: ArrayLike) -> float:
    """Return the mean risk over all coverages, ties shared: 0 is best.

    Parameters
    ----------
    confidence, right
        As for :func:`risk_coverage`.

    Returns
    -------
    float

    Examples
    --------
    >>> aurc([3, 2, 1], [True, True, False])  # risks 0, 0 and 1/3
    0.1111111111111111
    >>> aurc([1, 1, 1], [True, True, False])  # a confidence that says nothing: the base rate
    0.3333333333333333
    """
    confidence, right = _checked(confidence, right)
    order = np.argsort(-confidence, kind="stable")
    _, group, size = np.unique(-confidence[order], return_inverse=True, return_counts=True)
    share_wrong = np.bincount(group, weights=~right[order]) / size
    wrong = np.cumsum(share_wrong[group])
    return float(np.mean(wrong / np.arange(1, len(order) + 1)))


def refusal_auc(answerable: ArrayLike, unanswerable: ArrayLike) -> float:
    """Return the chance that a question with an answer gets more confidence than one without.

    Ties count half; this is the area under the ROC curve.

    Parameters
    ----------
    answerable, unanswerable
        Confidences, shapes (N,) and (M,).

    Returns
    -------
    float
        1/2 for a confidence that says nothing.

    Examples
    --------
    >>> refusal_auc([0.9, 0.6], [0.6, 0.1])
    0.875
    """
    a, b = np.asarray(answerable, dtype=float), np.sort(np.asarray(unanswerable, dtype=float))
    if not len(a) or not len(b):
        raise ValueError(f"{len(a)} and {len(b)} confidences: give at least one of each kind.")
    below, upto = np.searchsorted(b, a, "left"), np.searchsorted(b, a, "right")
    return float(np.mean(below + upto) / 2 / len(b))


def threshold_for(confidence: ArrayLike, right: ArrayLike, risk: float) -> float:
    """Return the lowest threshold whose answers are wrong at most in a share `risk`.

    Choose it on validation questions; what it does on others is then a measurement.

    Parameters
    ----------
    confidence, right
        As for :func:`risk_coverage`.
    risk
        Between 0 and 1.

    Returns
    -------
    float
        Answer where the confidence is at least this; infinity if no threshold will do.

    Examples
    --------
    >>> threshold_for([0.9, 0.8, 0.7, 0.1], [True, False, True, False], risk=0.34)
    0.7
    """
    confidence, right = _checked(confidence, right)
    if not 0 <= risk <= 1:
        raise ValueError(f"risk is {risk}: give a share between 0 and 1.")
    _, reached = risk_coverage(confidence, right)
    fits = np.flatnonzero(reached <= risk)
    different = np.unique(confidence)[::-1]
    return float(different[fits[-1]]) if len(fits) else float("inf")


def _checked(confidence: ArrayLike, right: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays of one shape (N,), or refuse them."""
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    if confidence.shape != right.shape or confidence.ndim != 1 or not len(confidence):
        raise ValueError(
            f"confidence has shape {confidence.shape} and right {right.shape}: "
            "give one value of each for every answer, shape (N,)."
        )
    if not np.isfinite(confidence).all():
        raise ValueError("a confidence is not finite: mend it before it is compared.")
    return confidence, right
