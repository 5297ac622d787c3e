"""Build the data that ships with the course from pinned packages.

Each set is a module ``tools/sets/<set>.py`` with ``SOURCES``, the keys of ``tools/sources.json``
that it needs, and ``build(sources, out)``, which writes files under ``out`` and returns one record
``{"file", "licence", "source", "note"}`` for each. This tool fetches the sources, runs the builds
in a temporary folder, moves the files to ``ravm_course/data/files`` and records set, size and
SHA-256 of each in ``MANIFEST.json``. A build that fails leaves the shipped files as they were.

``--check`` builds into a temporary folder and compares with what ships. Pixels and compressed bytes
depend on the versions of Pillow, resvg-py and zlib; where they differ, use the versions that
``requirements-dev.lock`` names.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

from fetch import FetchError, fetch, sha256  # noqa: E402

from ravm_course.data import atomic  # noqa: E402

FILES = ROOT / "ravm_course" / "data" / "files"
FIELDS = {"file", "licence", "source", "note"}


def known_sets() -> list[str]:
    """Return the names of all sets, in the order of their files."""
    folder = Path(__file__).parent / "sets"
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def build(name: str, out: Path) -> dict[str, dict]:
    """Build one set into `out` and return its rows of the manifest, by file name.

    Parameters
    ----------
    name
        A module of ``tools/sets``.
    out
        An empty folder.

    Returns
    -------
    dict
        ``{file: {"set", "bytes", "sha256", "licence", "source", "note"}}``

    Raises
    ------
    ValueError
        If the records that the set returns do not match the files it wrote.
    """
    module = importlib.import_module(f"sets.{name}")
    sources = {}
    for key in module.SOURCES:
        print(f"  {name}: source {key}", flush=True)
        sources[key] = fetch(key)
    rows = {}
    for record in module.build(sources, out):
        if set(record) != FIELDS:
            raise ValueError(
                f"set {name} returned a record with {sorted(record)}, expected {sorted(FIELDS)}."
            )
        file = out / record["file"]
        if not file.is_file():
            raise ValueError(f"set {name} lists {record['file']!r} but did not write it.")
        facts = {"set": name, "bytes": file.stat().st_size, "sha256": sha256(file)}
        rows[record["file"]] = facts | {key: record[key] for key in ("licence", "source", "note")}
    written = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
    if written - set(rows):
        raise ValueError(f"set {name} wrote {sorted(written - set(rows))} but does not list them.")
    return rows


def read_manifest() -> dict[str, dict]:
    """Return the manifest that ships, or an empty one."""
    file = FILES / "MANIFEST.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Keep a second build from changing the manifest at the same time."""
    lock = ROOT / ".cache" / "build_data.lock"
    lock.parent.mkdir(exist_ok=True)
    for attempt in range(100):
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            if attempt == 99:
                message = f"another build holds {lock}; delete it if none runs."
                raise SystemExit(message) from None
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def install(name: str, rows: dict[str, dict], built: Path) -> None:
    """Move the built files of one set to their place, then replace its rows of the manifest."""
    with locked():
        manifest = read_manifest()
        for file in rows:
            owner = manifest.get(file, {"set": name})["set"]
            if owner != name:
                raise ValueError(f"set {name} wrote {file!r}, which belongs to set {owner}.")
        for file in rows:
            target = FILES / file
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(target, (built / file).read_bytes())
        stale = [file for file, row in manifest.items() if row["set"] == name and file not in rows]
        kept = {file: row for file, row in manifest.items() if row["set"] != name} | rows
        text = json.dumps(dict(sorted(kept.items())), ensure_ascii=False, indent=1) + "\n"
        atomic.write_text(FILES / "MANIFEST.json", text)
        for file in stale:
            (FILES / file).unlink(missing_ok=True)


def differences(name: str, rows: dict[str, dict]) -> list[str]:
    """Return a line for each file of a set that differs from what ships."""
    shipped = {file: row for file, row in read_manifest().items() if row["set"] == name}
    lines = [f"{file}: ships, but was not built" for file in sorted(set(shipped) - set(rows))]
    for file, row in rows.items():
        if file not in shipped:
            lines.append(f"{file}: was built, but does not ship")
        elif not (FILES / file).is_file():
            lines.append(f"{file}: listed, but missing from {FILES}")
        elif (digest := sha256(FILES / file)) != row["sha256"]:
            lines.append(f"{file}: built {row['sha256'][:12]}…, ships {digest[:12]}…")
        elif shipped[file] != row:
            lines.append(f"{file}: its record in MANIFEST.json differs")
    return lines


def main() -> int:
    """Build or check the sets named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help="default: all sets")
    parser.add_argument("--check", action="store_true", help="rebuild, compare, change nothing")
    parser.add_argument("--list", action="store_true", help="name the sets and stop")
    arguments = parser.parse_args()
    known = known_sets()
    if arguments.list:
        print("\n".join(known))
        return 0
    if unknown := sorted(set(arguments.sets) - set(known)):
        parser.error(f"no set is called {', '.join(unknown)}. Known sets: {', '.join(known)}.")
    wrong = []
    wanted = arguments.sets or known
    for number, name in enumerate(wanted, 1):
        print(f"[{number}/{len(wanted)}] {name}", flush=True)
        started = time.perf_counter()
        built = Path(tempfile.mkdtemp(prefix=f"ravm-{name}-"))
        try:
            rows = build(name, built)
            if arguments.check:
                wrong += differences(name, rows)
            else:
                install(name, rows, built)
        except FetchError as error:
            print(f"build_data: set {name} was not built: {error}", file=sys.stderr)
            return 1
        finally:
            shutil.rmtree(built, ignore_errors=True)
        size = sum(row["bytes"] for row in rows.values())
        seconds = time.perf_counter() - started
        print(f"  {name}: {len(rows)} files, {size / 1e6:.2f} MB, {seconds:.0f} s", flush=True)
    if arguments.check:
        print("\n".join(wrong) if wrong else "All files were rebuilt with the same bytes.")
    else:
        total = sum(row["bytes"] for row in read_manifest().values())
        print(f"All bundled data: {total / 1e6:.2f} MB")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
