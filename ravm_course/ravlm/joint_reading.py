"""What a reader says of the task's passages: its numbers for them, and how probable an answer is.

The texts are encoded once, for a reader that may still learn; a batch then picks the passages that
were found and marks every place where the right answer stands. :func:`answer_log_probs` adds up
what the reader gives to these places.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.ravlm.joint_task import JointTask, places, split_answer, words_of
from ravm_course.ravlm.reader import Reader
from ravm_course.ravlm.reader_input import ReaderBatch


class ReadingTable:
    """The task's questions and passages as a reader's numbers, encoded once.

    Parameters
    ----------
    task
        Whose texts are encoded.
    reader
        Whose vocabulary numbers the words.
    """

    def __init__(self, task: JointTask, reader: Reader):
        self.task, self.longest = task, reader.config.max_answer
        self.words = [words_of(passage) for passage in task.passages]
        n = len(task.passages)
        self.encoded = [
            reader.encode([question] * n, task.passages, task.titles) for question in task.questions
        ]

    def batch(self, questions: Tensor, asked: Tensor, passages: Tensor) -> ReaderBatch:
        """Return K passages for each of B questions as one batch of B * K rows.

        Parameters
        ----------
        questions
            Rows of ``task.questions``, shape ``(B,)``.
        asked
            Rows of the countries asked about, shape ``(B,)``; their right answers are marked
            wherever they stand.
        passages
            Rows of passages, shape ``(B, K)``.

        Returns
        -------
        ReaderBatch
        """
        widest = max(self.encoded[q].question.shape[1] for q in questions.tolist())
        parts = []
        for q, rows in zip(questions.tolist(), passages, strict=True):
            of = self.encoded[q]
            question = F.pad(of.question[rows], (0, widest - of.question.shape[1]))
            parts.append((question, of.passage[rows], of.shapes[rows], of.marks[rows]))
        question, passage, shapes, marks = (torch.cat(part) for part in zip(*parts, strict=True))
        gold = torch.zeros(*passage.shape, self.longest, dtype=torch.bool)
        for b, (q, country) in enumerate(zip(questions.tolist(), asked.tolist(), strict=True)):
            answer = self.task.answers[int(self.task.relation[q])][country]
            for k, row in enumerate(passages[b].tolist()):
                starts, more = self.find(row, answer)
                if more < self.longest:
                    gold[b * passages.shape[1] + k, starts, more] = True
        length = int((passage > 0).sum(1).max())
        return ReaderBatch(
            question, passage[:, :length], shapes[:, :length], marks[:, :length], gold[:, :length]
        )

    def log_probs(
        self, reader: Reader, questions: Tensor, asked: Tensor, passages: Tensor
    ) -> Tensor:
        """Return the log-probability of the right answer in each passage, ``(B, K)``.

        The parameters are those of :meth:`batch`, with the reader first.
        """
        batch = self.batch(questions, asked, passages)
        return answer_log_probs(reader, batch).view(passages.shape)

    def find(self, row: int, answer: str) -> tuple[list[int], int]:
        """Return where an answer begins in a passage, and how many words follow its first."""
        return places(self.words[row], answer), len(split_answer(answer)) - 1

    def text(self, row: int, start: int, more: int) -> str:
        """Return the words of a span of a passage, joined by spaces."""
        return " ".join(self.words[row][start : start + more + 1])


def answer_log_probs(reader: Reader, batch: ReaderBatch) -> Tensor:
    """Return the log-probability of the right answer in each passage.

    All places where it stands are added up: nobody says which of them is meant.

    Parameters
    ----------
    reader
        The reader.
    batch
        Of R rows, with every occurrence of the answer marked as gold.

    Returns
    -------
    Tensor
        Shape ``(R,)``; minus infinity, without a gradient, where the answer does not stand.
    """
    spans, _ = reader(batch)
    there = batch.gold.flatten(1).any(1)
    right = spans.masked_fill(~batch.gold, -torch.inf).flatten(1)
    right = torch.where(there[:, None], right, torch.zeros_like(right))
    return torch.where(there, right.logsumexp(1), torch.full_like(right[:, 0], -torch.inf))
