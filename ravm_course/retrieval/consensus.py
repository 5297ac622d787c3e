"""Choose one of k retrieved answers by what the others say, not by who came first.

Two ways, both without training. :func:`votes` adds up the weights of equal answers: a name that
three neighbours bear beats one that the nearest bears alone. :func:`consensus` needs no equal ones:
it takes the answer that is most like all of them, as Devlin et al., "Exploring nearest neighbor
approaches for image captioning" (2015, section 3.2), do with captions; where likeness is the
measure that the answer is judged by, this is minimum Bayes risk decoding (Kumar & Byrne, NAACL
2004) with the neighbours as samples.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike


def nearness_weights(similarities: ArrayLike, temperature: float) -> np.ndarray:
    """Return weights that sum to one and fall with distance.

    Parameters
    ----------
    similarities
        Of a query to its neighbours, ``(..., k)``.
    temperature
        Above 0: a small one leaves all weight to the nearest, a large one makes all equal.

    Returns
    -------
    numpy.ndarray
        The softmax of ``similarities / temperature`` over the last axis.

    Examples
    --------
    >>> nearness_weights([0.9, 0.9, 0.2], 0.1).round(3).tolist()
    [0.5, 0.5, 0.0]
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}: expected a number above 0.")
    scaled = np.asarray(similarities, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def votes(answers: Sequence[Hashable], weights: ArrayLike | None = None) -> dict[Hashable, float]:
    """Return the sum of the weights of each different answer, in order of appearance.

    Parameters
    ----------
    answers
        Of k neighbours, nearest first.
    weights
        How much each counts; one each without.

    Returns
    -------
    dict
        ``max(..., key=...)`` of it gives the first of several that have as many votes: the one
        whose first neighbour is nearest.

    Raises
    ------
    ValueError
        If answers are none, or not as many as weights.

    Examples
    --------
    >>> tally = votes(["cat", "tiger", "tiger"], [0.5, 0.3, 0.3])
    >>> max(tally, key=tally.get)
    'tiger'
    """
    weights = np.ones(len(answers)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(answers) or weights.shape != (len(answers),):
        raise ValueError(
            f"{len(answers)} answers and weights of shape {weights.shape}: expected one weight "
            "each, and at least one answer."
        )
    tally: dict[Hashable, float] = {}
    for answer, weight in zip(answers, weights.tolist(), strict=True):
        tally[answer] = tally.get(answer, 0.0) + weight
    return tally


def consensus(likeness: ArrayLike, weights: ArrayLike | None = None) -> int:
    """Return the place of the answer that is most like all others.

    Parameters
    ----------
    likeness
        How good answer i is if answer j is the right one, ``(k, k)``. An answer is not counted as
        like itself: that would favour those that are like nothing else.
    weights
        How probable it is that each answer is the right one, up to a factor; equal without.

    Returns
    -------
    int
        From 0; the first of equally good ones.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    Two neighbours nearly agree, and the nearest stands alone:

    >>> consensus([[10, 0, 0], [0, 10, 8], [0, 8, 10]])
    1
    >>> consensus([[10, 0, 0], [0, 10, 8], [0, 8, 10]], [0.1, 0.1, 0.8])
    1
    """
    likeness = np.array(likeness, dtype=np.float64)
    k = len(likeness)
    weights = np.ones(k) if weights is None else np.asarray(weights, dtype=np.float64)
    if not k or likeness.shape != (k, k) or weights.shape != (k,):
        raise ValueError(
            f"likeness has shape {likeness.shape} and weights {weights.shape}: expected (k, k) and "
            "(k,), k at least 1."
        )
    np.fill_diagonal(likeness, 0.0)
    return int(np.argmax(likeness @ weights))
