"""Find texts that nearly repeat another one, without comparing all with all.

Cut each MinHash signature of k = b r numbers into b bands of r. Two texts of similarity s agree in
a whole band with probability s^r, and in at least one of b with 1 - (1 - s^r)^b: a steep curve, so
that similar texts meet in some band and others almost never (locality-sensitive hashing; Leskovec,
Rajaraman and Ullman, *Mining of Massive Datasets*, ch. 3). Those that meet are compared exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from ravm_course.text.minhash import jaccard, shingles, signatures


def chance_of_meeting(similarity: np.ndarray | float, bands: int, rows: int) -> np.ndarray:
    """Return the probability that two texts share at least one band.

    Parameters
    ----------
    similarity
        Jaccard similarity, any shape.
    bands, rows
        b bands of r numbers.

    Returns
    -------
    numpy.ndarray
        ``1 - (1 - s**r)**b``, of the same shape.

    Examples
    --------
    >>> chance_of_meeting(np.array([0.2, 0.5, 0.8]), bands=32, rows=4).round(3).tolist()
    [0.05, 0.873, 1.0]
    """
    return 1 - (1 - np.asarray(similarity, float) ** rows) ** bands


def candidates(signatures: np.ndarray, bands: int = 32) -> np.ndarray:
    """Return the pairs of texts whose signatures agree in at least one band.

    Parameters
    ----------
    signatures
        Shape ``(N, k)``.
    bands
        b; it must divide k.

    Returns
    -------
    numpy.ndarray
        Pairs i < j, each once, sorted, shape ``(P, 2)``.

    Raises
    ------
    ValueError
        If `bands` does not divide k.

    Examples
    --------
    >>> candidates(np.array([[1, 2, 3, 4], [1, 2, 5, 6], [7, 8, 9, 4]]), bands=2).tolist()
    [[0, 1]]
    """
    k = signatures.shape[1]
    if bands < 1 or k % bands:
        fitting = ", ".join(str(b) for b in range(1, k + 1) if k % b == 0)
        raise ValueError(
            f"{bands} bands do not divide signatures of {k} numbers evenly: give one of {fitting}."
        )
    pairs: set[tuple[int, int]] = set()
    for band in np.split(np.ascontiguousarray(signatures), bands, axis=1):
        _, bucket = np.unique(band, axis=0, return_inverse=True)
        bucket = bucket.ravel()
        order = np.argsort(bucket, kind="stable")
        borders = np.flatnonzero(np.diff(bucket[order])) + 1
        for members in np.split(order, borders):
            if len(members) > 1:
                pairs.update(combinations(members.tolist(), 2))
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def near_duplicates(
    texts: Iterable[Sequence[str]],
    threshold: float = 0.7,
    *,
    n: int = 3,
    k: int = 128,
    bands: int = 32,
    seed: int = 0,
) -> list[tuple[int, int, float]]:
    """Find pairs of texts whose exact Jaccard similarity reaches a threshold.

    Texts with the same signature count as one; each is paired with the first of them, so a text
    that stands a thousand times gives 999 pairs and not half a million.

    Parameters
    ----------
    texts
        N texts, each a sequence of words or characters.
    threshold
        Least similarity, above 0 and at most 1.
    n
        Length of a shingle.
    k, bands, seed
        Of the search. A pair at the threshold s is missed with probability ``(1 - s**r)**b``,
        r = k / b; every pair that is returned was compared exactly.

    Returns
    -------
    list of tuple
        i, j and their similarity, with i < j, sorted.

    Raises
    ------
    ValueError
        If `threshold` is out of range or `bands` does not divide `k`.

    Examples
    --------
    >>> texts = ["a b c d e f".split(), "x y z".split(), "a b c d e f g".split()]
    >>> near_duplicates(texts)
    [(0, 2, 0.8)]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}: give a similarity above 0 and at most 1.")
    texts = list(texts)
    hashed = signatures(texts, n, k, seed=seed)
    _, first, same = np.unique(hashed, axis=0, return_index=True, return_inverse=True)
    first, same = first[np.argsort(first)], np.argsort(np.argsort(first))[same.ravel()]
    pairs = [(int(first[g]), i) for i, g in enumerate(same.tolist()) if first[g] != i]
    pairs += [(int(first[i]), int(first[j])) for i, j in candidates(hashed[first], bands)]
    sets: dict[int, set] = {}
    found = []
    for i, j in sorted(pairs):
        for place in (i, j):
            if place not in sets:
                sets[place] = shingles(texts[place], n)
        similarity = jaccard(sets[i], sets[j])
        if similarity >= threshold:
            found.append((i, j, similarity))
    return found


def groups(pairs: Iterable[Sequence[int]], size: int) -> np.ndarray:
    """Put texts that are linked by pairs, directly or over others, into one group.

    Parameters
    ----------
    pairs
        Each begins with two places, such as :func:`near_duplicates` returns.
    size
        N, how many texts there are.

    Returns
    -------
    numpy.ndarray
        For each text the place of the first text of its group, shape ``(N,)``.

    Examples
    --------
    >>> groups([(0, 2), (2, 3)], size=5).tolist()
    [0, 1, 0, 0, 4]
    """
    above = list(range(size))

    def top(place: int) -> int:
        while above[place] != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    for i, j, *_ in pairs:
        low, high = sorted((top(i), top(j)))
        above[high] = low
    return np.array([top(place) for place in range(size)], np.int64)
