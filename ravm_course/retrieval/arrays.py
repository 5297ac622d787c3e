"""Bring vectors and ids into the one form the index keeps, or say which row is wrong and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

_LONGEST = 1e18  # the square of a longer vector overflows float32


def as_vectors(
    vectors: ArrayLike, dim: int, *, unit: bool = False, what: str = "vector"
) -> np.ndarray:
    """Return vectors as contiguous float32.

    Parameters
    ----------
    vectors
        Floats, shape (N, D); an array, a torch tensor on any device, or nested lists.
    dim
        The D that is expected.
    unit
        Scale each vector to length 1.
    what
        How messages call a row.

    Returns
    -------
    numpy.ndarray
        float32, shape (N, D).

    Raises
    ------
    ValueError
        If the shape is wrong, or a row is not finite, too long, or of length 0 with `unit`.
    TypeError
        If the numbers are not floats.

    Examples
    --------
    >>> as_vectors([[1.0, float("nan")]], 2)
    Traceback (most recent call last):
    ...
    ValueError: vector 0 is NaN, infinite or longer than 1e+18: look where it was made.
    """
    if hasattr(vectors, "detach"):  # a torch tensor
        vectors = vectors.detach().cpu().numpy()
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(
            f"the array has shape {vectors.shape}: expected (number, {dim}), one {what} a row."
        )
    if vectors.dtype.kind != "f":
        raise TypeError(f"each {what} must be of floats, not {vectors.dtype}: convert it.")
    wide = vectors.astype(np.float64)
    with np.errstate(over="ignore"):  # what overflows is refused below
        length = np.sqrt(np.einsum("nd,nd->n", wide, wide))
    right = length <= _LONGEST  # NaN is not <= anything
    if not right.all():
        row = int(np.argmin(right))
        raise ValueError(
            f"{what} {row} is NaN, infinite or longer than {_LONGEST:g}: look where it was made."
        )
    if unit:
        if not length.all():
            row = int(np.argmin(length))
            raise ValueError(f"{what} {row} has length 0: it has no direction, so no cosine.")
        wide /= length[:, None]
        vectors = wide
    return np.ascontiguousarray(vectors, dtype=np.float32)


def as_ids(ids: ArrayLike) -> np.ndarray:
    """Return ids as int64.

    Parameters
    ----------
    ids
        Integers from 0 to 2**63 - 1, shape (N,).

    Returns
    -------
    numpy.ndarray
        int64, shape (N,).

    Raises
    ------
    ValueError
        If one is out of range.
    TypeError
        If they are not integers.

    Examples
    --------
    >>> as_ids({3, 1})
    array([1, 3])
    """
    ids = np.asarray(ids if hasattr(ids, "__array__") else list(ids))
    if ids.size == 0:
        return np.empty(0, np.int64)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids are {ids.dtype}: expected integers.")
    if int(ids.min()) < 0 or int(ids.max()) >= 2**63:
        raise ValueError(f"ids run from {ids.min()} to {ids.max()}: expected 0 to 2**63 - 1.")
    return ids.astype(np.int64)
