"""Train the retrievers of several seeds at once: a batch of runs instead of a loop over them.

A training of one small map is mostly the cost of *starting* operations. Stacked, five maps take
one product where they took five. Nothing is shared: each run has its own batches, its own gradient
and its own bound on it, and ends where it would end alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.ravlm.joint_task import JointTask, LinearRetriever
from ravm_course.ravlm.joint_training import (
    CLIP_NORM,
    ContrastiveLoss,
    JointBatches,
    JointConfig,
    JointLoss,
    Pair,
)
from ravm_course.training import fit


class LinearRetrievers(LinearRetriever):
    """R linear retrievers side by side; queries are those of the first, then of the second, ...

    Parameters
    ----------
    dim
        Size D of the vectors.
    runs
        How many, R.
    scale
        As for :class:`~ravm_course.ravlm.joint_task.LinearRetriever`.

    Examples
    --------
    >>> both = LinearRetrievers(2, runs=2, scale=10.0)
    >>> both(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.eye(2)).tolist()
    [[6.0, 8.0], [10.0, 0.0]]
    """

    def __init__(self, dim: int, runs: int, scale: float = 20.0):
        nn.Module.__init__(self)
        self.maps = nn.Parameter(torch.eye(dim).repeat(runs, 1, 1))
        self.scale = scale

    def encode(self, vectors: Tensor) -> Tensor:
        """Map vectors ``(N, D)`` to the unit vectors of each run, ``(R, N, D)``, in one product."""
        mapped = vectors @ self.maps.flatten(0, 1).T
        return F.normalize(mapped.unflatten(1, self.maps.shape[:2]), dim=-1).transpose(0, 1)

    def compare(self, queries: Tensor, index: Tensor) -> Tensor:
        """Return cosines ``(R * B, N)`` of queries ``(R * B, D)`` with keys ``(R, N, D)``."""
        queries = queries.unflatten(0, (len(self.maps), -1))
        asked = F.normalize(queries @ self.maps.transpose(1, 2), dim=-1)
        return (asked @ index.transpose(1, 2)).flatten(0, 1)

    def apart(self) -> list[LinearRetriever]:
        """Return the retriever of each run, in evaluation mode."""
        alone = []
        for weight in self.maps.detach():
            retriever = LinearRetriever(weight.shape[0], self.scale).eval()
            retriever.map.weight.data.copy_(weight)
            alone.append(retriever)
        return alone


def clip_each(gradients: Tensor, norm: float = CLIP_NORM) -> Tensor:
    """Scale each of R gradients ``(R, ...)`` down to a Euclidean norm.

    Examples
    --------
    >>> clip_each(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    lengths = gradients.flatten(1).norm(dim=1) + 1e-6
    factors = (norm / lengths).clamp(max=1.0)
    return gradients * factors.view(-1, *[1] * (gradients.ndim - 1))


def train_runs(
    task: JointTask,
    way: str,
    config: JointConfig | None = None,
    *,
    reading: Tensor,
    seeds: Sequence[int],
) -> list[LinearRetriever]:
    """Train a new retriever for each seed, as :func:`~ravm_course.ravlm.joint_training.train` does.

    Parameters
    ----------
    task
        The task.
    way
        `apart`, `known pairs`, `marginal`, `distilled` or `multi-task`.
    config
        Sizes and rates.
    reading
        What a finished reader makes of every passage.
    seeds
        One a run.

    Returns
    -------
    list of LinearRetriever
        Equal to those trained one by one, but for rounding.

    Raises
    ------
    ValueError
        If there is no seed, or the retriever does not learn in this way.
    """
    if not len(seeds):
        raise ValueError("seeds is empty: give one a run.")
    if way not in ("apart", "known pairs", "marginal", "distilled", "multi-task"):
        raise ValueError(f"the retriever learns nothing if the way is {way!r}.")
    config = config or JointConfig()
    runs = Pair(LinearRetrievers(task.queries.shape[1], len(seeds)))
    runs.retriever.maps.register_hook(clip_each)
    if way in ("apart", "known pairs"):
        loss = ContrastiveLoss(task, way)
    else:
        loss = JointLoss(task, way, config, reading=reading)
    draw = JointBatches(task, config.batch, config.relations)
    chances = [torch.Generator().manual_seed(seed) for seed in seeds]

    def draw_each(_: torch.Generator) -> tuple[Tensor, ...]:
        return tuple(map(torch.cat, zip(*map(draw, chances), strict=True)))

    fit(
        runs,
        lambda runs, batch: len(seeds) * loss(runs, batch),  # the sum over runs of their means
        draw_each,
        steps=config.steps,
        warmup=config.steps // 20,
        optimizer=torch.optim.AdamW(runs.parameters(), lr=config.lr_retriever),
        progress=False,
    )
    return runs.retriever.apart()
