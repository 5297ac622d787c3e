"""One training loop for every model of the course.

A step draws a batch, computes the loss, follows its gradient, and writes down what happened. All
chance flows from one seed: batches are drawn from one generator, and dropout from torch's own,
which is seeded for the run and given back afterwards as it was. Because a checkpoint holds weights,
optimiser, generators and history of one moment, a run that was killed and resumed ends with the
very bits of a run that was left alone (on the same machine, with the same number of threads).
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from ravm_course.training.resume import load_run, own_randomness, save_run
from ravm_course.training.schedule import learning_rate_factor


@dataclass
class History:
    """What happened in a run.

    Attributes
    ----------
    losses
        Training loss of each step.
    learning_rates
        Learning rate of each step (of the optimiser's first group).
    evaluations
        What `evaluate` returned, each with its ``"step"`` (steps done so far).
    seconds
        Time spent in the loop, over all resumptions.
    best_step
        Step of the evaluation with the smallest monitored value, or None.
    stopped_early
        Whether patience ran out.
    """

    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    best_step: int | None = None
    stopped_early: bool = False


def fit(
    model: nn.Module,
    loss: Callable[[nn.Module, object], Tensor],
    draw: Callable[[torch.Generator], object],
    *,
    steps: int,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    optimizer: torch.optim.Optimizer | None = None,
    schedule: str = "cosine",
    warmup: int = 0,
    clip_norm: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    evaluate_every: int | None = None,
    monitor: str = "loss",
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> History:
    """Train `model` in place and leave it in evaluation mode on `device`.

    Parameters
    ----------
    model
        What is trained.
    loss
        ``loss(model, batch)`` returns a scalar tensor.
    draw
        ``draw(generator)`` returns a batch: tensors, or tuples, lists and dicts of them, which are
        moved to `device`. The (CPU) generator must be its only source of chance and its only
        memory, or a resumed run will differ.
    steps
        Number of updates of the whole run.
    lr, weight_decay
        Of the AdamW that is made when `optimizer` is None.
    optimizer
        One over the model's parameters; the schedule multiplies the learning rates it came with,
        and they are given back afterwards.
    schedule, warmup
        See :func:`~ravm_course.training.schedule.learning_rate_factor`.
    clip_norm
        Scale the gradient of all parameters together down to this Euclidean norm.
    seed
        Of the generator for `draw` and of torch's own for dropout and the like.
    device
        ``"cpu"``, ``"cuda"``, ``"mps"`` or a torch device.
    evaluate
        ``evaluate(model)`` returns named numbers; called in evaluation mode without gradients,
        every `evaluate_every` steps and after the last.
    monitor
        Which of these numbers is to become small.
    patience
        Stop after this many evaluations in a row without a new smallest `monitor`; the model then
        gets the weights of the best evaluation, also if all steps were done.
    checkpoint
        File to save to every `checkpoint_every` steps (by default about ten times) and at the end.
        If it exists, the run goes on from there: a finished one returns at once.
    progress
        Show a bar, unless the environment variable ``RAVM_COURSE_QUIET`` is 1.

    Returns
    -------
    History
        Losses, learning rates, evaluations, seconds.

    Raises
    ------
    ValueError
        If an option makes no sense, `evaluate` returns no finite `monitor`, or the checkpoint
        belongs to another model or configuration.
    FileNotFoundError
        If the folder of the checkpoint does not exist.
    FloatingPointError
        If the loss is not finite; the model keeps the weights from before that step.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> model = nn.Linear(1, 1)
    >>> def draw(generator):
    ...     x = torch.randn(32, 1, generator=generator)
    ...     return x, 3 * x + 1
    >>> def loss(model, batch):
    ...     return nn.functional.mse_loss(model(batch[0]), batch[1])
    >>> history = fit(model, loss, draw, steps=200, lr=0.1, progress=False)
    >>> round(model.weight.item(), 1), round(model.bias.item(), 1)
    (3.0, 1.0)
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}: ask for at least 1.")
    for name, value in (
        ("evaluate_every", evaluate_every),
        ("patience", patience),
        ("checkpoint_every", checkpoint_every),
        ("clip_norm", clip_norm),
    ):
        if value is not None and not value > 0:
            raise ValueError(f"{name} is {value}: give a positive number, or None.")
    if (patience or evaluate_every) and evaluate is None:
        raise ValueError("patience and evaluate_every need evaluate, a function of the model.")
    if patience and not evaluate_every:
        raise ValueError("patience counts evaluations: say how often with evaluate_every.")
    if checkpoint is not None and not Path(checkpoint).parent.is_dir():
        raise FileNotFoundError(
            f"the folder of the checkpoint {str(checkpoint)!r} does not exist: create it first."
        )
    learning_rate_factor(0, steps, schedule=schedule, warmup=warmup)  # refuse a bad one now

    device = torch.device(device)
    model.to(device)
    if optimizer is None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    base_rates = [group["lr"] for group in optimizer.param_groups]
    generator = torch.Generator()
    history, best = History(), None
    run = {
        "steps": steps, "schedule": schedule, "warmup": warmup, "clip_norm": clip_norm,
        "lr": base_rates, "seed": seed, "device": device.type, "evaluate_every": evaluate_every,
        "monitor": monitor, "patience": patience,
    }  # fmt: skip

    with own_randomness(device):
        generator.manual_seed(seed)
        torch.manual_seed(seed + 1_000_003)  # another stream than that of the batches
        if checkpoint is not None and Path(checkpoint).exists():
            saved, best = load_run(checkpoint, model, optimizer, generator, run)
            history = History(**saved)
        first = len(history.losses)
        begin = time.perf_counter() - history.seconds
        bar = tqdm(
            total=steps, initial=first, leave=False, unit="step",
            disable=not progress or os.environ.get("RAVM_COURSE_QUIET") == "1",
        )  # fmt: skip
        try:
            for step in range(first, 0 if history.stopped_early else steps):
                factor = learning_rate_factor(step, steps, schedule=schedule, warmup=warmup)
                for group, rate in zip(optimizer.param_groups, base_rates, strict=True):
                    group["lr"] = rate * factor
                value = _update(model, loss, draw, generator, optimizer, clip_norm, device, step)
                history.losses.append(value)
                history.learning_rates.append(base_rates[0] * factor)
                done = step + 1
                if evaluate is not None and (
                    done == steps or (evaluate_every and done % evaluate_every == 0)
                ):
                    if _evaluate(model, evaluate, monitor, done, history) and patience:
                        best = copy.deepcopy(model.state_dict())
                    waited = sum(e["step"] > history.best_step for e in history.evaluations)
                    history.stopped_early = bool(patience) and waited >= patience
                finished = done == steps or history.stopped_early
                history.seconds = time.perf_counter() - begin
                every = checkpoint_every or max(1, steps // 10)
                if checkpoint is not None and (finished or done % every == 0):
                    save_run(checkpoint, model, optimizer, generator, run, asdict(history), best)
                bar.set_postfix_str(f"loss {value:.4g}", refresh=False)
                bar.update()
                if finished:
                    break
            if best is not None:
                model.load_state_dict(best)
        finally:
            bar.close()
            for group, rate in zip(optimizer.param_groups, base_rates, strict=True):
                group["lr"] = rate
            model.eval()
    return history


def _update(
    model: nn.Module,
    loss: Callable,
    draw: Callable,
    generator: torch.Generator,
    optimizer: torch.optim.Optimizer,
    clip_norm: float | None,
    device: torch.device,
    step: int,
) -> float:
    """Do one step and return its loss."""
    model.train()
    batch = _to_device(draw(generator), device)
    optimizer.zero_grad(set_to_none=True)
    scalar = loss(model, batch)
    value = scalar.item()
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the loss is {value} at step {step}: lower the learning rate, clip the gradient with "
            "clip_norm, or look for a log of 0 or a division by 0 in the loss."
        )
    scalar.backward()
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()
    return value


def _evaluate(
    model: nn.Module, evaluate: Callable, monitor: str, step: int, history: History
) -> bool:
    """Evaluate, write it down, and say whether it is the best so far."""
    model.eval()
    with torch.no_grad():
        metrics = {name: float(value) for name, value in evaluate(model).items()}
    if monitor not in metrics or not math.isfinite(metrics[monitor]):
        raise ValueError(
            f"evaluate returned {metrics}: expected a finite {monitor!r} in it; "
            "or name another number with monitor."
        )
    smallest = min((e[monitor] for e in history.evaluations), default=math.inf)
    history.evaluations.append({"step": step, **metrics})
    if metrics[monitor] < smallest:
        history.best_step = step
    return history.best_step == step


def _to_device(batch: object, device: torch.device) -> object:
    """Move every tensor of a batch."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: _to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        moved = [_to_device(value, device) for value in batch]
        return type(batch)(*moved) if hasattr(batch, "_fields") else type(batch)(moved)
    return batch
