"""Train a model that reads and writes, and let it write: greedily, by chance, or by beam search.

In training the writer is given the right beginning at every place (*teacher forcing*: Williams &
Zipser, "A learning algorithm for continually running fully recurrent neural networks", Neural
Computation 1, 1989), so that all places are computed at once. When it writes for itself there is no
teacher, and each symbol is what it wrote before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.data.pairs import BEGIN, END, PAD, PairBatch
from ravm_course.lm.beam import Hypothesis, beam_search
from ravm_course.lm.sampling import next_probabilities
from ravm_course.lm.seq2seq import Seq2Seq, Writing


def pair_loss(model: Seq2Seq, batch: PairBatch) -> Tensor:
    """Return the mean negative log-probability of what is expected, in nats a symbol.

    Parameters
    ----------
    model
        A sequence-to-sequence model.
    batch
        Pairs; see :func:`ravm_course.data.pairs.pair_batch`.

    Examples
    --------
    >>> from ravm_course.data.pairs import pair_batch
    >>> from ravm_course.lm import Seq2SeqConfig
    >>> model = Seq2Seq(Seq2SeqConfig(source_size=9, target_size=7, channels=8))
    >>> pair_loss(model, pair_batch([([4, 5], [6])])).shape
    torch.Size([])
    """
    logits = model(batch.source, batch.given, batch.lengths)
    return F.cross_entropy(logits.flatten(0, 1), batch.expected.flatten(), ignore_index=PAD)


class Written(NamedTuple):
    """What a model wrote.

    Attributes
    ----------
    tokens
        ``(B, T)``; `END` where a text ends and `PAD` behind it.
    log_probs
        Natural logarithm of the probability of each text, its end included, ``(B,)``.
    weights
        What each step looked at, ``(B, T, S)``.
    """

    tokens: Tensor
    log_probs: Tensor
    weights: Tensor

    def texts(self) -> list[list[int]]:
        """Return the tokens of each text, without its end and what is behind."""
        rows = self.tokens.tolist()
        return [row[: row.index(END)] if END in row else row for row in rows]


@torch.inference_mode()
def write(
    model: Seq2Seq,
    source: Tensor,
    lengths: Tensor | None = None,
    *,
    max_tokens: int = 64,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    forced: Tensor | None = None,
    reweigh: Callable[[Tensor], Tensor] | None = None,
) -> Written:
    """Let a model write for itself, all texts of a batch at once.

    Parameters
    ----------
    model
        In evaluation mode.
    source, lengths
        As for :meth:`ravm_course.lm.seq2seq.Seq2Seq.read`.
    max_tokens
        Tokens at most, the end included.
    temperature, top_k, top_p
        See :func:`ravm_course.lm.sampling.next_probabilities`; 0 is greedy. The log-probabilities
        returned are the model's own, at temperature 1.
    generator
        Source of randomness; torch's own without.
    forced
        Tokens ``(B, F)`` that the texts have to begin with.
    reweigh
        Applied to the weights of attention before they are used; see
        :meth:`ravm_course.lm.seq2seq.Seq2Seq.write`.

    Returns
    -------
    Written

    Raises
    ------
    ValueError
        If `max_tokens` is not positive, or more tokens are forced than may be written.

    Examples
    --------
    >>> from ravm_course.lm import Seq2SeqConfig
    >>> model = Seq2Seq(Seq2SeqConfig(source_size=9, target_size=7, channels=8)).eval()
    >>> write(model, torch.tensor([[4, 5, 6]]), max_tokens=1).weights.shape
    torch.Size([1, 1, 3])
    """
    given = 0 if forced is None else forced.shape[1]
    if max_tokens < max(1, given):
        raise ValueError(
            f"max_tokens is {max_tokens}, expected at least 1, and room for {given} forced tokens."
        )
    at = model.read(source, lengths)
    last = source.new_full((len(source),), BEGIN)
    going = torch.ones_like(last, dtype=torch.bool)
    total = torch.zeros(len(source), dtype=torch.float64, device=source.device)
    tokens, looked = [], []
    for place in range(max_tokens):
        logits, at, weights = model.write(last[:, None], at, reweigh)
        logits = logits[:, 0]
        if place < given:
            last = forced[:, place]
        elif temperature == 0:
            last = logits.argmax(dim=1)
        else:
            chances = next_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
            last = torch.multinomial(chances, 1, generator=generator)[:, 0]
        gained = logits.log_softmax(dim=1).gather(1, last[:, None])[:, 0]
        total += torch.where(going, gained.double(), 0.0)
        last = torch.where(going, last, PAD)
        tokens.append(last)
        looked.append(weights)
        going = going & (last != END)
        if not going.any():
            break
    return Written(torch.stack(tokens, dim=1), total, torch.cat(looked, dim=1))


def search(
    model: Seq2Seq,
    source: Tensor,
    *,
    width: int = 4,
    max_tokens: int = 64,
    length_power: float = 0.0,
) -> list[Hypothesis]:
    """Search for the most probable texts of one source with a beam.

    Parameters
    ----------
    model
        In evaluation mode.
    source
        Tokens ``(S,)``.
    width, max_tokens, length_power
        As for :func:`ravm_course.lm.beam.beam_search`.

    Returns
    -------
    list of Hypothesis
        At most `width`, best first.

    Examples
    --------
    >>> from ravm_course.lm import Seq2SeqConfig
    >>> model = Seq2Seq(Seq2SeqConfig(source_size=9, target_size=7, channels=8)).eval()
    >>> len(search(model, torch.tensor([4, 5, 6]), width=3, max_tokens=2))
    3
    """

    def step(last: Tensor, at: Writing) -> tuple[Tensor, Writing]:
        logits, at, _ = model.write(last[:, None], at)
        return logits[:, 0].log_softmax(dim=1), at

    with torch.inference_mode():
        at = model.read(source[None])
    return beam_search(
        step,
        at,
        begin=BEGIN,
        end=END,
        width=width,
        max_tokens=max_tokens,
        length_power=length_power,
    )
