r"""Read a passage with a question in mind, and point at the answer.

An extractive reader does not write: it chooses a span of the passage, from its first word to its
last, or says that the answer is not there. So it can name a town it has never met, and whatever it
answers stands in the source. Chen et al., "Reading Wikipedia to answer open-domain questions", ACL
2017, section 3.2, read with recurrent networks; this one, a thousand times smaller, uses
convolutions (as QANet does: Yu et al., ICLR 2018) that see the words around each word and are
scaled and shifted by the question (FiLM: Perez et al., AAAI 2018).

Every word gets a start logit :math:`s_i` and an end logit :math:`e_j`. The span from i to j scores
:math:`s_i + e_j`, "not here" scores :math:`n`, and one softmax over all spans that are not longer
than ``max_answer`` words, and over "not here", turns scores into probabilities:

.. math:: p(i, j) = \frac{\exp(s_i + e_j)}{\exp(n) + \sum_{k \le l < k + M} \exp(s_k + e_l)}

A span whose end comes before its start has no probability, because it is not in the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from ravm_course.ravlm.reader_input import PADDING, SHAPES, UNKNOWN, ReaderBatch, encode
from ravm_course.ravlm.spans import Span, look_around, point, read_with


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes of a :class:`Reader`.

    Attributes
    ----------
    width
        Channels of every layer.
    layers
        Convolutions.
    kernel
        Words that one convolution sees, an odd number.
    max_answer
        Longest answer in words, M above.
    dropout
        Share of channels dropped in training.
    word_dropout
        Share of words replaced by "unknown" in training, which is what teaches the reader to copy
        words it does not know.
    """

    width: int = 64
    layers: int = 3
    kernel: int = 7
    max_answer: int = 6
    dropout: float = 0.1
    word_dropout: float = 0.1


class Reader(nn.Module):
    """A small extractive reader.

    Parameters
    ----------
    vocabulary
        Words with a row of their own, from
        :func:`~ravm_course.ravlm.reader_input.build_vocabulary`.
    config
        Sizes.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> reader = Reader(("the", "capital", "is", "what")).eval()
    >>> span = reader.read("what is the capital?", "The capital is Oslo.")
    >>> "The capital is Oslo."[span.start : span.end] == span.text
    True
    """

    def __init__(self, vocabulary: Sequence[str], config: ReaderConfig | None = None):
        super().__init__()
        config = config or ReaderConfig()
        if config.kernel % 2 == 0:
            raise ValueError(f"kernel is {config.kernel}: a centred window needs an odd number.")
        self.config, self.vocabulary = config, tuple(vocabulary)
        self.rows = {word: row for row, word in enumerate(self.vocabulary, start=2)}
        d = config.width
        self.words = nn.Embedding(len(self.vocabulary) + 2, d, padding_idx=PADDING)
        self.shapes = nn.Embedding(len(SHAPES), d, padding_idx=0)
        self.marks = nn.Linear(3, d, bias=False)
        self.weigh = nn.Linear(d, 1)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(d, d, config.kernel, padding=config.kernel // 2) for _ in range(config.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(config.layers))
        self.films = nn.ModuleList(nn.Linear(d, 2 * d) for _ in range(config.layers))
        self.pointers = nn.Linear(d, 2)
        self.absent = nn.Linear(2 * d, 1)
        self.dropout = nn.Dropout(config.dropout)

    def facts(self) -> dict:
        """Return what must be stored beside the weights to build this reader again."""
        return {"vocabulary": list(self.vocabulary), "config": asdict(self.config)}

    def encode(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        answers: Sequence[tuple[int, int] | None] | None = None,
    ) -> ReaderBatch:
        """Turn texts into a batch on the CPU.

        Parameters
        ----------
        questions, passages
            B texts each.
        titles
            What each passage is about; ``""`` (the default) where that is not known.
        answers
            Of each passage the first character of the answer and the character after its last;
            None where the answer is not there. Needed for training only.

        Returns
        -------
        ReaderBatch

        Raises
        ------
        TypeError
            If one string was given instead of a sequence of strings.
        ValueError
            If the numbers of texts differ, a text has no words or more than :data:`MAX_WORDS`, or
            an answer does not begin and end with a word, or is too long.
        """
        return encode(questions, passages, titles, answers, self.rows, self.config.max_answer)

    def forward(self, batch: ReaderBatch) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of all spans ``(B, L, M)`` and of "not here" ``(B,)``."""
        present, mask = batch.question > 0, batch.passage > 0
        asked = self.words(self._hide(batch.question))
        weights = self.weigh(asked).squeeze(-1).masked_fill(~present, -torch.inf).softmax(dim=1)
        question = torch.einsum("bq,bqd->bd", weights, asked)

        x = self.words(self._hide(batch.passage)) + self.shapes(batch.shapes)
        x = self.dropout(x + self.marks(batch.marks))
        x = look_around(self, x, question, mask, self.dropout)
        return point(self, x, question, mask)

    def _hide(self, ids: Tensor) -> Tensor:
        """Replace some words by "unknown" while training."""
        if not self.training or self.config.word_dropout == 0:
            return ids
        hidden = (torch.rand(ids.shape, device=ids.device) < self.config.word_dropout) & (ids > 0)
        return ids.masked_fill(hidden, UNKNOWN)

    def read_many(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        may_abstain: bool = True,
    ) -> list[Span]:
        """Answer B questions from B passages.

        Parameters
        ----------
        questions, passages, titles
            As for :meth:`encode`.
        may_abstain
            Whether "not here" may win; if not, the best span is returned whatever its score.

        Returns
        -------
        list of Span
            In order.
        """
        return read_with(self, questions, passages, titles, may_abstain=may_abstain)

    def read(
        self, question: str, passage: str, title: str = "", *, may_abstain: bool = True
    ) -> Span:
        """Answer one question from one passage; see :meth:`read_many`."""
        return self.read_many([question], [passage], [title], may_abstain=may_abstain)[0]


def reader_loss(reader: Reader, batch: ReaderBatch) -> Tensor:
    """Return the mean negative log-likelihood of the right spans.

    Where the passage has no answer, "not here" is right. Were an answer marked at several places,
    their probabilities would be added up: the loss would not mind which one the reader chooses.

    Parameters
    ----------
    reader
        The model.
    batch
        From :meth:`Reader.encode`, with answers.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> reader = Reader(("is",))
    >>> loss = reader_loss(reader, reader.encode(["Who?"], ["It is Ada"], answers=[(6, 9)]))
    >>> loss.shape
    torch.Size([])
    """
    spans, absent = reader(batch)
    right = spans.masked_fill(~batch.gold, -torch.inf).flatten(1)
    answerable = batch.gold.flatten(1).any(dim=1)
    # logsumexp of nothing is minus infinity with a gradient of NaN: give such rows a harmless zero
    right = torch.where(answerable[:, None], right, torch.zeros_like(right))
    return -torch.where(answerable, torch.logsumexp(right, dim=1), absent).mean()
