r"""Compare co-occurrence with chance, and keep the directions in which it differs most.

Frequent words stand near everything. Pointwise mutual information divides that out,

.. math:: \mathrm{PMI}(w, c) = \ln \frac{p(w, c)}{p(w)\, p(c)},

the summand of the mutual information (Church and Hanks 1990, "Word association norms, mutual
information, and lexicography"). Pairs that never met would have minus infinity; *positive* PMI puts
zero for all that meet less often than by chance. Its rows are vectors already, as long as the
vocabulary. A truncated singular value decomposition makes them short (Deerwester et al. 1990 did so
with words in documents, Levy, Goldberg and Dagan 2015, "Improving distributional similarity with
lessons learned from word embeddings", with PPMI and its variants).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.extmath import randomized_svd


def pmi(counts: ArrayLike, *, context_power: float = 1.0) -> np.ndarray:
    """Return the pointwise mutual information of words and contexts, in nats.

    Parameters
    ----------
    counts
        How often each word stood near each context, shape ``(V, C)``, none negative.
    context_power
        Raise context frequencies to this power before they are made probabilities. Below 1, rare
        contexts are taken for more frequent than they are, and their large values shrink; 0.75 is
        what word2vec draws its negative examples with.

    Returns
    -------
    numpy.ndarray
        Shape ``(V, C)``, floating point; minus infinity where a count is 0.

    Raises
    ------
    ValueError
        If the table has not two axes, is all zero, or has a negative or non-finite entry.

    Examples
    --------
    >>> pmi([[4, 0], [2, 2]]).round(3).tolist()
    [[0.288, -inf], [-0.405, 0.693]]
    """
    counts = np.asarray(counts)
    if counts.dtype not in (np.float32, np.float64):
        counts = counts.astype(np.float64)
    if counts.ndim != 2:
        raise ValueError(f"counts has shape {counts.shape}: expected words by contexts, (V, C).")
    total = counts.sum(dtype=np.float64)
    if not (np.isfinite(total) and total > 0 and counts.min() >= 0):
        raise ValueError("counts must be finite, not negative, and not all zero.")
    of_word = counts.sum(axis=1, dtype=np.float64) / total
    of_context = counts.sum(axis=0, dtype=np.float64) ** context_power
    of_context /= of_context.sum()
    with np.errstate(divide="ignore"):
        result = np.log(counts)
        shift_words, shift_contexts = np.log(of_word * total), np.log(of_context)
    seen = counts > 0
    result -= np.where(np.isfinite(shift_words), shift_words, 0)[:, None].astype(counts.dtype)
    result -= np.where(np.isfinite(shift_contexts), shift_contexts, 0).astype(counts.dtype)
    result[~seen] = -np.inf
    return result


def ppmi(counts: ArrayLike, *, context_power: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """Return positive pointwise mutual information, ``max(PMI - shift, 0)``.

    Parameters
    ----------
    counts, context_power
        As for :func:`pmi`.
    shift
        What to take off before the cut; ``log(k)`` corresponds to k negative examples.

    Returns
    -------
    numpy.ndarray
        Shape ``(V, C)``, none negative.

    Examples
    --------
    >>> ppmi([[4, 0], [2, 2]]).round(3).tolist()
    [[0.288, 0.0], [0.0, 0.693]]
    """
    result = pmi(counts, context_power=context_power)
    result -= shift
    return np.maximum(result, 0, out=result)


def svd_vectors(table: ArrayLike, n_dims: int, *, power: float = 0.5, seed: int = 0) -> np.ndarray:
    r"""Return short vectors for the rows of a table: :math:`U_D \Sigma_D^{\,\mathrm{power}}`.

    With power 1 the dot products of the vectors are the best approximation, at this length, of the
    dot products of the rows. A smaller power gives the large directions less weight, which often
    serves word similarity better (Levy, Goldberg and Dagan 2015, section 3.3).

    Parameters
    ----------
    table
        One row a word, shape ``(V, C)``.
    n_dims
        How many singular values to keep, D, at most ``min(V, C)``.
    power
        Exponent of the singular values.
    seed
        Of the random start of the decomposition (Halko et al. 2011).

    Returns
    -------
    numpy.ndarray
        Shape ``(V, D)``; signs are fixed by making the largest entry of each direction positive.

    Raises
    ------
    ValueError
        If `n_dims` is out of range.

    Examples
    --------
    >>> short = svd_vectors([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]], n_dims=1, power=1)
    >>> abs(short.round(3)).tolist()
    [[2.0], [2.0], [0.0]]
    """
    table = np.asarray(table)
    if not (table.ndim == 2 and 1 <= n_dims <= min(table.shape)):
        raise ValueError(f"n_dims is {n_dims}, but the table has shape {table.shape}.")
    left, values, _ = randomized_svd(
        table, n_dims, n_oversamples=max(n_dims, 10), n_iter=10, random_state=seed
    )
    return left * values**power
