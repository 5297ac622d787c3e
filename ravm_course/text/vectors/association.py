r"""Measure which of two groups of words lies nearer to which of two others: WEAT.

For a word w, let s(w) be its mean cosine with the attribute words A minus its mean cosine with B.
The word embedding association test asks whether s is larger over the targets X than over Y
(Caliskan, Bryson and Narayanan 2017, "Semantics derived automatically from language corpora contain
human-like biases"). Its effect size is the difference of the two means divided by the standard
deviation of s over all targets, as Cohen's d; its p-value is the share of all ways to divide the
targets into two groups of these sizes that differ at least as much.

The test treats the chosen *words* as a sample. It says nothing about other words for the same
ideas, about chance in the text or in the training of the vectors, or about what a difference does
to anyone: repeat it over word lists, texts and seeds.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

_EXACT = 20_000  # divisions that are all tried; more are sampled


@dataclass(frozen=True)
class Weat:
    """What the test found.

    Attributes
    ----------
    effect : float
        Difference of the mean associations of X and Y in standard deviations, between -2 and 2.
    p_value : float
        Share of divisions of the targets whose difference is at least as large (one-sided).
    n_divisions : int
        How many divisions were compared.
    associations : numpy.ndarray
        s(w) of every target, those of X first, shape ``(X + Y,)``.
    """

    effect: float
    p_value: float
    n_divisions: int
    associations: np.ndarray


def associations(targets: ArrayLike, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Return, for each target, its mean cosine with `a` minus its mean cosine with `b`.

    Parameters
    ----------
    targets, a, b
        Vectors of words, shapes ``(T, D)``, ``(A, D)`` and ``(B, D)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(T,)``.

    Raises
    ------
    ValueError
        If a group is empty or the lengths of the vectors differ.

    Examples
    --------
    >>> associations([[2.0, 0.0], [1.0, 1.0]], a=[[1.0, 0.0]], b=[[0.0, 1.0]]).tolist()
    [1.0, 0.0]
    """
    targets, a, b = _units(targets, "targets"), _units(a, "a"), _units(b, "b")
    if not targets.shape[1] == a.shape[1] == b.shape[1]:
        raise ValueError(
            f"the vectors have {targets.shape[1]}, {a.shape[1]} and {b.shape[1]} dimensions: "
            "all must come from one space."
        )
    return (targets @ a.T).mean(axis=1) - (targets @ b.T).mean(axis=1)


def weat(x: ArrayLike, y: ArrayLike, a: ArrayLike, b: ArrayLike, *, seed: int = 0) -> Weat:
    """Test whether targets X lie nearer to A, compared with B, than targets Y do.

    Parameters
    ----------
    x, y
        Vectors of the target words, shapes ``(X, D)`` and ``(Y, D)``.
    a, b
        Vectors of the attribute words.
    seed
        Of the divisions drawn where there are too many to try all (20,000).

    Returns
    -------
    Weat

    Raises
    ------
    ValueError
        As :func:`associations`, or if all targets have the same association.

    Examples
    --------
    >>> right, up = [1.0, 0.0], [0.0, 1.0]
    >>> found = weat([right, [3.0, 1.0]], [up, [1.0, 3.0]], [right], [up])
    >>> round(found.effect, 2), found.n_divisions, round(found.p_value, 2)
    (1.69, 6, 0.17)
    """
    n_x, n_y = len(x), len(y)
    s = associations(np.concatenate([_units(x, "x"), _units(y, "y")]), a, b)
    spread = s.std(ddof=1)
    if not spread > 1e-12:
        raise ValueError("all targets have the same association: there is nothing to compare.")
    difference = s[:n_x].mean() - s[n_x:].mean()

    everyone = n_x + n_y
    if math.comb(everyone, n_x) <= _EXACT:
        chosen = np.array(list(itertools.combinations(range(everyone), n_x)))
    else:
        draws = np.random.default_rng(seed).random((_EXACT, everyone))
        chosen = np.concatenate([np.arange(n_x)[None], draws.argsort(axis=1)[1:, :n_x]])
    sums = s[chosen].sum(axis=1)
    differences = sums / n_x - (s.sum() - sums) / n_y
    as_large = differences >= difference - 1e-12  # the division that was made counts itself
    return Weat(float(difference / spread), float(as_large.mean()), len(chosen), s)


def _units(vectors: ArrayLike, name: str) -> np.ndarray:
    """Return unit vectors in double precision, or say what is wrong."""
    vectors = np.asarray(vectors, dtype=np.float64)
    if vectors.ndim != 2 or not len(vectors):
        raise ValueError(f"{name} has shape {vectors.shape}: give at least one vector, (N, D).")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
