"""Load the checkpoint that ships with the course.

``emoji-clip`` was trained from scratch, on nothing but pictures and captions that ship with the
course, by ``tools/train_clip.py``; the JSON file beside its weights holds the command, the seed,
the data's hash, the sizes and what was measured. The weights are stored in half precision and
computed with in single.
"""

from __future__ import annotations

import json
from pathlib import Path

from ravm_course.data.files import DataError
from ravm_course.training import load_weights
from ravm_course.vlm.clip import CLIP, CLIPConfig

FOLDER = Path(__file__).parents[1] / "checkpoints"


def pretrained_facts(name: str = "emoji-clip") -> dict:
    """Return what is recorded of a shipped checkpoint: how it was made and what it measured.

    Parameters
    ----------
    name
        Name of the checkpoint.

    Returns
    -------
    dict
        With the keys ``config``, ``command``, ``seed``, ``data_sha256``, ``metrics`` and others.

    Raises
    ------
    ravm_course.data.files.DataError
        If there is no such checkpoint.

    Examples
    --------
    >>> pretrained_facts()["config"]["dim"]
    128
    """
    file = FOLDER / f"{name}.json"
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(f.stem for f in FOLDER.glob("*.safetensors"))) or "none"
        raise DataError(
            f"no checkpoint is called {name!r}; these ship with the course: {known}. "
            "Train it with `python tools/train_clip.py`."
        ) from error
    except ValueError as error:
        raise DataError(
            f"{file.name} is not JSON ({error}). "
            f"Restore it with `git checkout -- ravm_course/checkpoints/{file.name}`."
        ) from error


def load_pretrained(name: str = "emoji-clip") -> CLIP:
    """Load a shipped model, ready for use: in evaluation mode, on the CPU.

    Parameters
    ----------
    name
        Name of the checkpoint.

    Returns
    -------
    CLIP
        The trained model.

    Raises
    ------
    ravm_course.data.files.DataError
        If the checkpoint is missing or damaged.

    Examples
    --------
    >>> model = load_pretrained("emoji-clip")
    >>> model.encode_text(["a red apple", "红苹果"]).shape
    torch.Size([2, 128])
    """
    config = pretrained_facts(name)["config"]
    lists_as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    model = CLIP(CLIPConfig(**lists_as_tuples)).half()
    file = FOLDER / f"{name}.safetensors"
    try:
        load_weights(model, file)
    except (FileNotFoundError, ValueError) as error:
        raise DataError(
            f"the checkpoint {file.name!r} is missing or damaged ({error}). "
            f"Restore it with `git checkout -- ravm_course/checkpoints/{file.name}`, "
            "or train it with `python tools/train_clip.py`."
        ) from error
    return model.float().eval().requires_grad_(False)
