"""A memory of short contexts: one vector for every hash of the last n tokens.

A recurrent network or a Transformer needs many passes to learn by heart what an n-gram model
writes down at once: that this token follows those. A table does it in one. The last n tokens are
hashed to a row, the row's vector is added to what the output layer sees, and the gradient of the
loss moves that row alone. With a vector as long as the vocabulary and no network beside it this is
the hashed maximum entropy model of Mikolov et al., "Strategies for training large scale neural
network language models" (ASRU 2011, section V); a short vector in front of the output layer lets
contexts share what is alike in the tokens that follow. Nothing is counted: rows begin at zero and
change by gradients only.

Rows need steps of their own size. A row is met rarely, so its first step must be long; one met a
thousand times must settle. Adagrad (Duchi, Hazan & Singer, JMLR 12, 2011) divides by the root of
the summed squares of the gradients so far. Here one sum serves the whole row, which keeps the
direction of the gradient and costs one number a row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_ODD = -7046029254386353131  # 2^64 over the golden ratio, as int64: Knuth's multiplicative hash


class HashedContexts:
    """Tables of vectors for the last 1, 2, ... tokens.

    Parameters
    ----------
    vocab_size
        V; a context of one token has the row of that token.
    channels
        C, the length of a vector.
    lengths
        How many tokens each table looks at, such as ``(1, 2, 3)``.
    bits
        Tables of longer contexts have ``2**bits`` rows. Contexts whose hashes agree share a row.
    begin
        Token that stands in for what is missing before a text.
    start
        What the sums of squares begin with: the larger, the shorter are first steps.
    adapt
        Whether the sums grow; without, all steps are alike.

    Attributes
    ----------
    tables
        Vectors ``(rows, C)`` by length of context.
    squares
        Sum of the squared norms of all gradients of each row, ``(rows,)``.

    Raises
    ------
    ValueError
        If a length or size is below one.

    Examples
    --------
    >>> memory = HashedContexts(vocab_size=10, channels=4, lengths=(1, 2), bits=8, begin=0)
    >>> rows = memory.rows(torch.tensor([3, 7, 3, 7]))
    >>> rows[1].tolist()
    [3, 7, 3, 7]
    >>> rows[2][0] == rows[2][2], rows[2][1] == rows[2][3]  # (0, 3), (3, 7), (7, 3), (3, 7)
    (tensor(False), tensor(True))
    """

    def __init__(
        self,
        vocab_size: int,
        channels: int,
        lengths: Sequence[int],
        *,
        bits: int = 18,
        begin: int = 0,
        start: float = 1.0,
        adapt: bool = True,
    ):
        if min(vocab_size, channels, *lengths, bits) < 1 or bits > 30:
            raise ValueError(
                f"vocab_size {vocab_size}, channels {channels}, lengths {tuple(lengths)}, bits "
                f"{bits}: all must be at least 1, and bits at most 30."
            )
        self.vocab_size, self.bits, self.begin, self.adapt = vocab_size, bits, begin, adapt
        sizes = {n: vocab_size if n == 1 else 2**bits for n in lengths}
        self.tables = {n: torch.zeros(size, channels) for n, size in sizes.items()}
        self.squares = {n: torch.full((size,), float(start)) for n, size in sizes.items()}

    def rows(self, ids: Tensor) -> dict[int, Tensor]:
        """Return the row of the context that ends at each token, that token included.

        Parameters
        ----------
        ids
            A text as it is read, ``(T,)``.

        Returns
        -------
        dict
            Rows ``(T,)`` by length of context; entry t depends on ``ids[: t + 1]`` only.
        """
        rows = {}
        for n in self.tables:
            padded = F.pad(ids, (n - 1, 0), value=self.begin)
            key = torch.zeros_like(ids)
            for i in range(n):
                key = key * self.vocab_size + padded[i : i + len(ids)]
            # the top bits of the product depend on all bits of the key
            rows[n] = key if n == 1 else (key * _ODD >> (64 - self.bits)) & (2**self.bits - 1)
        return rows

    def look_up(self, rows: dict[int, Tensor]) -> dict[int, Tensor]:
        """Return copies of the vectors of `rows`, ``(..., C)``, that collect gradients."""
        return {n: F.embedding(r, self.tables[n]).requires_grad_() for n, r in rows.items()}

    @torch.no_grad()
    def update(self, length: int, rows: Tensor, gradients: Tensor, rate: float) -> None:
        """Move the vectors of one table against their gradients.

        Parameters
        ----------
        length
            Which table.
        rows
            Rows that were looked up, any shape. One that occurs twice moves by both gradients.
        gradients
            Gradients of the loss, summed over tokens, with respect to each vector looked up.
        rate
            Length of a step, before the division by the root of the row's sum of squares.
        """
        rows, gradients = rows.flatten(), gradients.flatten(0, -2)
        squares = self.squares[length]
        if self.adapt:
            squares.index_add_(0, rows, gradients.square().sum(1))
        steps = gradients * (-rate * squares[rows].rsqrt()).unsqueeze(1)
        self.tables[length].index_add_(0, rows, steps)
