"""A recurrent language model, trained by truncated back-propagation through time.

An embedding, a recurrent layer and a layer that scores all tokens (Mikolov et al., "Recurrent
neural network based language model", Interspeech 2010). The context has no limit: all that was read
is in the state. Training has one. A text is read in windows; the state goes from one window to the
next, the gradient stops between them (truncated back-propagation through time; Williams & Peng, "An
efficient gradient-based algorithm for on-line training of recurrent network trajectories", Neural
Computation 2, 1990). So the model can carry what is further back than a window, but what helps only
across the border of one is not taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.nn import GRU, LSTM, RNN

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


@dataclass(frozen=True)
class RecurrentLMConfig:
    """Shape of a recurrent language model.

    Attributes
    ----------
    vocab_size
        Tokens, V.
    channels
        Of the embedding and of the state, C.
    layers
        Recurrent layers.
    cell
        ``"rnn"``, ``"lstm"`` or ``"gru"``.
    dropout
        Probability of dropping a channel of the embedding, between layers and before the output,
        in training.
    tied
        Whether the output layer's weights are the embedding's (Press & Wolf, EACL 2017).
    """

    vocab_size: int
    channels: int = 192
    layers: int = 1
    cell: str = "lstm"
    dropout: float = 0.0
    tied: bool = True


class RecurrentLM(nn.Module):
    """A language model with a state.

    Parameters
    ----------
    config
        Its shape.

    Raises
    ------
    ValueError
        If the cell is unknown or a size is not positive.

    Examples
    --------
    >>> model = RecurrentLM(RecurrentLMConfig(vocab_size=10, channels=8))
    >>> logits, (h, c) = model(torch.tensor([[1, 2, 3]]))
    >>> logits.shape, h.shape
    (torch.Size([1, 3, 10]), torch.Size([1, 1, 8]))
    """

    def __init__(self, config: RecurrentLMConfig):
        super().__init__()
        if config.cell not in CELLS:
            raise ValueError(f"cell is {config.cell!r}, expected one of {', '.join(CELLS)}.")
        if config.vocab_size < 1:
            raise ValueError(f"vocab_size is {config.vocab_size}, expected at least 1.")
        self.config = config
        width = config.channels
        self.recurrent = CELLS[config.cell](width, width, config.layers, dropout=config.dropout)
        self.token = nn.Embedding(config.vocab_size, width)
        self.out = nn.Linear(width, config.vocab_size)
        nn.init.zeros_(self.out.bias)
        if config.tied:  # small, as an output layer has to be; without, PyTorch's N(0, 1) stays
            nn.init.normal_(self.token.weight, std=width**-0.5)
            self.out.weight = self.token.weight

    def forward(
        self, ids: Tensor, state: Tensor | tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Score every token at every position.

        Parameters
        ----------
        ids
            Tokens ``(B, T)``.
        state
            What an earlier call returned for the text before; zeros without.

        Returns
        -------
        logits : Tensor
            ``(B, T, V)``; row t scores the token after ``ids[:, t]``.
        state : Tensor or tuple of Tensor
            After the last token: ``(layers, B, C)``, a pair of them for an LSTM.

        Raises
        ------
        ValueError
            If `ids` is no batch of sequences, is empty, or the state has another shape.
        IndexError
            If a token is not in the vocabulary.
        """
        if ids.ndim != 2 or not ids.shape[1]:
            raise ValueError(
                f"ids has shape {tuple(ids.shape)}, expected (batch, time) with at least one token."
            )
        x = F.dropout(self.token(ids), self.config.dropout, self.training)
        x, state = self.recurrent(x, state)
        return self.out(F.dropout(x, self.config.dropout, self.training)), state


