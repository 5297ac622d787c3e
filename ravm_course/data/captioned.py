"""A folder of pictures with captions: what the loaders of COCO and Flickr30k return.

The list of what there is stands in memory; the pictures stay on the disk until one is read. What
the lists of different sets have in common is checked here: every name stays inside the folder,
stands for one picture, and its file is there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ravm_course.data.pictures import read_picture


class CaptionError(ValueError):
    """A list of captions is damaged or of another format, or does not fit its folder."""


@dataclass(frozen=True, slots=True)
class Captioned:
    """One picture and what people wrote about it.

    Attributes
    ----------
    id
        What the set calls it: COCO's number as text, Flickr30k's file name without its ending.
    name
        Path of the file relative to the folder, with ``/``.
    captions
        As written; none where the set gives none, as for the test pictures of COCO.
    split
        ``"train"``, ``"val"``, ``"test"`` or another word of the list; ``""`` where it says none.
    """

    id: str
    name: str
    captions: tuple[str, ...]
    split: str = ""


@dataclass(frozen=True)
class CaptionedFolder:
    """Pictures in a folder, in the order of their list.

    Attributes
    ----------
    folder
        Where the files lie.
    items
        One record a picture.

    Examples
    --------
    >>> folder = CaptionedFolder(Path("flickr30k"), (Captioned("1", "1.jpg", ("a dog",), "test"),))
    >>> len(folder), folder[0].captions, len(folder.part("train"))
    (1, ('a dog',), 0)
    """

    folder: Path
    items: tuple[Captioned, ...] = field(repr=False)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.items)

    def __getitem__(self, row: int) -> Captioned:
        """Return the record of one picture."""
        return self.items[row]

    def __iter__(self) -> Iterator[Captioned]:
        """Go through the records."""
        return iter(self.items)

    def part(self, *splits: str) -> CaptionedFolder:
        """Return the pictures of some splits, such as ``part("train", "restval")``."""
        return CaptionedFolder(self.folder, tuple(i for i in self.items if i.split in splits))

    def file(self, row: int) -> Path:
        """Return where a picture lies."""
        return self.folder / self.items[row].name

    def read(self, row: int) -> np.ndarray:
        """Return a picture, uint8 ``(H, W, 3)``.

        Raises
        ------
        FileNotFoundError, ravm_course.data.pictures.PictureError
            As :func:`ravm_course.data.pictures.read_picture`.
        """
        return read_picture(self.file(row))


def read_list(path: str | os.PathLike[str]) -> str:
    """Return the text of a list of captions.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CaptionError
        If it is not UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no list of captions {str(path)!r}: give the file of the annotations."
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CaptionError(
            f"{path.name!r} is not text in UTF-8 ({error}): unpack it first, or fetch it again."
        ) from error


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return what a JSON list of captions holds.

    Raises
    ------
    FileNotFoundError, CaptionError
        As :func:`read_list`; also if it is not JSON.
    """
    text = read_list(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CaptionError(
            f"{Path(path).name!r} is not whole JSON ({error}): fetch it again."
        ) from error


def entry(record: Any, key: str, kind: type, where: str) -> Any:
    """Return ``record[key]`` of a list that others wrote, or say what it lacks.

    Examples
    --------
    >>> entry({"id": 7}, "id", int, "image 0")
    7
    >>> entry({"id": "7"}, "id", int, "image 0")
    Traceback (most recent call last):
    ...
    ravm_course.data.captioned.CaptionError: image 0 has 'id': '7', expected a value of type int.
    """
    if not isinstance(record, dict) or key not in record:
        raise CaptionError(f"{where} has no {key!r}: the file is damaged or of another format.")
    value = record[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        given = repr(value) if len(repr(value)) < 60 else repr(value)[:57] + "..."
        raise CaptionError(
            f"{where} has {key!r}: {given}, expected a value of type {kind.__name__}."
        )
    return value


def gather(
    folder: str | os.PathLike[str], items: Iterable[Captioned], *, skip_missing: bool = False
) -> CaptionedFolder:
    """Return pictures whose files were found, or say what is wrong with the list.

    Parameters
    ----------
    folder
        Where the names begin.
    items
        What the list says.
    skip_missing
        Leave out pictures whose files are not there, instead of refusing.

    Returns
    -------
    CaptionedFolder

    Raises
    ------
    FileNotFoundError
        If the folder or a file is missing.
    CaptionError
        If an id or a name occurs twice, a name leads out of the folder, or nothing is left.
    """
    folder, items = Path(folder), tuple(items)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder of pictures {str(folder)!r}.")
    for key in ("id", "name"):
        seen: set[str] = set()
        for item in items:
            value = getattr(item, key)
            if value in seen:
                raise CaptionError(f"two pictures have the {key} {value!r}: mend the list.")
            seen.add(value)
    for item in items:
        parts = PurePosixPath(item.name.replace("\\", "/")).parts
        outside = not parts or parts[0] == "/" or parts[0][1:2] == ":" or ".." in parts
        if outside or "\0" in item.name:
            raise CaptionError(
                f"picture {item.id!r} is called {item.name!r}, which is no file or leads out of "
                "the folder: the list is damaged, or somebody means harm."
            )
    missing = [item.name for item in items if not (folder / item.name).is_file()]
    if missing and not skip_missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(items)} pictures are not in {str(folder)!r}, the first is "
            f"{missing[0]!r}: give the folder in which the names begin, fetch the rest, or load "
            "with skip_missing=True."
        )
    gone = set(missing)
    there = tuple(item for item in items if item.name not in gone)
    if not there:
        raise CaptionError(
            f"no picture is left: the list names {len(items)}, and none of them lies in "
            f"{str(folder)!r}."
        )
    return CaptionedFolder(folder, there)
