"""Sequence to sequence: one network reads, another writes and looks back at what was read.

The first such models handed the writer a single vector, the reader's last state (Sutskever, Vinyals
& Le, NeurIPS 2014). Attention lets every step of the writer look at all states of the reader
(Bahdanau, Cho & Bengio, ICLR 2015). Here the looking comes after the recurrence (Luong, Pham &
Manning, "Effective approaches to attention-based neural machine translation", EMNLP 2015, section
3.1, without feeding the result back): then all steps of a known target are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.nn import GRU, attention


@dataclass(frozen=True)
class Seq2SeqConfig:
    """Shape of a sequence-to-sequence model.

    Attributes
    ----------
    source_size, target_size
        Tokens of either side.
    channels
        C, of embeddings and states; even, since the reader has two directions.
    dropout
        Probability of dropping, in training.
    looks
        Whether the writer looks at all states of the reader, or has its last one only.
    """

    source_size: int
    target_size: int
    channels: int = 128
    dropout: float = 0.0
    looks: bool = True


@dataclass(frozen=True)
class Writing:
    """Where a writer stands: what one more step needs.

    Attributes
    ----------
    memory
        The reader's states, ``(B, S, C)``.
    present
        Boolean ``(B, S)``; false behind the end of a source.
    hidden
        The writer's state, ``(1, B, C)``.
    """

    memory: Tensor
    present: Tensor
    hidden: Tensor

    def select(self, rows: Tensor) -> Writing:
        """Return these rows of the batch, in this order, with repetitions."""
        return Writing(self.memory[rows], self.present[rows], self.hidden[:, rows])


class Seq2Seq(nn.Module):
    """A bidirectional GRU that reads, and a GRU that writes, with attention between.

    Parameters
    ----------
    config
        Its shape.

    Raises
    ------
    ValueError
        If the number of channels is odd.

    Examples
    --------
    >>> model = Seq2Seq(Seq2SeqConfig(source_size=9, target_size=7, channels=8))
    >>> source, target = torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([[1, 2], [1, 3]])
    >>> model(source, target, lengths=torch.tensor([3, 2])).shape
    torch.Size([2, 2, 7])
    """

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        width = config.channels
        if width % 2:
            raise ValueError(f"channels is {width}, expected an even number: two directions share.")
        self.config = config
        self.source = nn.Embedding(config.source_size, width)
        self.target = nn.Embedding(config.target_size, width)
        self.reader = GRU(width, width // 2, bidirectional=True)
        self.bridge = nn.Linear(width, width)
        self.writer = GRU(width, width)
        self.query = nn.Linear(width, width, bias=False)
        self.join = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, config.target_size)

    def read(self, source: Tensor, lengths: Tensor | None = None) -> Writing:
        """Read sources and stand before the first token to write.

        Parameters
        ----------
        source
            Tokens ``(B, S)``.
        lengths
            Tokens that count of each source, ``(B,)``; all without.

        Raises
        ------
        ValueError
            If a shape does not fit.
        """
        if source.ndim != 2 or not source.shape[1]:
            raise ValueError(
                f"source has shape {tuple(source.shape)}, expected (batch, time) with at least "
                "one token."
            )
        present = torch.ones_like(source, dtype=torch.bool)
        if lengths is not None:
            present = torch.arange(source.shape[1], device=source.device) < lengths[:, None]
        memory, last = self.reader(self._drop(self.source(source)), lengths=lengths)
        hidden = torch.tanh(self.bridge(last.transpose(0, 1).flatten(1)))[None]
        return Writing(memory, present, hidden)

    def write(
        self, tokens: Tensor, at: Writing, reweigh: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Writing, Tensor]:
        """Read the tokens written last, and score the next after each.

        Parameters
        ----------
        tokens
            ``(B, T)``, the first of a text being the token that says "begin".
        at
            Where the writer stood before them.
        reweigh
            Returns other weights ``(B, T, S)`` for the model's own, to see what they are good for.

        Returns
        -------
        logits : Tensor
            ``(B, T, target_size)``.
        at : Writing
            Where the writer stands after them.
        weights : Tensor
            What each step looked at, ``(B, T, S)``.
        """
        states, hidden = self.writer(self._drop(self.target(tokens)), at.hidden)
        found, weights = attention(self.query(states), at.memory, at.memory, at.present[:, None, :])
        if reweigh is not None:
            weights = reweigh(weights)
            found = weights @ at.memory
        if not self.config.looks:
            found = torch.zeros_like(found)
        joined = torch.tanh(self.join(torch.cat([states, found], dim=2)))
        return self.out(self._drop(joined)), replace(at, hidden=hidden), weights

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score the next token after each of a known target; see :meth:`read`, :meth:`write`."""
        return self.write(target, self.read(source, lengths))[0]

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.config.dropout, self.training)
