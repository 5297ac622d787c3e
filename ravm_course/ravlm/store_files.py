"""How a datastore lies on disk, and why a killed save cannot harm it.

A store is a folder. Three files hold its content, each named after the hash of its bytes, and a
fourth, ``store.json``, says which three belong together::

    store.json                     encoder, dim, metric, and the names and hashes of:
    items-0123456789abcdef.json    id, text and metadata of every item
    vectors-….npz                  the index
    images-….npz                   all pixels in one row, with the shapes to cut them by

A save writes the three files under new names, beside those of the old store, then puts a new
``store.json`` in the place of the old one by one atomic rename, and only then deletes what no
longer belongs. Before the rename a reader finds the old store, after it the new one; what a killed
save leaves lying about is deleted by the next. One process may write at a time.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ravm_course.data import atomic

_FORMAT = 1
_OURS = re.compile(
    r"((items|vectors|images)-[0-9a-f]{16}\.(json|npz)"
    r"|\.((items|vectors|images)-[0-9a-f]{16}\.(json|npz)|store\.json)\..*\.tmp)"
)


def write(
    path: str | os.PathLike[str],
    *,
    facts: dict,
    items: list[dict],
    images: Sequence[np.ndarray | None],
    vectors: bytes,
) -> None:
    """Write a store, or leave the one that lies there as it is.

    Parameters
    ----------
    path
        The folder; made where its parent exists.
    facts
        What ``store.json`` says about the whole.
    items
        One mapping an item, of what JSON can hold.
    images
        A uint8 picture, or None, for each item.
    vectors
        The bytes of the index.

    Raises
    ------
    FileNotFoundError
        If the parent of the folder does not exist.
    """
    folder = Path(path)
    if not folder.parent.is_dir():
        raise FileNotFoundError(
            f"cannot save to {str(folder)!r}: the folder {str(folder.parent)!r} does not exist. "
            "Create it first."
        )
    folder.mkdir(exist_ok=True)
    contents = {
        "items.json": json.dumps(items, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        "vectors.npz": vectors,
        "images.npz": pack_images(images),
    }
    files = {}
    for name, data in contents.items():
        kind, _, ending = name.partition(".")
        digest = hashlib.sha256(data).hexdigest()
        files[kind] = {"name": f"{kind}-{digest[:16]}.{ending}", "sha256": digest}
        atomic.write_bytes(folder / files[kind]["name"], data)
    record = {"format": _FORMAT, **facts, "count": len(items), "files": files}
    atomic.write_text(folder / "store.json", json.dumps(record, indent=1) + "\n")
    # from here on the new store is the store
    belonging = {file["name"] for file in files.values()}
    for file in folder.iterdir():
        if _OURS.fullmatch(file.name) and file.name not in belonging:
            file.unlink()


def read(path: str | os.PathLike[str]) -> tuple[dict, list[dict], list[np.ndarray | None], bytes]:
    """Return facts, items, images and the bytes of the index, after comparing every hash.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If a file is missing or damaged; the message names it.
    """
    folder = Path(path)
    record = folder / "store.json"
    if not record.is_file():
        raise FileNotFoundError(f"there is no store at {str(folder)!r}: it has no store.json.")
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        if facts["format"] != _FORMAT:
            raise ValueError(f"format {facts['format']} is not format {_FORMAT}")
        files, _ = facts["files"], (facts["encoder"], facts["dim"], facts["metric"])
        contents = {}
        for kind in ("items", "vectors", "images"):
            name = files[kind]["name"]
            contents[kind] = (folder / name).read_bytes()
            if hashlib.sha256(contents[kind]).hexdigest() != files[kind]["sha256"]:
                raise ValueError(f"{name} is not what was saved")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"the store at {str(folder)!r} is damaged ({error}): restore the folder from a copy, "
            "or make the store again."
        ) from error
    items = json.loads(contents["items"].decode("utf-8", "surrogatepass"))
    return facts, items, unpack_images(contents["images"], len(items)), contents["vectors"]


def pack_images(images: Sequence[np.ndarray | None]) -> bytes:
    """Return pictures of any sizes as the bytes of one compressed ``.npz`` file without pickle.

    Parameters
    ----------
    images
        uint8, each of shape (H, W, 3) or (H, W), or None.

    Returns
    -------
    bytes

    Examples
    --------
    >>> grey = np.zeros((2, 3), np.uint8)
    >>> [None if i is None else i.shape for i in unpack_images(pack_images([None, grey]), 2)]
    [None, (2, 3)]
    """
    rows = [row for row, image in enumerate(images) if image is not None]
    there = [images[row] for row in rows]
    shapes = [(*image.shape, 0)[:3] for image in there]  # grey: 0 channels
    pixels = np.concatenate([np.empty(0, np.uint8), *(image.reshape(-1) for image in there)])
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        rows=np.array(rows, np.int64),
        shapes=np.array(shapes, np.int64).reshape(-1, 3),
        pixels=pixels,
    )
    return buffer.getvalue()


def unpack_images(data: bytes, count: int) -> list[np.ndarray | None]:
    """Return the pictures that :func:`pack_images` packed, which nobody can write to.

    Parameters
    ----------
    data
        The bytes.
    count
        Number of items.

    Returns
    -------
    list
        `count` pictures or None.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        rows, shapes, pixels = file["rows"], file["shapes"], file["pixels"]
    pixels.setflags(write=False)
    images: list[np.ndarray | None] = [None] * count
    start = 0
    for row, (height, width, channels) in zip(rows.tolist(), shapes.tolist(), strict=True):
        shape = (height, width, channels) if channels else (height, width)
        stop = start + int(np.prod(shape))
        images[row] = pixels[start:stop].reshape(shape)
        start = stop
    return images
