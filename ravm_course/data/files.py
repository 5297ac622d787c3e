"""Find a bundled file and vouch for its bytes.

Every data file that ships with the course is listed in ``MANIFEST.json`` with its SHA-256. The
first time a process asks for a file, its content is compared with that hash, so that a truncated
download or an edited file is reported by name instead of becoming a puzzling result.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "files"


class DataError(RuntimeError):
    """A bundled data file is missing or is not the one that was shipped."""


@functools.cache
def manifest() -> dict[str, dict]:
    """Return the record of every bundled file, by its name relative to the data folder.

    Returns
    -------
    dict
        ``{name: {"set": str, "sha256": str, "bytes": int, ...}}``

    Raises
    ------
    DataError
        If the manifest itself is missing or is not JSON.

    Examples
    --------
    >>> all(len(record["sha256"]) == 64 for record in manifest().values())
    True
    """
    file = FOLDER / "MANIFEST.json"
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise DataError(
            f"the list of bundled data {file.name!r} is missing or damaged ({error}). "
            "Restore it with `git checkout -- ravm_course/data/files`, "
            "or rebuild all data with `python tools/build_data.py`."
        ) from error


@functools.cache
def path(name: str) -> Path:
    """Return the path of a bundled file after comparing its content with its hash.

    Parameters
    ----------
    name
        Name relative to the data folder, such as ``"emoji/noto.webp"``.

    Returns
    -------
    pathlib.Path
        Where the file lies.

    Raises
    ------
    DataError
        If no such file ships, or if it is missing or its bytes are not those that shipped.

    Examples
    --------
    >>> path("no/such.file")
    Traceback (most recent call last):
    ...
    ravm_course.data.files.DataError: no bundled file is called 'no/such.file'...
    """
    record = manifest().get(name)
    if record is None:
        raise DataError(
            f"no bundled file is called {name!r}. Known files: {', '.join(sorted(manifest()))}."
        )
    file = FOLDER / name
    restore = (
        f"Restore it with `git checkout -- ravm_course/data/files/{name}`, "
        f"or rebuild it with `python tools/build_data.py {record['set']}`."
    )
    if not file.is_file():
        raise DataError(f"the data file {name!r} is missing. {restore}")
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != record["sha256"]:
        raise DataError(
            f"the data file {name!r} is damaged: its SHA-256 is {digest[:12]}…, "
            f"expected {record['sha256'][:12]}…. {restore}"
        )
    return file
