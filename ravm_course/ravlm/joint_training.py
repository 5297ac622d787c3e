"""Seven ways to train one retriever and one reader.

All start from the same weights, see the same questions in the same order and make as many steps.
They differ in what teaches the retriever; `apart` and `known pairs` compare the whole store, the
others the passages found (`multi-task` both).

================ ======================================= =================================
way              the retriever learns from               the reader learns
================ ======================================= =================================
`inference only` nothing                                 from the right passage and others
`frozen`         nothing                                 from what is found
`apart`          passages that hold the answer           afterwards, from what is found
`marginal`       the reader, by marginal likelihood      at the same time
`distilled`      the reader, as a target                 at the same time
`multi-task`     the reader by marginal likelihood, and  at the same time
                 passages that hold the answer
`known pairs`    the right passages                      afterwards, from what is found
================ ======================================= =================================

Only the first and the last are told which passage is right. The last is the bound that the others
are measured against; the first retrieves at inference and not in training.
Where a reader is given that does not change, the retriever alone learns, from a table of what that
reader makes of every passage; that takes less than a second.
:mod:`ravm_course.ravlm.joint_runs` does so for several seeds at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ravm_course.ravlm.hard_negatives import contrastive_loss
from ravm_course.ravlm.joint import distillation_loss, marginal_loss, with_guess
from ravm_course.ravlm.joint_reading import ReadingTable
from ravm_course.ravlm.joint_task import JointTask, LinearRetriever
from ravm_course.ravlm.reader import Reader
from ravm_course.training import History, fit

WAYS = (
    "inference only", "frozen", "apart", "marginal", "distilled", "multi-task", "known pairs",
)  # fmt: skip
#: the gradient is scaled down to this Euclidean norm
CLIP_NORM = 1.0


class Pair(nn.Module):
    """A retriever and a reader.

    Parameters
    ----------
    retriever
        Finds passages.
    reader
        Reads them; not needed where the retriever alone learns, from a finished reading.
    """

    def __init__(self, retriever: LinearRetriever, reader: Reader | None = None):
        super().__init__()
        self.retriever, self.reader = retriever, reader


@dataclass(frozen=True)
class JointConfig:
    """How a pair is trained.

    Attributes
    ----------
    steps, batch
        Updates, and questions an update.
    k
        Passages read for each question.
    lr_retriever, lr_reader
        Learning rates of AdamW.
    refresh
        The search uses vectors of passages that are computed anew every so many steps; 0: only
        once, before the first. What was found is scored by the retriever as it is.
    relations
        What is asked for, as places in ``RELATIONS``.
    temperature
        Of the reader's preference, where it is distilled.
    """

    steps: int = 240
    batch: int = 16
    k: int = 4
    lr_retriever: float = 5e-4
    lr_reader: float = 2e-3
    refresh: int = 1
    relations: tuple[int, ...] = (0, 1, 2)
    temperature: float = 1.0


class JointBatches:
    """Draw training countries and questions about them.

    Parameters
    ----------
    task
        The task.
    batch
        Questions a batch.
    relations
        What is asked for, as places in ``RELATIONS``.
    """

    def __init__(self, task: JointTask, batch: int, relations: Sequence[int] = (0, 1, 2)):
        self.countries, self.batch = task.rows["train"], batch
        self.questions = torch.isin(task.relation, torch.tensor(relations)).nonzero().flatten()

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return rows of countries and rows of questions, shape ``(B,)`` each."""
        rows = torch.randint(len(self.countries), (self.batch,), generator=generator)
        asked = torch.randint(len(self.questions), (self.batch,), generator=generator)
        return self.countries[rows], self.questions[asked]


