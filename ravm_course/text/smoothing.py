"""From counts to probabilities: four answers to the question what unseen words deserve.

Maximum likelihood gives them nothing. Add-k (Laplace, Lidstone) pretends that every word was seen
k more times in every context. Jelinek-Mercer interpolation mixes the orders with fixed weights
(Jelinek and Mercer 1980). Modified Kneser-Ney takes a discount off every count and gives what it
took to a lower order that counts in how many *contexts* a word occurs (Kneser and Ney 1995; Chen
and Goodman 1999, sections 3 and 4.1.6; computed as KenLM does: Heafield et al. 2013, section 3).

Each function takes the tables of :func:`ravm_course.text.counts.count_ngrams` and returns one
:class:`ravm_course.text.lookup.Level` an order. ``V`` is the number of words that can be
predicted: the vocabulary with ``</s>`` and ``<unk>``, without ``<s>``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ravm_course.text.counts import BOS, NGrams
from ravm_course.text.lookup import Level, walk

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)


def log10(values: np.ndarray) -> np.ndarray:
    """Return log10 with zero mapped to minus infinity, silently."""
    with np.errstate(divide="ignore"):
        return np.log10(values)


def mle(tables: Sequence[NGrams]) -> list[Level]:
    """Estimate by relative frequency: c(h w) / c(h).

    A context that was seen gives zero to every word that did not follow it. A context that was
    never seen has no relative frequencies at all; it is shortened from the left until it was
    seen, so that the probabilities sum to one in every context.

    Parameters
    ----------
    tables
        Counts of order 1, 2, ...

    Returns
    -------
    list of Level
        Back-off weights are 0 for contexts with a successor and 1 for those without.
    """
    levels = [_level(tables[0], _relative(tables[0]))]
    for table in tables[1:]:
        followed = np.bincount(table.parent, minlength=len(levels[-1])) > 0
        levels[-1].log10_backoff[followed] = -np.inf
        levels.append(_level(table, _relative(table)))
    return levels


def add_k(tables: Sequence[NGrams], k: float) -> list[Level]:
    """Estimate by (c(h w) + k) / (c(h) + k V).

    The back-off weight k V / (c(h) + k V) is meant for the uniform distribution 1 / V, and not
    for the next shorter context: ``k / (c(h) + k V)`` for each unseen word.

    Parameters
    ----------
    tables
        Counts of order 1, 2, ...
    k
        What is added to every count, more than zero; 1 is Laplace's rule.

    Returns
    -------
    list of Level
        To be scored with ``unseen = -log10(V)``.
    """
    n_predictable = tables[0].n_words - 1
    probs = (tables[0].count + k) / (tables[0].count.sum() + k * n_predictable)
    probs[BOS] = 0.0
    levels = [_level(tables[0], probs)]
    for table in tables[1:]:
        parent = table.parent
        total = np.bincount(parent, table.count, len(levels[-1])) + k * n_predictable
        levels[-1].log10_backoff[:] = log10(k * n_predictable / total)
        levels.append(_level(table, (table.count + k) / total[parent]))
    return levels


def interpolated(tables: Sequence[NGrams], weights: Sequence[float]) -> list[Level]:
    """Mix the relative frequencies of all orders (Jelinek-Mercer).

    With f the relative frequency and λ the weight of an order, ::

        p(w | h) = λ f(w | h) + (1 - λ) p(w | shorter h)      if h was followed by anything
        p(w | h) = p(w | shorter h)                           otherwise

    down to the uniform distribution 1 / V below order 1.

    Parameters
    ----------
    tables
        Counts of order 1, 2, ..., N.
    weights
        λ of order 1, 2, ..., N, each between 0 and 1.

    Returns
    -------
    list of Level
        The interpolated probabilities.
    """
    probs = weights[0] * _relative(tables[0]) + (1 - weights[0]) / (len(tables[0]) - 1)
    probs[BOS] = 0.0
    levels = [_level(tables[0], probs)]
    for table, weight in zip(tables[1:], weights[1:], strict=True):
        followed = np.bincount(table.parent, minlength=len(levels[-1])) > 0
        levels[-1].log10_backoff[followed] = log10(np.float64(1 - weight))
        probs = weight * _relative(table) + (1 - weight) * probs[table.suffix]
        levels.append(_level(table, probs))
    return levels


def fit_weights(
    tables: Sequence[NGrams], ids: np.ndarray, position: np.ndarray, n_iterations: int = 200
) -> np.ndarray:
    """Choose the weights of :func:`interpolated` that make held-out text most probable.

    Expectation-maximisation: each held-out word was drawn by one of the orders, we do not know
    which. Given weights, compute how probable each order is for each word; given those, the best
    λ of an order is the share of the words it drew among those that reached it from above. No
    step can lower the likelihood (Jelinek and Mercer 1980).

    Parameters
    ----------
    tables
        Counts of order 1, 2, ..., N.
    ids, position
        Held-out text as :func:`ravm_course.text.counts.encode` returns it, shape ``(T,)``.
    n_iterations
        Steps at most, starting from one half everywhere. It ends earlier when a step raises the
        mean log-likelihood by less than a millionth.

    Returns
    -------
    numpy.ndarray
        Weights of order 1 to N, shape ``(N,)``; 0 for an order that no held-out word reached.
    """
    levels = mle(tables)
    scored = position > 0
    frequency = np.zeros((len(tables) + 1, int(scored.sum())))  # row 0: uniform
    reached = np.zeros(frequency.shape, bool)
    frequency[0], reached[:2] = 1 / (len(levels[0]) - 1), True
    frequency[1] = 10.0 ** levels[0].log10_prob[ids[scored]]
    for n, (context, found) in enumerate(walk(levels, ids, position), 2):
        known = np.flatnonzero(context >= 0)
        followed = np.zeros(len(ids), bool)
        followed[known] = np.isneginf(levels[n - 2].log10_backoff[context[known]])
        reached[n] = followed[scored]
        hit = found[scored] >= 0
        frequency[n, hit] = 10.0 ** levels[n - 1].log10_prob[found[scored][hit]]

    weights = np.full(len(tables) + 1, 0.5)
    weights[0] = 1.0  # the uniform distribution takes what comes down to it
    before = -np.inf
    for _ in range(n_iterations):
        passed = np.ones(frequency.shape[1])
        share = np.empty_like(frequency)
        for n in range(len(tables), -1, -1):
            share[n] = passed * weights[n] * frequency[n] * reached[n]
            passed = passed * np.where(reached[n], 1 - weights[n], 1.0)
        mixture = np.maximum(share.sum(axis=0), np.finfo(float).tiny)
        share /= mixture
        came = np.cumsum(share, axis=0)
        for n in range(1, len(weights)):
            arrived = came[n, reached[n]].sum()
            weights[n] = share[n].sum() / arrived if arrived > 0 else 0.0
        mean = np.log(mixture).mean()
        if mean - before < 1e-6:
            break
        before = mean
    return weights[1:]


def kneser_ney(
    tables: Sequence[NGrams], discount_fallback: bool = False
) -> tuple[list[Level], np.ndarray]:
    """Estimate by interpolated modified Kneser-Ney smoothing.

    An n-gram of the highest order, or one that begins with ``<s>`` and so has nothing to its
    left, keeps its count; any other has as adjusted count a the number of distinct words seen
    before it. With D the discount of its order for a count of 1, 2, or 3 and more, ::

        p(w | h) = (a(h w) - D(a(h w))) / Σ a(h ·) + γ(h) p(w | shorter h)
        γ(h) = Σ D(a(h ·)) / Σ a(h ·)

    down to 1 / V below order 1.

    Parameters
    ----------
    tables
        Counts of order 1, 2, ..., N.
    discount_fallback
        Use discounts 0.5, 1 and 1.5, as ``lmplz --discount_fallback`` does, at orders where the
        counts of counts do not determine them.

    Returns
    -------
    levels : list of Level
        The interpolated probabilities.
    discounts : numpy.ndarray
        D of each order for counts 1, 2 and 3 or more, shape ``(N, 3)``.

    Raises
    ------
    ValueError
        If discounts cannot be estimated and ``discount_fallback`` is off.
    """
    levels: list[Level] = []
    discounts = np.empty((len(tables), 3))
    probs = np.full(1, 1 / (len(tables[0]) - 1))
    for n, table in enumerate(tables, 1):
        adjusted = table.count
        if n < len(tables):
            followers = np.bincount(tables[n].suffix, minlength=len(table))
            adjusted = np.where(table.from_start, adjusted, followers)
        discounts[n - 1] = estimate_discounts(adjusted, n, discount_fallback)
        taken = np.append(0.0, discounts[n - 1])[np.minimum(adjusted, 3)]
        parent = table.parent  # all 0 at order 1: the empty context
        total = np.bincount(parent, adjusted, len(probs))
        gamma = np.bincount(parent, taken, len(probs)) / np.where(total > 0, total, 1)
        gamma[total == 0] = 1.0
        probs = (adjusted - taken) / total[parent] + gamma[parent] * probs[table.suffix]
        if n == 1:
            probs[BOS] = 0.0
        else:
            levels[-1].log10_backoff[:] = log10(gamma)
        levels.append(_level(table, probs))
    return levels, discounts


def estimate_discounts(adjusted: np.ndarray, n: int, fallback: bool = False) -> np.ndarray:
    """Compute the three discounts of one order from its counts of counts.

    With n_j the number of n-grams whose adjusted count is j and Y = n1 / (n1 + 2 n2), the
    discounts are D_j = j - (j + 1) Y n_(j+1) / n_j (Chen and Goodman 1999, equation 26 of the
    report of 1998).

    Parameters
    ----------
    adjusted
        Adjusted counts, shape ``(G,)``.
    n
        The order, for the message.
    fallback
        Return 0.5, 1 and 1.5 where the estimate fails.

    Returns
    -------
    numpy.ndarray
        D1, D2, D3+, shape ``(3,)``.

    Raises
    ------
    ValueError
        If a count of counts n1, n2 or n3 is zero or a discount leaves [0, j].

    Examples
    --------
    >>> estimate_discounts(np.repeat([1, 2, 3, 4], [60, 20, 10, 5]), n=2).round(3).tolist()
    [0.6, 1.1, 1.8]
    """
    of = np.bincount(np.minimum(adjusted, 5), minlength=6).astype(float)
    j = np.arange(1, 4)
    if (of[1:4] > 0).all():
        discounts = j - (j + 1) * of[1] / (of[1] + 2 * of[2]) * of[j + 1] / of[j]
        if ((discounts >= 0) & (discounts <= j)).all():
            return discounts
    if fallback:
        return np.array(FALLBACK_DISCOUNTS)
    raise ValueError(
        f"the Kneser-Ney discounts of order {n} cannot be estimated: adjusted counts 1, 2, 3, 4 "
        f"occur {', '.join(str(int(c)) for c in of[1:5])} times, where natural text has fewer of "
        "each, and 1 to 3 must occur. Give more text, lower the order, or pass "
        "discount_fallback=True for discounts 0.5, 1 and 1.5."
    )


def _relative(table: NGrams) -> np.ndarray:
    """Return c(h w) / Σ c(h ·)."""
    parent = table.parent
    return table.count / np.bincount(parent, table.count)[parent]


def _level(table: NGrams, probs: np.ndarray) -> Level:
    """Return a level with weight one for every back-off, to be filled from the order above."""
    return Level(table.keys, log10(probs), np.zeros(len(table)))