class Windows:
    """A text in parallel streams, read window by window, with the state that goes along.

    :meth:`draw` and :meth:`loss` are what :func:`ravm_course.training.fit` takes. The state is kept
    here between two steps, and not in a checkpoint: a run that uses it has to run through.

    Parameters
    ----------
    ids
        The text ``(T,)``. It is cut into `batch` streams of equal length; the rest is left out.
    batch
        Streams, B.
    window
        Steps between two cuts of the gradient.

    Raises
    ------
    ValueError
        If the text is too short for one window of each stream.

    Examples
    --------
    >>> windows = Windows(torch.arange(20), batch=2, window=4)
    >>> windows.draw(torch.Generator())
    tensor([[ 0,  1,  2,  3,  4],
            [10, 11, 12, 13, 14]])
    >>> windows.draw(torch.Generator())[0]
    tensor([4, 5, 6, 7, 8])
    """

    def __init__(self, ids: Tensor, batch: int, window: int):
        if batch < 1 or window < 1 or ids.ndim != 1 or len(ids) // batch <= window:
            raise ValueError(
                f"ids has shape {tuple(ids.shape)}, batch is {batch}, window {window}: expected "
                "one text with more tokens than a window in each stream."
            )
        self.streams = ids[: len(ids) // batch * batch].view(batch, -1)
        self.window = window
        self.place = 0
        self.state: Tensor | tuple[Tensor, Tensor] | None = None

    def draw(self, generator: torch.Generator) -> Tensor:
        """Return the next window, ``(B, window + 1)``: its last token is the first of the next.

        Behind the end of the streams reading begins again, with an empty state. Nothing is left to
        chance, so `generator` is not used.
        """
        if self.place + self.window >= self.streams.shape[1]:
            self.place, self.state = 0, None
        begin, self.place = self.place, self.place + self.window
        return self.streams[:, begin : self.place + 1]

    def loss(self, model: RecurrentLM, ids: Tensor) -> Tensor:
        """Return the mean cross-entropy of a window, in nats, and keep the state without history.

        Parameters
        ----------
        model
            In training.
        ids
            What :meth:`draw` returned.

        Returns
        -------
        Tensor
            A scalar.
        """
        logits, state = model(ids[:, :-1], self.state)
        self.state = (
            state.detach() if isinstance(state, Tensor) else tuple(part.detach() for part in state)
        )
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


@torch.inference_mode()
def score_texts(
    model: RecurrentLM, texts: Sequence[Tensor], *, begin: int, window: int = 64
) -> list[Tensor]:
    """Return the log-probability of every token of each text, given all those before it.

    Parameters
    ----------
    model
        In evaluation mode.
    texts
        Each ``(T,)``, with at least one token.
    begin
        Token that stands before the first, such as the end of the text before.
    window
        Tokens computed at a time; it changes memory and speed, and not the result.

    Returns
    -------
    list of Tensor
        Natural logarithms ``(T,)`` for each text, in single precision.

    Raises
    ------
    ValueError
        If there is no text, or one is not ``(T,)`` or empty.

    Examples
    --------
    >>> model = RecurrentLM(RecurrentLMConfig(vocab_size=10, channels=8)).eval()
    >>> [len(logs) for logs in score_texts(model, [torch.arange(3), torch.arange(9)], begin=0)]
    [3, 9]
    """
    for text in texts:
        if text.ndim != 1 or not len(text):
            raise ValueError(
                f"a text has shape {tuple(text.shape)}, expected (T,) with at least one token."
            )
    if not texts:
        raise ValueError("there are no texts: give at least one.")
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    lengths = torch.tensor([len(texts[i]) for i in order])
    ids = nn.utils.rnn.pad_sequence([texts[i] for i in order], batch_first=True)
    read = F.pad(ids, (1, 0), value=begin)[:, :-1]
    costs, state = torch.empty(ids.shape), None
    for first in range(0, ids.shape[1], window):
        running = int((lengths > first).sum())  # the longest come first
        if state is not None:
            parts = (state,) if isinstance(state, Tensor) else state
            kept = tuple(part[:, :running].contiguous() for part in parts)
            state = kept if len(kept) > 1 else kept[0]
        part = slice(first, first + window)
        logits, state = model(read[:running, part], state)
        costs[:running, part] = -F.cross_entropy(
            logits.flatten(0, 1), ids[:running, part].flatten(), reduction="none"
        ).view(running, -1)
    scores: list[Tensor] = [ids.new_empty(0)] * len(texts)
    for row, i in enumerate(order):
        scores[i] = costs[row, : len(texts[i])].clone()
    return scores
