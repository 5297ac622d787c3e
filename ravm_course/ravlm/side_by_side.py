r"""Two encoders as one: their vectors side by side.

What one encoder overlooks another may see. If unit vectors :math:`a` and :math:`b` of a picture are
put side by side as :math:`[a, \sqrt{w}\, b] / \sqrt{1 + w}`, the inner product of two pictures is
the weighted mean of their two cosines,

.. math:: \frac{a \cdot a' + w\, b \cdot b'}{1 + w},

and an index searches it like any other vector: late fusion of scores, at the cost of a longer
vector and a second encoder.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Encode = Callable[[np.ndarray], np.ndarray]


def side_by_side(first: Encode, second: Encode, weight: float) -> Encode:
    """Return an encoder whose cosines are the weighted means of those of two others.

    Parameters
    ----------
    first, second
        From N pictures, uint8 ``(N, H, W, 3)``, to unit vectors ``(N, D)`` and ``(N, E)``.
    weight
        Of the second's cosine beside the first's, which has 1; not negative.

    Returns
    -------
    callable
        From N pictures to unit vectors ``(N, D + E)``, float32.

    Raises
    ------
    ValueError
        If the weight is negative.

    Examples
    --------
    >>> bright = lambda images: np.eye(2)[(images.mean(axis=(1, 2, 3)) > 127).astype(int)]
    >>> same = lambda images: np.ones((len(images), 1))
    >>> both = side_by_side(bright, same, weight=1.0)
    >>> black, white = both(np.stack([np.zeros((2, 2, 3)), np.full((2, 2, 3), 255.0)]))
    >>> round(float(black @ white), 2)  # the mean of 0 and 1
    0.5
    """
    if weight < 0:
        raise ValueError(f"weight is {weight}: give 0, or a positive number.")

    def encode(images: np.ndarray) -> np.ndarray:
        parts = [first(images), np.sqrt(weight) * second(images)]
        return np.concatenate(parts, axis=1, dtype=np.float32) / np.float32(np.sqrt(1 + weight))

    return encode
