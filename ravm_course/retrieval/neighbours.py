r"""Judge a search by what an exact one finds, and a set of vectors by how hard it is to search.

*Recall of neighbours* counts how many of the true k nearest were found. It does not ask how much
farther the wrong ones are; the *distance ratio* does. Both are needed: among near-copies of one
vector a search may miss every "true" neighbour and return others that are just as near.

How hard a set is shows in two numbers. The *relative contrast* is how much farther an average
vector is than the nearest (He, Kumar & Chang, "On the difficulty of nearest neighbor search", ICML
2012); near 1, all vectors are about equally far, and "nearest" says little (Beyer et al., "When is
nearest neighbor meaningful?", ICDT 1999). The *intrinsic dimension* tells how fast the number of
neighbours grows with the distance: like :math:`r^d`, whatever the number of coordinates (Levina &
Bickel, "Maximum likelihood estimation of intrinsic dimension", NeurIPS 2004).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def neighbour_recall(found: ArrayLike, true: ArrayLike) -> np.ndarray:
    """Return for each query which share of the true neighbours was found.

    Parameters
    ----------
    found
        Ids that a search returned, shape (Q, any number); -1 is none.
    true
        Ids of the true nearest, shape (Q, k).

    Returns
    -------
    numpy.ndarray
        float64 (Q,), each a multiple of 1/k.

    Raises
    ------
    ValueError
        If the shapes do not fit, or an id stands twice in a row of `true`.

    Examples
    --------
    >>> neighbour_recall([[4, 9, -1], [1, 2, 3]], [[9, 8], [3, 1]])
    array([0.5, 1. ])
    """
    found, true = np.asarray(found), np.asarray(true)
    if found.ndim != 2 or true.ndim != 2 or len(found) != len(true) or not true.size:
        raise ValueError(
            f"found has shape {found.shape} and true {true.shape}: expected (Q, any) and (Q, k)."
        )
    ordered = np.sort(true, axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        raise ValueError("an id stands twice in a row of `true`: a vector is a neighbour once.")
    return (true[:, :, None] == found[:, None, :]).any(axis=2).mean(axis=1)


def distance_ratio(found: ArrayLike, true: ArrayLike) -> np.ndarray:
    """Return how much farther the found neighbours are than the true ones, on average.

    Parameters
    ----------
    found, true
        True distances (not squared, not estimated from codes) of what was found and of the nearest,
        both in the order of rank, shape (Q, k); found ones may be inf.

    Returns
    -------
    numpy.ndarray
        float64 (Q,): the mean of the k ratios, 1 for a perfect search. A pair of zeros counts as 1.

    Raises
    ------
    ValueError
        If the shapes differ, or a distance is negative or NaN.

    Examples
    --------
    >>> distance_ratio([[2.0, 3.0]], [[1.0, 3.0]])
    array([1.5])
    """
    found, true = np.asarray(found, np.float64), np.asarray(true, np.float64)
    if found.shape != true.shape or found.ndim != 2:
        raise ValueError(f"found {found.shape} and true {true.shape} differ: expected (Q, k) both.")
    if not ((found >= 0).all() and (true >= 0).all()):
        raise ValueError("a distance is negative or NaN: give distances, not scores.")
    both_zero = (found == 0) & (true == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(both_zero, 1, found / true).mean(axis=1)


def intrinsic_dimension(distances: ArrayLike) -> float:
    r"""Estimate the dimension in which vectors really lie, from distances to neighbours.

    The maximum-likelihood estimate inverts the mean of :math:`\ln(r_k / r_i)` over the k - 1 nearer
    neighbours; averaged over queries before inverting, as MacKay and Ghahramani advise.

    Parameters
    ----------
    distances
        Distances to the k nearest, nearest first, shape (Q, k) with k at least 3; none zero.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there are too few neighbours, or a distance is zero or not finite.

    Examples
    --------
    A plane in a space of ten dimensions has two:

    >>> plane = np.random.default_rng(0).random((4000, 2)) @ np.eye(2, 10)
    >>> away = np.sort(np.linalg.norm(plane[:200, None] - plane, axis=2))[:, 1:21]
    >>> abs(intrinsic_dimension(away) - 2) < 0.3
    True
    """
    distances = np.asarray(distances, np.float64)
    if distances.ndim != 2 or distances.shape[1] < 3:
        raise ValueError(f"distances have shape {distances.shape}: expected (Q, k), k at least 3.")
    if not (np.isfinite(distances).all() and (distances > 0).all()):
        raise ValueError("a distance is zero or not finite: leave copies of the query out.")
    return float(1 / np.log(distances[:, -1:] / distances[:, :-1]).mean())


def relative_contrast(nearest: ArrayLike, average: ArrayLike) -> float:
    """Return how many times farther an average vector is than the nearest, over all queries.

    Parameters
    ----------
    nearest, average
        For each query the distance to its nearest vector and the mean distance to all, shape (Q,).

    Returns
    -------
    float
        The ratio of the two means, at least 1.

    Examples
    --------
    >>> relative_contrast([0.5, 0.7], [1.4, 1.6])
    2.5
    """
    return float(np.mean(average) / np.mean(nearest))
