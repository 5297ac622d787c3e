"""An index as the bytes of an ``.npz`` file, without pickle."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np

_FORMAT = 1
#: What reading damaged bytes may raise.
DAMAGED = (ValueError, KeyError, TypeError, EOFError, OSError, RuntimeError, zipfile.BadZipFile)


def pack(settings: dict, ids: np.ndarray, content: np.ndarray) -> bytes:
    """Return settings, ids and what they stand for as bytes.

    Examples
    --------
    >>> settings, ids, content = unpack(pack({"kind": "flat"}, np.array([7]), np.zeros((1, 2))))
    >>> settings, ids, content.shape
    ({'kind': 'flat'}, array([7]), (1, 2))
    """
    buffer = io.BytesIO()
    text = json.dumps({"format": _FORMAT, **settings})
    np.savez(buffer, settings=np.frombuffer(text.encode(), np.uint8), ids=ids, content=content)
    return buffer.getvalue()


def unpack(data: bytes) -> tuple[dict, np.ndarray, np.ndarray]:
    """Return what :func:`pack` was given.

    Raises
    ------
    ValueError and others
        One of `DAMAGED`, if the bytes are not whole.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        settings = json.loads(file["settings"].tobytes())
        ids, content = file["ids"], file["content"]
    if settings.pop("format") != _FORMAT:
        raise ValueError("another version wrote it")
    return settings, ids, content
