"""What a trained pair finds and answers.

A reader does not see the picture, so what it makes of a passage does not depend on who is asked
about. Every question is put to every passage once, and each answer is then looked up: a sweep over
k, or a shuffled store, costs nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ravm_course.ravlm.joint_reading import ReadingTable
from ravm_course.ravlm.joint_task import JointTask, LinearRetriever
from ravm_course.ravlm.reader import Reader


@dataclass(frozen=True, eq=False)
class Readings:
    """The best span of every passage for some questions.

    Attributes
    ----------
    relation
        Place in ``RELATIONS`` of each of Q questions, ``(Q,)``.
    texts
        The answer that each of N passages offers, ``(Q, N)``.
    probs
        Its probability, ``(Q, N)``.
    """

    relation: np.ndarray
    texts: np.ndarray
    probs: np.ndarray


def _forward(reader: Reader, table: ReadingTable, question: int) -> Tensor:
    """Return the log-probabilities of all spans of every passage, (N, L, M)."""
    was_training = reader.training
    reader.eval()
    with torch.no_grad():
        spans, _ = reader(table.encoded[question])
    reader.train(was_training)
    return spans


def read_all(reader: Reader, table: ReadingTable, wordings: int = 2) -> Readings:
    """Put questions to every passage of the task.

    Parameters
    ----------
    reader
        The reader.
    table
        The task's texts, encoded for it.
    wordings
        So many questions of each relation.

    Returns
    -------
    Readings
    """
    relation, texts, probs = [], [], []
    for wanted in range(len(table.task.answers)):
        asked = (table.task.relation == wanted).nonzero().flatten()[:wordings].tolist()
        for question in asked:
            best, place = _forward(reader, table, question).exp().flatten(1).max(1)
            relation.append(wanted)
            probs.append(best.numpy())
            texts.append(
                [
                    table.text(row, *divmod(at, reader.config.max_answer))
                    for row, at in enumerate(place.tolist())
                ]
            )
    return Readings(np.array(relation), np.array(texts), np.stack(probs))


def fixed_reading(reader: Reader, table: ReadingTable) -> Tensor:
    """Return the log-probability of every right answer in every passage, in one wording.

    Parameters
    ----------
    reader
        A reader that will not change.
    table
        The task's texts, encoded for it.

    Returns
    -------
    Tensor
        Shape ``(3, N, N)``: relation, country asked about, passage; minus infinity where the
        answer does not stand.
    """
    task, longest = table.task, reader.config.max_answer
    n = len(task.countries)
    found = torch.full((len(task.answers), n, n), -torch.inf)
    for relation, answers in enumerate(task.answers):
        question = int((task.relation == relation).nonzero()[0])
        spans = _forward(reader, table, question).numpy()
        for answer in set(answers):
            asked = torch.tensor([i for i, other in enumerate(answers) if other == answer])
            for row in task.contains[relation, asked[0]].nonzero().flatten().tolist():
                starts, more = table.find(row, answer)
                if more < longest:
                    total = np.logaddexp.reduce(spans[row, starts, more])
                    found[relation, asked, row] = float(total)
    return found


@torch.no_grad()
def rank(
    retriever: LinearRetriever, task: JointTask, rows: Tensor, stored: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return all passages for each of C countries' flags, nearest first, and their scores.

    Parameters
    ----------
    retriever
        Encodes the pictures, and the keys unless `stored` is given.
    task
        The task.
    rows
        Of C countries.
    stored
        Unit vectors of the keys as an older retriever encoded them, ``(N, D)``: a store that was
        not made anew.

    Returns
    -------
    passages, scores : Tensor
        Shape ``(C, N)`` each.
    """
    if stored is None:
        scores = retriever(task.queries[rows], task.keys)
    else:
        scores = retriever.scale * retriever.encode(task.queries[rows]) @ stored.T
    scores, passages = scores.sort(dim=1, descending=True)
    return passages, scores


def answers_right(
    readings: Readings, task: JointTask, rows: Tensor, passages: Tensor, scores: Tensor
) -> np.ndarray:
    """Say which questions about each country are answered rightly from given passages.

    Each passage offers its best span; equal texts are added up, weighed by the retriever.

    Parameters
    ----------
    readings
        From :func:`read_all`.
    task
        The task.
    rows
        Of C countries.
    passages, scores
        K passages for each, and the retriever's scores, ``(C, K)``.

    Returns
    -------
    numpy.ndarray
        Booleans ``(C, Q)``.
    """
    weights = scores.softmax(1).numpy()
    right = np.zeros((len(rows), len(readings.relation)), dtype=bool)
    for c, (country, found) in enumerate(zip(rows.tolist(), passages.numpy(), strict=True)):
        for q, relation in enumerate(readings.relation.tolist()):
            total: dict[str, float] = {}
            shares = weights[c] * readings.probs[q, found]
            for text, share in zip(readings.texts[q, found].tolist(), shares, strict=True):
                total[text] = total.get(text, 0.0) + share
            said = max(total, key=total.__getitem__)
            right[c, q] = said == " ".join(task.answer_words(relation, country))
    return right
