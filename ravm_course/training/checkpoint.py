"""Save weights and whole runs, whole or not at all, and know one model from another.

Everything is stored as safetensors: a header that can be read as JSON, then the raw numbers. No
code runs when such a file is opened, unlike with pickle. The facts about a file (settings, metrics,
history) stand in its header, so that numbers and facts cannot part; a file is written beside its
destination and renamed over it.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from ravm_course.data import atomic


def fingerprint(module: nn.Module) -> str:
    """Return 16 hexadecimal digits that stand for the weights of a model.

    The same weights give the same digits on every machine and device; any other weight, name,
    shape or dtype gives others. Vectors are only comparable when one model made them: a datastore
    keeps the fingerprint of its encoder.

    Parameters
    ----------
    module
        Any module. Its whole state counts, buffers included.

    Returns
    -------
    str
        The first 16 digits of a SHA-256 over names, dtypes, shapes and bytes.

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> before = fingerprint(layer)
    >>> _ = layer.weight.data.add_(1e-3)
    >>> len(before), fingerprint(layer) == before
    (16, False)
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def save_weights(module: nn.Module, path: str | os.PathLike[str], **facts: object) -> None:
    """Write the weights of a model, and what should be known about them, atomically.

    Parameters
    ----------
    module
        The model.
    path
        Destination, ending in ``.safetensors``. A readable copy of the facts goes beside it, with
        the ending ``.json``.
    **facts
        Anything JSON can hold: configuration, seed, command, metrics.

    Raises
    ------
    ValueError
        If `path` has another ending.
    TypeError
        If a fact is nothing JSON can hold.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(nn.Linear(2, 2), Path(folder) / "layer.safetensors", seed=0)
    ...     load_weights(nn.Linear(2, 2), Path(folder) / "layer.safetensors")["seed"]
    0
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path.name!r} must end in .safetensors: that is what is written.")
    facts = {"fingerprint": fingerprint(module), **facts}
    write_tensors(path, dict(module.state_dict()), facts)
    text = json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=True)
    atomic.write_text(path.with_suffix(".json"), text + "\n")


def load_weights(module: nn.Module, path: str | os.PathLike[str]) -> dict:
    """Fill a model with saved weights and return the facts saved with them.

    Parameters
    ----------
    module
        A model of the same architecture, on any device. It is unchanged if anything is wrong.
    path
        What :func:`save_weights` wrote.

    Returns
    -------
    dict
        The facts, with the ``"fingerprint"`` of the weights.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or its weights do not fit; the message names the keys.
    """
    tensors, facts = read_tensors(path)
    mismatch = state_mismatch(tensors, module.state_dict())
    if mismatch:
        raise ValueError(f"the weights of {Path(path).name!r} do not fit this model: {mismatch}")
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    module.load_state_dict(tensors)
    if fingerprint(module) != facts.get("fingerprint"):
        module.load_state_dict(before)
        raise ValueError(
            f"{Path(path).name!r} is damaged: its weights are not those that were saved "
            f"(fingerprint {facts.get('fingerprint')}). Restore or make the file again."
        )
    return facts


def state_mismatch(saved: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """Say how saved tensors differ from a model's in name, shape or dtype; ``""`` if in nothing.

    Examples
    --------
    >>> state_mismatch({"a": torch.ones(2)}, {"a": torch.ones(3), "b": torch.ones(1)})
    'missing b; a is (2,) float32 but the model has (3,) float32.'
    """

    def kind(tensor: Tensor) -> str:
        return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"

    parts = []
    for word, names in (("missing", state.keys() - saved), ("unexpected", saved.keys() - state)):
        if names:
            parts.append(f"{word} {_few(sorted(names), ', ')}")
    changed = [
        f"{name} is {kind(saved[name])} but the model has {kind(state[name])}"
        for name in sorted(state.keys() & saved)
        if kind(saved[name]) != kind(state[name])
    ]
    if changed:
        parts.append(_few(changed, "; "))
    return "; ".join(parts) + "." if parts else ""


def _few(names: list[str], between: str, most: int = 4) -> str:
    """Join names; of many, the first ones and how many there are beside."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more


def write_tensors(path: str | os.PathLike[str], tensors: dict[str, Tensor], facts: dict) -> None:
    """Write tensors with facts in the header of one file, atomically.

    Parameters
    ----------
    path
        Destination.
    tensors
        On any device; tensors that share memory are written once each.
    facts
        Anything JSON can hold; it must survive the way there and back unchanged in value.
    """
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    header = {"facts": json.dumps(facts, ensure_ascii=False)}
    atomic.write_bytes(path, to_bytes(copies, metadata=header))


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict]:
    """Return the tensors (on the CPU) and the facts that :func:`write_tensors` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or was written by something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}: check the name, or save first.")
    data = path.read_bytes()
    try:
        tensors = load_bytes(data)
        (length,) = struct.unpack("<Q", data[:8])  # the header: its length, then JSON
        facts = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["facts"])
    except (SafetensorError, KeyError, ValueError, struct.error) as error:
        raise ValueError(
            f"{path.name!r} is damaged or was not written by this package ({error}): "
            "delete it, and make or fetch it again."
        ) from error
    return tensors, facts
