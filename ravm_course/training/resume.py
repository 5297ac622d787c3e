"""Hold a whole run in one file: weights, optimiser, random states, history and configuration.

The file is written atomically, so a run killed while it saves finds the checkpoint before. A
checkpoint is only taken up by the run that wrote it: any other model or configuration is refused,
with what differs.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from ravm_course.training.checkpoint import read_tensors, state_mismatch, write_tensors

_FORMAT = 1


def save_run(
    path: str | os.PathLike[str],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    run: dict,
    history: dict,
    best: dict[str, Tensor] | None,
) -> None:
    """Write the state of a run between two steps.

    Parameters
    ----------
    path
        Destination.
    model, optimizer, generator
        What the loop changes.
    run
        The configuration, which must be the same when the run goes on.
    history
        What happened so far.
    best
        Weights of the best evaluation, where they are wanted.
    """
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in (best or {}).items()}
    tensors["random/draw"] = generator.get_state()
    tensors |= {f"random/{name}": state for name, state in _random_state(run["device"]).items()}
    numbers = {}  # optimiser state that is no tensor
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{key}"] = value
            else:
                numbers[f"{index}/{key}"] = value
    facts = {
        "format": _FORMAT,
        "run": run | {"optimizer": _settings(optimizer)},
        "history": history,
        "numbers": numbers,
    }
    write_tensors(path, tensors, facts)


def load_run(
    path: str | os.PathLike[str],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    run: dict,
) -> tuple[dict, dict[str, Tensor] | None]:
    """Put model, optimiser and generators back into a saved state.

    Parameters
    ----------
    path
        What :func:`save_run` wrote.
    model, optimizer, generator
        What is put back, torch's own generators included.
    run
        The configuration of the run that wants to go on.

    Returns
    -------
    tuple
        The history, and the weights of the best evaluation or None.

    Raises
    ------
    ValueError
        If the file is damaged, or of another configuration or model; nothing is changed then.
    """
    tensors, facts = read_tensors(path)
    name = Path(path).name
    advice = "Use the same settings, or delete the file (or name another) to start anew."
    if facts.get("format") != _FORMAT:
        raise ValueError(f"{name!r} is not a checkpoint of this version of fit. {advice}")
    now = json.loads(json.dumps(run | {"optimizer": _settings(optimizer)}))
    for key in now:
        if now[key] != facts["run"].get(key):
            raise ValueError(
                f"the checkpoint {name!r} belongs to another run: {key} was "
                f"{facts['run'].get(key)!r}, now it is {now[key]!r}. {advice}"
            )
    groups: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "random": {}, "optimizer": {}}
    for key, tensor in tensors.items():
        group, _, rest = key.partition("/")
        groups[group][rest] = tensor
    mismatch = state_mismatch(groups["model"], model.state_dict())
    if mismatch:
        raise ValueError(f"the checkpoint {name!r} belongs to another model: {mismatch} {advice}")

    model.load_state_dict(groups["model"])
    state: dict[int, dict] = {}
    for key, value in (*groups["optimizer"].items(), *facts["numbers"].items()):
        index, _, slot = key.partition("/")
        state.setdefault(int(index), {})[slot] = value
    settings = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": settings})
    generator.set_state(groups["random"].pop("draw"))
    _set_random_state(groups["random"])
    return facts["history"], groups["best"] or None


@contextlib.contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Give torch's own generators back, at the end, in the state they were found in.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with own_randomness(torch.device("cpu")):
    ...     _ = torch.rand(3)
    >>> torch.equal(torch.get_rng_state(), before)
    True
    """
    state = _random_state(device.type)
    try:
        yield
    finally:
        _set_random_state(state)


def _random_state(kind: str) -> dict[str, Tensor]:
    """Return the states of torch's own generators, by kind of device."""
    state = {"cpu": torch.get_rng_state()}
    if kind != "cpu":
        state[kind] = getattr(torch, kind).get_rng_state()
    return state


def _set_random_state(state: dict[str, Tensor]) -> None:
    """Put torch's own generators into states of :func:`_random_state`."""
    for kind, tensor in state.items():
        (torch if kind == "cpu" else getattr(torch, kind)).set_rng_state(tensor)


def _settings(optimizer: torch.optim.Optimizer) -> dict:
    """Return the kind of an optimiser and what it was set to, except what the schedule moves."""
    groups = optimizer.state_dict()["param_groups"]
    groups = [{key: value for key, value in group.items() if key != "lr"} for group in groups]
    return {"kind": type(optimizer).__name__, "groups": groups}
