"""A memory of short contexts: a vector for the last n tokens.

A recurrent network or a Transformer needs many passes to learn by heart what an n-gram model
writes down at once: that this token follows those. A table does it in one. The last n tokens have
a row, the row's vector is added to what the output layer sees, and the gradient of the loss moves
that row alone. With a vector as long as the vocabulary and no network beside it this is
the hashed maximum entropy model of Mikolov et al., "Strategies for training large scale neural
network language models" (ASRU 2011); a short vector in front of the output layer lets
contexts share what is alike in the tokens that follow. What follows is not counted: vectors begin
at zero and change by gradients only.

Which row? Either that of a hash, and contexts whose hashes agree share it. Or contexts have a
vocabulary, as tokens have one: those that the training text holds twice have a row each, and all
others share row 0.

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


class ContextMemory:
    """Tables of vectors for the last 1, 2, ... tokens.

    Parameters
    ----------
    vocab_size
        V; a context of one token has the row of that token.
    channels
        C, the length of a vector.
    lengths
        How many tokens each table looks at, such as ``(1, 2, 3)``.
    begin
        Token that stands in for what is missing before a text.
    text
        Training text ``(T,)``: contexts that occur in it twice get a row each. Without, contexts
        are hashed.
    bits
        Tables of hashed contexts have ``2**bits`` rows.
    start
        What the sums of squares begin with: the larger, the shorter are first steps.
    adapt
        Whether the sums grow; without, all steps are alike.

    Attributes
    ----------
    known
        Sorted keys of the contexts with a row of their own, by length; empty with hashes.
    tables
        Vectors ``(rows, C)`` by length of context.
    squares
        Sum of the squared norms of all gradients of each row, ``(rows,)``.

    Raises
    ------
    ValueError
        If a length or size is below one, or contexts are too many to be numbered.

    Examples
    --------
    >>> text = torch.tensor([3, 7, 3, 7, 5])  # holds (3, 7) twice
    >>> memory = ContextMemory(10, channels=4, lengths=(1, 2), begin=0, text=text)
    >>> rows = memory.rows(torch.tensor([7, 3, 7]))
    >>> rows[1].tolist(), rows[2].tolist()
    ([7, 3, 7], [0, 0, 1])
    """

    def __init__(
        self,
        vocab_size: int,
        channels: int,
        lengths: Sequence[int],
        *,
        begin: int = 0,
        text: Tensor | None = None,
        bits: int = 18,
        start: float = 1.0,
        adapt: bool = True,
    ):
        if min(vocab_size, channels, *lengths, bits) < 1 or bits > 30:
            raise ValueError(
                f"vocab_size {vocab_size}, channels {channels}, lengths {tuple(lengths)}, bits "
                f"{bits}: all must be at least 1, and bits at most 30."
            )
        if vocab_size ** max(lengths, default=1) >= 2**63:
            raise ValueError(
                f"{max(lengths)} tokens of {vocab_size} are more contexts than 63 bits can number: "
                "use shorter contexts or fewer tokens."
            )
        self.vocab_size, self.bits, self.begin, self.adapt = vocab_size, bits, begin, adapt
        self.known = {}
        sizes = {n: vocab_size if n == 1 else 2**bits for n in lengths}
        for n in sizes:
            if text is not None and n > 1:
                keys, times = self._keys(text, n).unique(return_counts=True)
                self.known[n] = keys[times > 1]
                sizes[n] = 1 + len(self.known[n])
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
            keys = rows[n] = self._keys(ids, n)
            if n in self.known:
                place = torch.searchsorted(self.known[n], keys)
                found = F.pad(self.known[n], (0, 1), value=-1)[place] == keys
                rows[n] = (place + 1) * found
            elif n > 1:  # the top bits of the product depend on all bits of the key
                rows[n] = (keys * _ODD >> (64 - self.bits)) & (2**self.bits - 1)
        return rows

    def _keys(self, ids: Tensor, n: int) -> Tensor:
        """Return the last n tokens at each position as one number."""
        padded = F.pad(ids, (n - 1, 0), value=self.begin)
        keys = torch.zeros_like(ids)
        for i in range(n):
            keys = keys * self.vocab_size + padded[i : i + len(ids)]
        return keys

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
