"""Answer a question about a flag from memory alone: the baseline that retrieval has to beat.

A classifier over all answers of the training set, from the vector of the picture and a bag of the
question's words: what visual question answering was before retrieval (Antol et al., "VQA: visual
question answering", ICCV 2015). All that it knows is in its weights. It can say that an unknown
flag with a southern cross is probably of Oceania; the capital of a country it was not trained on is
not among its answers, and so it is wrong there by construction, however well it is trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.data.facts import tokens


class ClosedBook(nn.Module):
    """A two-layer classifier from picture and question to one of the known answers.

    Parameters
    ----------
    answers
        All answers of the training set.
    vocabulary
        Words of the training questions.
    dim
        Size of the picture's vector.
    width
        Size of the hidden layer.

    Examples
    --------
    >>> model = ClosedBook(["Oslo", "Rome"], ["capital"], dim=4).eval()
    >>> model.answer(np.ones((1, 4), np.float32), ["Which capital?"])[0] in ("Oslo", "Rome")
    True
    """

    def __init__(
        self, answers: Sequence[str], vocabulary: Sequence[str], dim: int = 64, width: int = 128
    ):
        super().__init__()
        self.answers = sorted(set(answers))
        self.rows = {word: row for row, word in enumerate(vocabulary, start=1)}
        self.words = nn.EmbeddingBag(len(vocabulary) + 1, width, mode="mean")
        self.picture = nn.Linear(dim, width)
        self.hidden = nn.Linear(2 * width, 2 * width)
        self.dropout = nn.Dropout(0.3)
        self.out = nn.Linear(2 * width, len(self.answers))

    def forward(self, vectors: Tensor, questions: Sequence[str]) -> Tensor:
        """Return logits ``(B, answers)`` for vectors ``(B, dim)`` and B questions."""
        bags = [[self.rows.get(w.lower(), 0) for w, *_ in tokens(text)] for text in questions]
        ids = torch.tensor([row for bag in bags for row in bag], device=vectors.device)
        starts = torch.tensor([0, *map(len, bags[:-1])], device=vectors.device).cumsum(0)
        both = torch.cat([self.picture(vectors), self.words(ids, starts)], dim=1)
        return self.out(self.dropout(F.gelu(self.hidden(self.dropout(F.gelu(both))))))

    @torch.no_grad()
    def answer(self, vectors: np.ndarray, questions: Sequence[str]) -> list[str]:
        """Return the most probable answer of each question.

        Parameters
        ----------
        vectors
            float32, shape ``(B, dim)``.
        questions
            B texts.

        Returns
        -------
        list of str
        """
        logits = self(torch.as_tensor(vectors, device=self.out.weight.device), questions)
        return [self.answers[i] for i in logits.argmax(dim=1).tolist()]
