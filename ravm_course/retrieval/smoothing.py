r"""Smooth scores over a graph of neighbours: what is near should be rated alike.

With row-stochastic links W between M items and their own scores S, each round takes a share of what
the neighbours say: :math:`F \leftarrow (1 - \alpha) S + \alpha W F`. It converges to
:math:`(1 - \alpha)(I - \alpha W)^{-1} S` for :math:`0 \le \alpha < 1` (Zhou et al., "Learning with
local and global consistency", NIPS 2003). Several kinds of likeness are fused by averaging their
graphs. Links may lead only to items that are known beforehand; if they lead from query to query,
the method uses the test set as a whole, and that has to be said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array


def link_neighbours(
    similarity: ArrayLike, k: int, *, temperature: float | None = None
) -> csr_array:
    """Return links from each of Q items to the k most similar of M, as rows that sum to one.

    Parameters
    ----------
    similarity
        ``(Q, M)``, larger is nearer; minus infinity where there may be no link.
    k
        Links of each item.
    temperature
        Weights are the softmax of similarity over this; None: all the same.

    Returns
    -------
    scipy.sparse.csr_array
        ``(Q, M)``.

    Raises
    ------
    ValueError
        If `k` is out of range or an item has fewer than k that it may link to.

    Examples
    --------
    >>> link_neighbours([[0.9, 0.1, 0.8]], k=2).toarray()
    array([[0.5, 0. , 0.5]])
    """
    similarity = np.asarray(similarity, dtype=np.float64)
    rows, columns = similarity.shape
    if not 1 <= k <= columns:
        raise ValueError(f"k is {k}, expected 1 to {columns}.")
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(similarity, nearest, axis=1)
    if not np.isfinite(chosen).all():
        raise ValueError(f"an item has fewer than {k} others to link to: ask for fewer.")
    weights = np.ones_like(chosen)
    if temperature is not None:
        weights = np.exp((chosen - chosen.max(axis=1, keepdims=True)) / temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    start = np.arange(rows + 1) * k
    return csr_array((weights.ravel(), nearest.ravel(), start), shape=(rows, columns))


def smooth_scores(
    scores: ArrayLike, links: csr_array, *, share: float = 0.5, rounds: int = 10
) -> np.ndarray:
    """Return scores after some rounds of taking a share from the neighbours.

    Parameters
    ----------
    scores
        Of M items for N answers, ``(M, N)``.
    links
        ``(M, M)``, rows that sum to one, or to zero where an item listens to nobody.
    share
        How much the neighbours have to say, from 0 to below 1.
    rounds
        How often.

    Returns
    -------
    numpy.ndarray
        ``(M, N)``. Items that listen to nobody keep their scores.

    Raises
    ------
    ValueError
        If the sizes do not fit, a row of links sums to something else, or `share` is out of range.

    Examples
    --------
    >>> links = csr_array([[0.0, 1.0], [0.0, 0.0]])
    >>> smooth_scores([[0.0], [1.0]], links, share=0.5).tolist()
    [[0.5], [1.0]]
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or links.shape != (len(scores), len(scores)):
        raise ValueError(
            f"scores {scores.shape} and links {links.shape} do not fit: (M, N), (M, M)."
        )
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}, expected 0 to below 1.")
    sums = np.asarray(links.sum(axis=1)).ravel()
    if not (np.isclose(sums, 1) | (sums == 0)).all():
        raise ValueError("a row of links sums neither to one nor to zero: divide it by its sum.")
    listening = share * (sums > 0)[:, None]
    smoothed = scores
    for _ in range(rounds):
        smoothed = (1 - listening) * scores + listening * (links @ smoothed)
    return smoothed
