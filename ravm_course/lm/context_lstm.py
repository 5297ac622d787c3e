"""A language model in which an LSTM and a memory of short contexts share one output layer.

The memory (:mod:`ravm_course.lm.contexts`) knows what follows the last few tokens, the LSTM
(Hochreiter & Schmidhuber, 1997) what was said further back; it hears the memory, and the vectors of
both are added.
``benchmarks/speedrun.py`` trains it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ravm_course.lm.contexts import ContextMemory


class ContextLSTM(nn.Module):
    """An LSTM and a memory of contexts, added in front of one output layer.

    Parameters
    ----------
    vocab_size
        V.
    channels
        C, the same everywhere.
    contexts
        Lengths of the contexts that the memory keeps vectors for.
    begin
        Token that is read before the first of a text.
    text
        Training text ``(T,)`` that says which contexts have rows of their own; hashes without.
    lstm
        Whether there is an LSTM.
    informed
        Whether the LSTM reads the memory's vectors too, added to those of the tokens.
    adapt
        Whether the rows of the memory take smaller steps the more they have learned.

    Raises
    ------
    ValueError
        If there is neither an LSTM nor a context.

    Examples
    --------
    >>> model = ContextLSTM(10, channels=8, contexts=(1, 2), begin=9)
    >>> ids = torch.tensor([[9, 9], [4, 5], [4, 6]])  # two texts of three tokens, side by side
    >>> rows = {n: torch.stack([r[n] for r in map(model.memory.rows, ids.T)], 1) for n in (1, 2)}
    >>> logits, state = model(ids, model.memory.look_up(rows))
    >>> logits.shape
    torch.Size([3, 2, 10])
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        channels: int = 256,
        contexts: Sequence[int] = (1, 2, 3, 4),
        begin: int,
        text: Tensor | None = None,
        lstm: bool = True,
        informed: bool = True,
        adapt: bool = True,
    ):
        super().__init__()
        if not (lstm or contexts):
            raise ValueError("there is neither an LSTM nor a context: the model could see nothing.")
        self.begin, self.informed = begin, informed
        self.memory = ContextMemory(
            vocab_size, channels, contexts, begin=begin, text=text, adapt=adapt
        )
        self.lstm = nn.LSTM(channels, channels) if lstm else None
        if lstm:
            self.embed = nn.Embedding(vocab_size, channels)
            self.out = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, channels))
            nn.init.normal_(self.embed.weight, std=0.5)
        self.head = nn.Linear(channels, vocab_size)
        nn.init.normal_(self.head.weight, std=channels**-0.5)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, vectors: dict[int, Tensor], state: tuple | None = None):
        """Score every token at every position.

        Parameters
        ----------
        ids
            Tokens read, ``(T, B)``: time comes first, as the LSTM walks through it.
        vectors
            What the memory holds for the contexts that end there, ``(T, B, C)`` by length.
        state
            Of the LSTM before the first token; None at the beginning of a text.

        Returns
        -------
        tuple
            Logits ``(T, B, V)`` of the token after each, and the state after the last.
        """
        seen = sum(vectors.values())
        if self.lstm is not None:
            x = self.embed(ids) + (seen if self.informed else 0)
            hidden, state = self.lstm(x, state)
            seen = seen + self.out(hidden)
        return self.head(seen), state

    @torch.inference_mode()
    def log_probs(self, texts: Sequence[Tensor], width: int = 256) -> list[Tensor]:
        """Return the log-probability of every token of each text, given those before it.

        Parameters
        ----------
        texts
            Token ids, ``(T,)`` each. They are read side by side, each from its beginning to its
            end; nothing is learned on the way.
        width
            Positions computed at a time.

        Returns
        -------
        list of Tensor
            Natural logarithms, ``(T,)`` each, in single precision.

        Raises
        ------
        ValueError
            If a text has no token.
        """
        if not all(map(len, texts)):
            raise ValueError("a text has no token: give at least one, such as its end.")
        if not texts:
            return []
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        reads = [F.pad(texts[i][:-1], (1, 0), value=self.begin) for i in order]
        found = [self.memory.rows(read) for read in reads]
        ids, targets = pad_sequence(reads), pad_sequence([texts[i] for i in order])
        rows = {n: pad_sequence([some[n] for some in found]) for n in self.memory.tables}
        logs, state = torch.zeros(ids.shape), None
        for first in range(0, len(ids), width):
            going = sum(len(read) > first for read in reads)  # the others have ended
            part = (slice(first, first + width), slice(going))
            if state is not None:
                state = tuple(some[:, :going].contiguous() for some in state)
            vectors = self.memory.look_up({n: some[part] for n, some in rows.items()})
            logits, state = self(ids[part], vectors, state)
            logs[part] = -F.cross_entropy(logits.movedim(-1, 1), targets[part], reduction="none")
        column = {text: i for i, text in enumerate(order)}
        return [logs[: len(text), column[i]] for i, text in enumerate(texts)]
