"""What readers share: neighbours, spans and their probabilities, and the choice among them.

A reader of this course makes a vector of every word and one of the question. From there on all do
the same: convolutions that the question scales and shifts (FiLM: Perez et al., AAAI 2018), a start
and an end logit for every word, one softmax over all spans and "not here".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.data.facts import tokens


@dataclass(frozen=True)
class Span:
    """What the reader points at.

    Attributes
    ----------
    text
        The answer, a piece of the passage; empty if the reader holds that it is not there.
    score
        Its probability.
    start, end
        ``passage[start:end] == text``.
    absent
        Probability of "not here".
    """

    text: str
    score: float
    start: int
    end: int
    absent: float


def span_log_probs(start: Tensor, end: Tensor, absent: Tensor, mask: Tensor, longest: int):
    """Return the log-probability of every span and of "not here".

    Parameters
    ----------
    start, end
        Logits of each word, shape ``(B, L)``.
    absent
        Logit of "not here", shape ``(B,)``.
    mask
        True where there is a word, shape ``(B, L)``; each row True first, then False.
    longest
        M, the greatest number of words of a span.

    Returns
    -------
    spans : Tensor
        Shape ``(B, L, M)``: entry ``[b, i, m]`` belongs to the words from i to i + m. Impossible
        spans have minus infinity.
    none : Tensor
        Shape ``(B,)``.

    Examples
    --------
    Two words and "not here", all logits zero, leave three spans and four equal chances:

    >>> zeros = torch.zeros(1, 2)
    >>> spans, none = span_log_probs(zeros, zeros, torch.zeros(1), zeros == 0, longest=2)
    >>> spans.exp()
    tensor([[[0.2500, 0.2500],
             [0.2500, 0.0000]]])
    >>> none.exp()
    tensor([0.2500])
    """
    end = end.masked_fill(~mask, -torch.inf)
    last = F.pad(end, (0, longest - 1), value=-torch.inf).unfold(1, longest, 1)  # (B, L, M)
    scores = start.masked_fill(~mask, -torch.inf)[:, :, None] + last
    total = torch.logsumexp(torch.cat([absent[:, None], scores.flatten(1)], dim=1), dim=1)
    return scores - total[:, None, None], absent - total


def best_spans(
    spans: Tensor, absent: Tensor, passages: Sequence[str], *, may_abstain: bool = True
) -> list[Span]:
    """Take the most probable span of each passage, or "not here" where that is more probable.

    Parameters
    ----------
    spans, absent
        Log-probabilities ``(B, L, M)`` and ``(B,)`` from :func:`span_log_probs`.
    passages
        The B texts that were read.
    may_abstain
        Whether "not here" may win.

    Returns
    -------
    list of Span

    Examples
    --------
    >>> spans, none = torch.tensor([[[0.1], [0.7]]]).log(), torch.tensor([0.2]).log()
    >>> best_spans(spans, none, ["Is Oslo"])[0].text
    'Oslo'
    """
    best, place = spans.exp().cpu().flatten(1).max(dim=1)
    found = []
    for passage, score, at, none in zip(
        passages, best.tolist(), place.tolist(), absent.exp().tolist(), strict=True
    ):
        if may_abstain and none > score:
            found.append(Span("", none, 0, 0, none))
            continue
        i, more = divmod(at, spans.shape[2])
        words = tokens(passage)
        start, end = words[i][1], words[i + more][2]
        found.append(Span(passage[start:end], score, start, end, none))
    return found


def look_around(
    reader: nn.Module, x: Tensor, question: Tensor, mask: Tensor, drop: Callable[[Tensor], Tensor]
) -> Tensor:
    """Let every word see its neighbours, by convolutions that the question scales and shifts.

    Parameters
    ----------
    reader
        Has ``convolutions``, ``norms`` and ``films``, one of each a layer.
    x
        The words of the passage, ``(B, L, d)``.
    question
        ``(B, d)``.
    mask
        True where there is a word, ``(B, L)``.
    drop
        Dropout of what each layer adds.

    Returns
    -------
    Tensor
        ``(B, L, d)``.
    """
    layers = zip(reader.convolutions, reader.norms, reader.films, strict=True)
    for convolution, norm, film in layers:
        # zero outside the passage, so that padding is what the convolution pads with anyway
        seen = convolution((x * mask[..., None]).transpose(1, 2)).transpose(1, 2)
        scale, shift = film(question)[:, None].chunk(2, dim=-1)
        x = x + drop(F.gelu(norm(seen) * (1 + scale) + shift))
    return x


def point(reader: nn.Module, x: Tensor, question: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return log-probabilities of all spans ``(B, L, M)`` and of "not here" ``(B,)``.

    Parameters
    ----------
    reader
        Has ``pointers`` for both ends of a span, ``absent`` for "not here", and a ``config`` with
        ``max_answer``.
    x, question, mask
        As for :func:`look_around`.
    """
    start, end = reader.pointers(x).unbind(dim=-1)
    top = x.masked_fill(~mask[..., None], -torch.inf).amax(dim=1)
    absent = reader.absent(torch.cat([question, top], dim=1)).squeeze(-1)
    return span_log_probs(start, end, absent, mask, reader.config.max_answer)


@torch.no_grad()
def read_with(
    reader: nn.Module,
    questions: Sequence[str],
    passages: Sequence[str],
    titles: Sequence[str] | None = None,
    *,
    may_abstain: bool = True,
) -> list[Span]:
    """Answer B questions from B passages with any reader; see :meth:`Reader.read_many`."""
    was_training = reader.training
    reader.eval()
    device = reader.pointers.weight.device
    batch = reader.encode(questions, passages, titles)
    spans, absent = reader(type(batch)(*(part.to(device) for part in batch)))
    reader.train(was_training)
    return best_spans(spans, absent, passages, may_abstain=may_abstain)
