"""Load the checkpoints that ship with the course.

Each is a file of weights, in half or single precision, and a JSON file of the same name that says
how they were made: command, seed, sizes, hash of the data, what was measured. They were trained by
the scripts under ``tools/``, on nothing but data that ships with the course, and are computed with
in single precision.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from ravm_course.data.files import DataError
from ravm_course.training.checkpoint import load_weights, read_tensors

FOLDER = Path(__file__).parents[1] / "checkpoints"


def shipped_facts(name: str) -> dict:
    """Return what is recorded of a shipped checkpoint.

    Parameters
    ----------
    name
        Such as ``"emoji-clip"``.

    Returns
    -------
    dict
        With ``"command"``, ``"fingerprint"`` and others.

    Raises
    ------
    ravm_course.data.files.DataError
        If there is no such checkpoint, or its record is damaged.

    Examples
    --------
    >>> shipped_facts("flag-encoder")["config"]["dim"]
    64
    """
    file = FOLDER / f"{name}.json"
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(f.stem for f in FOLDER.glob("*.safetensors"))) or "none"
        raise DataError(
            f"no checkpoint is called {name!r}; these ship with the course: {known}. If one is "
            "missing, restore it with `git checkout -- ravm_course/checkpoints`."
        ) from error
    except ValueError as error:
        raise DataError(
            f"{file.name} is not JSON ({error}). "
            f"Restore it with `git checkout -- ravm_course/checkpoints/{file.name}`."
        ) from error


def load_shipped(model: nn.Module, name: str) -> nn.Module:
    """Fill a model with shipped weights and return it ready for use.

    Parameters
    ----------
    model
        Of the architecture that the record describes.
    name
        Of the checkpoint.

    Returns
    -------
    nn.Module
        The same model: in evaluation mode, in single precision, without gradients.

    Raises
    ------
    ravm_course.data.files.DataError
        If the weights are missing, damaged or of another architecture.
    """
    file = FOLDER / f"{name}.safetensors"
    try:
        dtypes = {tensor.dtype for tensor in read_tensors(file)[0].values()}
        load_weights(model.half() if torch.float16 in dtypes else model, file)
    except (FileNotFoundError, ValueError) as error:
        raise DataError(
            f"the checkpoint {file.name!r} is missing or damaged ({error}). Restore it with "
            f"`git checkout -- ravm_course/checkpoints/{file.name}`, or make it again with the "
            f"command that {name}.json names."
        ) from error
    return model.float().eval().requires_grad_(False)
