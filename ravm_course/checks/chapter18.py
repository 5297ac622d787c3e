"""Checks of the exercises of chapter 18: what an index costs, codes, answers of shards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ravm_course.checks.compare import check, check_value

_VECTORS, _NUMBERS, _PIECES, _LISTS, _PROBES = 10**7, 256, 32, 4000, 16


def check_budget(vector_bytes: int, code_bytes: int, distances: float) -> None:
    """Check what a store of ten million vectors costs.

    Parameters
    ----------
    vector_bytes
        Bytes of all vectors in single precision.
    code_bytes
        Bytes of all codes and ids.
    distances
        Distances that one query needs, to centres and vectors.

    Examples
    --------
    >>> check_budget(10**7 * 256 * 4, 10**7 * (32 + 8), ...)
    Right: vector_bytes agrees.
    Right: code_bytes agrees.
    Not attempted yet: write distances above, then run this cell again.
    """
    check_value(
        vector_bytes,
        _VECTORS * _NUMBERS * 4,
        name="vector_bytes",
        tolerance=0,
        hint="Single precision is 32 bits, and a byte has 8.",
    )
    check_value(
        code_bytes,
        _VECTORS * (_PIECES + 8),
        name="code_bytes",
        tolerance=0,
        hint="256 centres are told apart by 8 bits a piece, however many numbers the piece has; "
        "and each vector has an id of 8 bytes.",
    )
    check_value(
        distances,
        _LISTS + _PROBES * _VECTORS / _LISTS,
        name="distances",
        tolerance=1e-4,
        hint="First the query is compared with every centre, then with the vectors of 16 lists.",
    )


def _search_codes(
    query: np.ndarray, codebooks: np.ndarray, codes: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    pieces = query.reshape(len(codebooks), 1, -1)
    table = ((codebooks - pieces) ** 2).sum(axis=2)
    away = table[np.arange(len(codebooks)), codes].sum(axis=1)
    rows = np.argsort(away, kind="stable")[:k]
    return rows, away[rows]


def check_search_codes(student: Callable) -> None:
    """Check ``search_codes(query, codebooks, codes, k)``.

    Parameters
    ----------
    student
        Takes a query ``(D,)``, codebooks ``(M, K, D / M)``, codes uint8 ``(N, M)`` and k; returns
        rows and squared distances, both ``(k,)``.

    Examples
    --------
    >>> check_search_codes(_search_codes)
    Right: 6 cases agree.
    """
    draw = np.random.default_rng(18)
    cases = []
    for pieces, centres, width, n, k in (
        (1, 4, 2, 9, 3),
        (2, 4, 1, 12, 12),
        (3, 5, 2, 20, 4),
        (4, 16, 4, 60, 10),
        (2, 256, 3, 400, 5),
    ):
        codes = draw.integers(centres, size=(n, pieces)).astype(np.uint8)
        codebooks = draw.normal(size=(pieces, centres, width))
        cases.append((draw.normal(size=pieces * width), codebooks, codes, k))
    # equal codes are tied: the smaller row comes first; and codes above 127 must not turn negative
    tied = np.repeat(np.array([[200, 3], [130, 250], [200, 3]], np.uint8), 3, axis=0)
    cases.append((draw.normal(size=4), draw.normal(size=(2, 256, 2)), tied, 7))
    check(
        student,
        _search_codes,
        cases,
        hint="Cut the query into as many pieces as there are codebooks; piece i is compared with "
        "codebook i alone. Add up squared distances, without a root. Sort from the smallest, with "
        'kind="stable", and return rows first, then distances.',
    )


def _merge_answers(
    scores: list[np.ndarray], ids: list[np.ndarray], k: int
) -> tuple[np.ndarray, np.ndarray]:
    empty = np.full((len(ids[0]), k), -1)
    both = np.concatenate([*ids, empty], axis=1)
    values = np.concatenate([*scores, np.full(empty.shape, -np.inf)], axis=1)
    order = np.lexsort((both, -values), axis=1)[:, :k]
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(both, order, axis=1)


def check_merge_answers(student: Callable) -> None:
    """Check ``merge_answers(scores, ids, k)``.

    Parameters
    ----------
    student
        Takes lists of scores and of ids, one array ``(Q, k_i)`` a shard, and k; returns scores and
        ids, both ``(Q, k)``.

    Examples
    --------
    >>> check_merge_answers(_merge_answers)
    Right: 5 cases agree.
    """
    draw = np.random.default_rng(81)
    cases = []
    for queries, sizes, k in ((1, (3,), 2), (4, (2, 5, 3), 4), (2, (1, 1, 1), 3)):
        ids = draw.permutation(1000)
        scores, found, start = [], [], 0
        for size in sizes:
            some = ids[start : start + queries * size].reshape(queries, size)
            scores.append(-np.sort(-draw.normal(size=(queries, size)), axis=1))
            found.append(some)
            start += queries * size
        cases.append((scores, found, k))
    # equal scores in two shards, the smaller id in the second
    cases.append(
        (
            [np.array([[0.9, 0.5]]), np.array([[0.9, 0.5]])],
            [np.array([[7, 2]]), np.array([[3, 9]])],
            3,
        )
    )
    # shards that found less, and together less than was asked for
    nothing = -np.inf
    cases.append(
        (
            [np.array([[0.4, nothing], [nothing, nothing]]), np.array([[0.7], [-2.0]])],
            [np.array([[5, -1], [-1, -1]]), np.array([[8], [6]])],
            4,
        )
    )
    check(
        student,
        _merge_answers,
        cases,
        hint="Put the shards side by side (axis 1), sort each row by score from the largest and, "
        "where scores are equal, by id from the smallest, then cut to k. Where all shards together "
        "have fewer than k, fill up with -inf and -1.",
    )
