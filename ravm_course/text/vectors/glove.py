r"""GloVe: fit the logarithms of co-occurrence counts by dot products.

.. math:: J = \sum_{w, c} f(X_{wc}) \left( v_w^\top u_c + a_w + b_c - \ln X_{wc} \right)^2,
          \qquad f(x) = \min\left(1, (x / x_{\max})^{0.75}\right)

(Pennington, Socher and Manning 2014, "GloVe: Global vectors for word representation", section 3).
Pairs that never met have :math:`f(0) = 0` and drop out. The two biases take up how frequent the
words are, so the dot products are left with something close to PMI. The vector of a word is the sum
:math:`v_w + u_w`.

The table of counts is held whole, and a step takes some of its rows with all their columns: two
matrix products in place of a walk over single pairs. AdaGrad is the paper's optimiser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor


@dataclass(frozen=True)
class GloVeConfig:
    """How to train.

    Attributes
    ----------
    n_dims : int
        Length D of a vector.
    x_max : float
        Count from which on a pair has full weight.
    epochs : int
        How often all rows are visited.
    rows : int
        Rows in a step.
    lr : float
        Learning rate.
    seed : int
        Of the start and the order of the rows.
    """

    n_dims: int = 100
    x_max: float = 10.0
    epochs: int = 15
    rows: int = 256
    lr: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class GloVe:
    """What was learned.

    Attributes
    ----------
    vectors : numpy.ndarray
        Sum of each word's two vectors, shape ``(V, D)``, float32.
    biases : numpy.ndarray
        a and b, shape ``(2, V)``.
    losses : numpy.ndarray
        Mean weighted squared error of each epoch, over pairs that met.
    """

    vectors: np.ndarray
    biases: np.ndarray
    losses: np.ndarray


def weight(counts: Tensor, x_max: float) -> Tensor:
    """Return f: 0 for pairs that never met, rising to 1 at `x_max`.

    Parameters
    ----------
    counts
        Of any shape, none negative.
    x_max
        Above 0.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> weight(torch.tensor([0.0, 10.0, 160.0, 500.0]), x_max=160.0).tolist()
    [0.0, 0.125, 1.0, 1.0]
    """
    return (counts / x_max).clamp(max=1) ** 0.75


def loss_and_gradients(
    v: Tensor, u: Tensor, a: Tensor, b: Tensor, logs: Tensor, f: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return J over some rows of the table, and its gradients, by hand.

    Parameters
    ----------
    v, a
        Vectors ``(R, D)`` and biases ``(R,)`` of the words of the rows.
    u, b
        Vectors ``(V, D)`` and biases ``(V,)`` of the contexts.
    logs, f
        Logarithms of the counts, anything finite where a count is 0, and their weights: rows of the
        table, both of shape ``(R, V)``.

    Returns
    -------
    loss, d_v, d_u, d_a, d_b : Tensor
        The sum over pairs, shape ``()``, and its derivatives, shaped like the inputs.

    Examples
    --------
    >>> zero, one = torch.zeros(1, 2), torch.ones(1)
    >>> loss, *_ = loss_and_gradients(zero, zero, one, one, torch.tensor([[0.0]]), one[None])
    >>> loss.item()
    4.0
    """
    error = v @ u.T
    error += a[:, None] + b
    error -= logs
    pull = f * error
    loss = (pull * error).sum()
    pull *= 2
    return loss, pull @ u, pull.T @ v, pull.sum(dim=1), pull.sum(dim=0)


def train_glove(counts: ArrayLike, config: GloVeConfig = GloVeConfig()) -> GloVe:
    """Train GloVe on a table of counts.

    Parameters
    ----------
    counts
        How often each word stood near each other one, shape ``(V, V)``; GloVe's are harmonic.
    config
        How to train.

    Returns
    -------
    GloVe

    Raises
    ------
    ValueError
        If the table is not square, has a negative or non-finite entry, or is all zero.

    Examples
    --------
    >>> learned = train_glove(np.array([[0.0, 4.0], [4.0, 1.0]]), GloVeConfig(n_dims=2, epochs=40))
    >>> learned.vectors.shape, bool(learned.losses[-1] < learned.losses[0] / 2)
    ((2, 2), True)
    """
    table = torch.as_tensor(np.asarray(counts), dtype=torch.float32)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"counts has shape {tuple(table.shape)}: expected a square table (V, V).")
    n_met = int((table > 0).sum())
    if not (n_met and torch.isfinite(table).all() and table.min() >= 0):
        raise ValueError("counts must be finite, not negative, and not all zero.")
    generator = torch.Generator().manual_seed(config.seed)
    n_words = len(table)
    v, u = (
        (torch.rand(n_words, config.n_dims, generator=generator) - 0.5) / config.n_dims
        for _ in range(2)
    )
    a, b = torch.zeros(n_words), torch.zeros(n_words)
    squares = [torch.ones_like(parameter) for parameter in (v, u, a, b)]
    f = weight(table, config.x_max)
    logs = torch.where(table > 0, table, 1).log()
    losses = []
    for _ in range(config.epochs):
        total = torch.zeros(())
        for rows in torch.randperm(n_words, generator=generator).split(config.rows):
            loss, *gradients = loss_and_gradients(v[rows], u, a[rows], b, logs[rows], f[rows])
            places = (rows, slice(None), rows, slice(None))
            for parameter, square, place, gradient in zip(
                (v, u, a, b), squares, places, gradients, strict=True
            ):
                square[place] += gradient**2
                parameter[place] -= config.lr * gradient / square[place].sqrt()
            total += loss
        losses.append(total.item() / n_met)
    return GloVe((v + u).numpy(), torch.stack([a, b]).numpy(), np.array(losses))
