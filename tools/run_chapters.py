"""Execute chapters in place, so that what a reader sees is what the code prints.

Stores outputs without what changes from run to run (times, kernel version, random cell ids), and
refuses to store an error, a warning on stderr, or a path of this machine. A chapter that is refused
stays as it was.

``python tools/run_chapters.py`` runs all; ``python tools/run_chapters.py 02 datasets`` runs those.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from ravm_course.data.atomic import write_bytes  # noqa: E402

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|tmp|Users|work|mnt|var|private)/[\w.-]+|[A-Z]:\\Users\\"
    r"|site-packages"
)
TIMEOUT = 600  # seconds for one cell


def chapters(names: list[str] | None = None) -> list[Path]:
    """Return the notebooks that `names` choose: by number or by part of the name; all without.

    Parameters
    ----------
    names : list of str, optional
        Such as ``["02", "datasets"]``.

    Returns
    -------
    list of Path

    Raises
    ------
    SystemExit
        If a name chooses nothing.
    """
    found = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    found += sorted((ROOT / "book").rglob("*.ipynb"))
    if not names:
        return found
    chosen = []
    for name in names:
        matching = [
            path
            for path in found
            if (path.name.startswith(f"{name}_") if name.isdigit() else name in path.stem)
        ]
        if not matching:
            known = ", ".join(path.stem for path in found) or "none yet"
            raise SystemExit(f"No chapter matches {name!r}. There are: {known}.")
        chosen += matching
    return list(dict.fromkeys(chosen))


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what differs between two runs, name cells by their content, fold solutions.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.

    Returns
    -------
    NotebookNode
        The same object.
    """
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    count = 0
    in_solution = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "{solution-" in cell.source:
            in_solution = "{solution-start}" in cell.source
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:10]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        for key in ("execution", "collapsed", "scrolled", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            continue
        if in_solution:  # JupyterLab shows it folded, as the site does
            cell.metadata["jupyter"] = {"source_hidden": True}
        if cell.source.strip():
            count += 1
        cell.execution_count = count if cell.source.strip() else None
        outputs: list[nbformat.NotebookNode] = []
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
            before = outputs[-1] if outputs else None
            if (
                output.output_type == "stream"
                and before is not None
                and before.output_type == "stream"
                and before.name == output.name
            ):
                before.text += output.text
            else:
                outputs.append(output)
        cell.outputs = outputs
    return notebook


def faults(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what must not be stored: errors, stderr, paths of a machine, widgets.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    list of str
        One sentence each, naming the cell.
    """
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        first = cell.source.strip().splitlines()[0] if cell.source.strip() else ""
        where = f"cell {number} ({first[:60]})"
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{where}: {output.ename}: {output.evalue}")
                continue
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"{where}: writes to stderr: {output.text.strip()[:200]}")
            texts = [output.get("text", "")]
            for kind, value in output.get("data", {}).items():
                if "widget" in kind:
                    found.append(f"{where}: stores a widget ({kind})")
                if kind.startswith("text/"):
                    texts.append(value)
            for text in texts:
                match = MACHINE.search(text)
                if match:
                    found.append(f"{where}: prints a path of this machine: {match.group()}")
    return found


def execute(path: Path) -> nbformat.NotebookNode:
    """Run `path` in a fresh kernel, in its own folder, and return the notebook with outputs.

    Parameters
    ----------
    path : Path

    Returns
    -------
    NotebookNode

    Raises
    ------
    SystemExit
        If a cell fails or stores what it must not.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    os.environ["RAVM_COURSE_QUIET"] = "1"
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise SystemExit(f"{path.name} failed and was not changed.\n{error}") from None
    clean(notebook)
    found = faults(notebook)
    if found:
        raise SystemExit(f"{path.name} was not changed:\n  " + "\n  ".join(found))
    return notebook


def store(path: Path, notebook: nbformat.NotebookNode) -> None:
    """Write `notebook` to `path` in one step, with the same bytes for the same content."""
    nbformat.validate(notebook)
    write_bytes(path, (nbformat.writes(notebook).rstrip("\n") + "\n").encode("utf-8"))


def main() -> None:
    """Read the command line and run the chapters one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", help="numbers or parts of names; all without")
    parser.add_argument("--dry-run", action="store_true", help="execute, but store nothing")
    options = parser.parse_args()
    for path in chapters(options.names):
        started = time.perf_counter()
        notebook = execute(path)
        if not options.dry_run:
            store(path, notebook)
        print(f"{path.relative_to(ROOT).as_posix()}: {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