class JointLoss:
    """The loss of a batch: search, read, and compare with the right answer.

    It keeps the vectors that the search uses from step to step.

    Parameters
    ----------
    task
        The task.
    way
        One of :data:`WAYS`; the retriever gets a gradient only for `marginal`, `distilled` and
        `multi-task`.
    config
        Passages to read, and how old vectors may be.
    table
        The task's texts, encoded for the reader that learns.
    reading
        Or what a reader that does not change makes of every passage, see
        :func:`ravm_course.ravlm.joint_answers.fixed_reading`.
    """

    def __init__(
        self,
        task: JointTask,
        way: str,
        config: JointConfig,
        table: ReadingTable | None = None,
        reading: Tensor | None = None,
    ):
        if (table is None) == (reading is None):
            raise ValueError("give either a table, to train the reader, or its finished reading.")
        self.task, self.way, self.config = task, way, config
        self.table, self.reading = table, reading
        self.known, self.done, self.index = task.known(), 0, None
        self.keys = task.keys[self.known]

    def __call__(self, pair: Pair, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return a scalar for rows of countries and of questions, shape ``(B,)`` each."""
        rows, questions = batch
        scores = pair.retriever(self.task.queries[rows], self.keys)
        if self.way == "inference only":  # the right passage, and the right ones of others
            others = torch.stack([rows.roll(-shift) for shift in range(self.config.k)], dim=1)
            found = torch.searchsorted(self.known, others)
            scores = torch.zeros_like(scores)
        else:
            found = self._search(pair.retriever, rows, scores)
        near, passages = scores.gather(1, found), self.known[found]
        if self.table is None:
            relation = self.task.relation[questions]
            log_reading = self.reading[relation[:, None], rows[:, None], passages]
        else:
            log_reading = self.table.log_probs(pair.reader, questions, rows, passages)
        log_reading = with_guess(log_reading)
        if self.way == "marginal":
            return marginal_loss(near, log_reading)
        if self.way == "distilled":
            taught = distillation_loss(near, log_reading, self.config.temperature)
            return marginal_loss(near.detach(), log_reading) + taught
        if self.way == "multi-task":
            held = self.task.contains[self.task.relation[questions], rows][:, self.known]
            return marginal_loss(near, log_reading) + contrastive_loss(scores, held)
        return marginal_loss(near.detach(), log_reading)

    @torch.no_grad()
    def _search(self, retriever: LinearRetriever, rows: Tensor, scores: Tensor) -> Tensor:
        """Return the k nearest passages, as columns of the scores (B, N)."""
        every = self.config.refresh
        if every == 1:
            return scores.topk(self.config.k, dim=1).indices
        if self.index is None or (every and self.done % every == 0):
            self.index = retriever.encode(self.keys)
        self.done += 1
        nearness = retriever.compare(self.task.queries[rows], self.index)
        return nearness.topk(self.config.k, dim=1).indices


class ContrastiveLoss:
    """Contrast passages that count as right with all others of the store; nothing is read.

    Parameters
    ----------
    task
        The task.
    way
        `apart`: right are passages in which the answer stands; `known pairs`: the country's own.
    """

    def __init__(self, task: JointTask, way: str):
        own = torch.eye(len(task.countries), dtype=torch.bool).expand_as(task.contains)
        known = task.known()
        self.task, self.keys = task, task.keys[known]
        self.right = (task.contains if way == "apart" else own)[..., known]

    def __call__(self, pair: Pair, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return a scalar for rows of countries and of questions, shape ``(B,)`` each."""
        rows, questions = batch
        scores = pair.retriever(self.task.queries[rows], self.keys)
        return contrastive_loss(scores, self.right[self.task.relation[questions], rows])


def train(
    pair: Pair,
    task: JointTask,
    way: str,
    config: JointConfig | None = None,
    *,
    table: ReadingTable | None = None,
    reading: Tensor | None = None,
    seed: int = 0,
) -> History:
    """Train a pair in place: both parts if a `table` is given, the retriever if a `reading` is.

    Parameters
    ----------
    pair
        Changed.
    task
        The task.
    way
        One of :data:`WAYS`.
    config
        Sizes and rates.
    table, reading
        As for :class:`JointLoss`.
    seed
        Draws the questions.

    Returns
    -------
    History
        Of the last training.

    Raises
    ------
    ValueError
        If the way is another, nothing would be trained, or the reader would be and there is none.
    """
    if way not in WAYS:
        raise ValueError(f"way is {way!r}, expected one of {', '.join(WAYS)}.")
    if way in ("inference only", "frozen") and table is None:
        raise ValueError(
            "the retriever does not learn and the reader is finished: nothing to train."
        )
    if table is not None and pair.reader is None:
        raise ValueError("a table is for training the reader, and the pair has none: give it one.")
    config = config or JointConfig()
    draw = JointBatches(task, config.batch, config.relations)
    options = {
        "steps": config.steps, "warmup": config.steps // 20, "seed": seed, "clip_norm": CLIP_NORM,
        "progress": table is not None,  # the retriever alone takes less than a second
    }  # fmt: skip
    retriever = {"params": pair.retriever.parameters(), "lr": config.lr_retriever}
    together = way in ("marginal", "distilled", "multi-task")
    if way in ("apart", "known pairs"):
        loss = ContrastiveLoss(task, way)
        history = fit(pair, loss, draw, optimizer=torch.optim.AdamW([retriever]), **options)
    if table is not None or together:
        groups = [retriever] * together
        if table is not None:
            groups.append({"params": pair.reader.parameters(), "lr": config.lr_reader})
        loss = JointLoss(task, way, config, table, reading)
        history = fit(pair, loss, draw, optimizer=torch.optim.AdamW(groups), **options)
    return history
