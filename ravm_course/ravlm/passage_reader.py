r"""Read natural text with a question in mind: the reader of chapter 20, made to meet new words.

Four things differ from :class:`ravm_course.ravlm.reader.Reader`. Words enter by their spelling
(:mod:`ravm_course.ravlm.passage_input`), so that one never met resembles those that look like it.
The question is no bag of words any more: a convolution sees which words stand together, and several
heads each keep another part of it. Every word of the passage looks at the words of the question
(attention from passage to question: Seo et al., "Bidirectional attention flow for machine
comprehension", ICLR 2017, section 2) before convolutions, scaled and shifted by the question, look
at its neighbours. And the first word of a paragraph is marked, instead of sentences that name the
title. Spans are scored as before, and "not here" is one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.nn import MultiHeadAttention
from ravm_course.ravlm.passage_input import PassageBatch, encode_passages
from ravm_course.ravlm.reader_input import SHAPES
from ravm_course.ravlm.spans import Span, look_around, point, read_with
from ravm_course.training import load_shipped, shipped_facts


@dataclass(frozen=True)
class PassageReaderConfig:
    """Sizes of a :class:`PassageReader`.

    Attributes
    ----------
    buckets
        Rows of the table of features.
    width
        Channels of every layer.
    heads
        Of the attention, and parts that are kept of the question.
    layers
        Convolutions over the passage.
    kernel
        Words that one convolution sees, an odd number.
    max_answer
        Longest answer in words.
    dropout
        Share of channels dropped in training, in all words of a text at once.
    word_dropout
        Share of words hidden in training.
    """

    buckets: int = 8192
    width: int = 64
    heads: int = 4
    layers: int = 4
    kernel: int = 5
    max_answer: int = 8
    dropout: float = 0.1
    word_dropout: float = 0.1


class PassageReader(nn.Module):
    """A small extractive reader of natural text.

    Parameters
    ----------
    config
        Sizes.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> reader = PassageReader(PassageReaderConfig(buckets=64)).eval()
    >>> span = reader.read("Which peak?", "Mount Everest 8,850 m")
    >>> "Mount Everest 8,850 m"[span.start : span.end] == span.text
    True
    """

    def __init__(self, config: PassageReaderConfig | None = None):
        super().__init__()
        config = config or PassageReaderConfig()
        if config.kernel % 2 == 0:
            raise ValueError(f"kernel is {config.kernel}: a centred window needs an odd number.")
        self.config = config
        d = config.width
        self.words = nn.EmbeddingBag(config.buckets, d, mode="mean", padding_idx=0)
        self.shapes = nn.Embedding(len(SHAPES), d, padding_idx=0)
        self.marks = nn.Linear(3, d, bias=False)
        self.question_convolution = nn.Conv1d(d, d, 3, padding=1)
        self.weigh = nn.Linear(d, config.heads)
        self.summary = nn.Linear(config.heads * d, d)
        self.look = MultiHeadAttention(d, config.heads)
        self.look_norm = nn.LayerNorm(d)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(d, d, config.kernel, padding=config.kernel // 2) for _ in range(config.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(config.layers))
        self.films = nn.ModuleList(nn.Linear(d, 2 * d) for _ in range(config.layers))
        self.pointers = nn.Linear(d, 2)
        self.absent = nn.Sequential(nn.Linear(2 * d, d), nn.GELU(), nn.Linear(d, 1))

    def facts(self) -> dict:
        """Return what must be stored beside the weights to build this reader again."""
        return {"config": asdict(self.config)}

    def encode(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        answers: Sequence[Sequence[tuple[int, int]]] | None = None,
    ) -> PassageBatch:
        """Turn texts into a batch on the CPU.

        Parameters
        ----------
        questions, passages
            B texts each.
        titles
            What each passage is about; ``""`` (the default) where that is not known.
        answers
            Of each passage the places of the answer, each its first character and the character
            after its last; none where it is not there. Needed for training only.

        Returns
        -------
        PassageBatch

        Raises
        ------
        TypeError
            If one string was given instead of a sequence of strings.
        ValueError
            If the numbers of texts differ, a text has no words or too many, or an answer does not
            begin and end with a word, or is too long.
        """
        return encode_passages(
            questions, passages, titles, answers, self.config.buckets, self.config.max_answer
        )

    def forward(self, batch: PassageBatch) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of all spans ``(B, L, M)`` and of "not here" ``(B,)``."""
        present, mask = batch.question > 0, batch.passage > 0
        table = self.words(batch.features, batch.starts)
        asked = table[self._hide(batch.question)]
        near = self.question_convolution(asked.transpose(1, 2)).transpose(1, 2)
        asked = self._drop(asked + F.gelu(near))
        weights = self.weigh(asked).masked_fill(~present[..., None], -torch.inf).softmax(dim=1)
        question = self.summary(torch.einsum("bqh,bqd->bhd", weights, asked).flatten(1))

        x = table[self._hide(batch.passage)] + self.shapes(batch.shapes)
        x = self._drop(x + self.marks(batch.marks))
        x = x + self._drop(self.look(self.look_norm(x), asked, mask=present[:, None, None, :]))
        x = look_around(self, x, question, mask, self._drop)
        return point(self, x, question, mask)

    def _drop(self, x: Tensor) -> Tensor:
        """Drop whole channels of ``(B, L, d)`` while training: one draw for all words of a text."""
        if not self.training or self.config.dropout == 0:
            return x
        kept = torch.rand(len(x), 1, x.shape[2], device=x.device) >= self.config.dropout
        return x * (kept / (1 - self.config.dropout))

    def _hide(self, words: Tensor) -> Tensor:
        """Hide some words while training: they keep their shape and lose their spelling."""
        if not self.training or self.config.word_dropout == 0:
            return words
        kept = torch.rand(words.shape, device=words.device) >= self.config.word_dropout
        return words * kept

    def read_many(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        may_abstain: bool = True,
    ) -> list[Span]:
        """Answer B questions from B passages; see :meth:`.Reader.read_many`."""
        return read_with(self, questions, passages, titles, may_abstain=may_abstain)

    def read(
        self, question: str, passage: str, title: str = "", *, may_abstain: bool = True
    ) -> Span:
        """Answer one question from one passage; see :meth:`read_many`."""
        return self.read_many([question], [passage], [title], may_abstain=may_abstain)[0]


def load_passage_reader() -> PassageReader:
    r"""Return the reader that ships with the course, made by ``tools/train_passage_reader.py``.

    Examples
    --------
    >>> text = "dry desert; few rivers\nMuslim 97%, Christian 3%\nArabic (official), French"
    >>> load_passage_reader().read("Which faith has most believers?", text).text
    'Muslim'
    """
    config = PassageReaderConfig(**shipped_facts("passage-reader")["config"])
    return load_shipped(PassageReader(config), "passage-reader")
