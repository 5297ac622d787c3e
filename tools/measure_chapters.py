"""Measure every chapter, and write what readers are told about times from what was measured.

Each chapter runs in a process of its own; wall time and the peak memory of the process and its
kernel are recorded. Then the last line of each chapter's card and the page of measured times are
written. Reading time is 200 words and 10 lines of code a minute.

``python tools/measure_chapters.py`` measures all; ``--page-only`` writes cards and page from what
was measured before, for instance after new benchmark results.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import run_chapters

ROOT = run_chapters.ROOT
DATA = ROOT / "book" / "appendix" / "times.json"
PAGE = ROOT / "book" / "appendix" / "times.md"
RESULTS = ROOT / "benchmarks" / "results"
TITLES = {
    "answering": "From picture to answer",
    "gpt": "GPT",
    "hmm": "Hidden Markov models",
    "million": "A million vectors",
    "ngram": "n-gram models",
    "positions": "Kinds of positions",
    "race": "The race of Part I",
    "recurrent": "Recurrent layers",
    "retrieval": "Exact search",
    "scaling": "Reading and encoding pictures",
    "speedrun": "A neural model in a minute",
    "tokenizer": "Byte-pair encoding",
    "vlm": "Two towers",
}
BUDGET_SECONDS, BUDGET_GB = 90, 2.0
LONGEST_LIST = 8
CARD = re.compile(
    r"\*\*Reading time\*\* [\d.]+ min · \*\*Run time\*\* [\d.]+ s · \*\*Memory\*\* [\d.]+ GB"
)
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 10


def reading_minutes(notebook: nbformat.NotebookNode) -> int:
    """Return how long a chapter takes to read, rounded up to five minutes.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    int
        Minutes: words of the text at 200 a minute, lines of code at 10 a minute.
    """
    words = lines = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            words += len(re.findall(r"[A-Za-z][\w'’-]*|[\u4e00-\u9fff]", cell.source))
        elif cell.cell_type == "code":
            lines += sum(bool(line.strip()) for line in cell.source.splitlines())
    return 5 * math.ceil((words / WORDS_A_MINUTE + lines / LINES_A_MINUTE) / 5)


def measure(path: Path) -> dict[str, float]:
    """Run one chapter in a process of its own, storing nothing.

    Parameters
    ----------
    path : Path
        The notebook.

    Returns
    -------
    dict
        ``seconds`` of wall time with the start of the kernel, and ``gigabytes``, the largest sum of
        resident memory of the process and its children, looked at ten times a second.
    """
    import psutil

    command = [sys.executable, str(ROOT / "tools" / "run_chapters.py"), path.stem, "--dry-run"]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    watched = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        total = 0
        try:
            for part in watched.children(recursive=True):
                total += part.memory_info().rss
        except psutil.Error:
            pass
        peak = max(peak, total)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{path.name} did not run; see above. Nothing was written.")
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "gigabytes": round(peak / 1e9, 2),
    }


def fill_card(notebook: nbformat.NotebookNode, facts: dict[str, float]) -> bool:
    """Write the measured figures into the card; return whether the chapter has one."""
    line = (
        f"**Reading time** {facts['reading']:.0f} min · "
        f"**Run time** {math.ceil(facts['seconds'])} s · "
        f"**Memory** {math.ceil(facts['gigabytes'] * 10) / 10:.1f} GB"
    )
    first = notebook.cells[0]
    first.source, found = CARD.subn(line, first.source, count=1)
    return bool(found)


def table(rows: list[dict[str, object]]) -> list[str]:
    r"""Return a Markdown table of `rows`, whose keys are the columns in the order of the first.

    Examples
    --------
    >>> print("\n".join(table([{"a": 1, "b": "x"}])))
    | a | b |
    |---:|:---|
    | 1 | x |
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    numeric = [isinstance(rows[0].get(column), int | float) for column in columns]
    lines = ["| " + " | ".join(str(column).replace("_", " ") for column in columns) + " |"]
    lines.append("|" + "|".join("---:" if right else ":---" for right in numeric) + "|")
    for row in rows:
        cells = [show(row.get(column, "")) for column in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def show(value: object) -> str:
    """Return `value` as a table shows it: at most four digits, thousands set apart."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float) and math.isfinite(value):
        if value and (abs(value) < 1e-3 or abs(value) >= 1e9):
            return f"{value:.2e}"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(show(part) for part in value)
    return str(value).replace("|", "\\|")


def benchmark_sections(folder: Path) -> list[str]:
    """Return one section for each result file: title, command, figures, machine.

    A result file holds ``command``, ``machine`` and ``results``; others, such as the record of a
    training, are left out. ``title`` and ``note`` are shown if they are there. Results that are a
    list of objects, or objects with the same keys under several names, become a table with one row
    each; anything else becomes a list of facts. Long lists, such as what each speech cost, stay in
    the file.
    """
    lines = []
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if "machine" not in record:
            continue
        title = record.get("title", TITLES.get(path.stem, path.stem.replace("_", " ")))
        lines += [f"### {title[:1].upper()}{title[1:]}", ""]
        if record.get("note"):
            lines += [str(record["note"]), ""]
        if record.get("command"):
            lines += ["```sh", str(record["command"]), "```", ""]
        lines += figures(without_long_lists(record.get("results", {})))
        parts = [f"{key.replace('_', ' ')} {value}" for key, value in flat(record["machine"])]
        lines += [f"Measured on: {', '.join(parts)}.", ""]
    return lines


def without_long_lists(results: object) -> object:
    """Return results without the lists that no reader would read on a page.

    A list of objects is a table and stays; of plain values eight may stay, of lists none. What is
    empty without them goes too.

    Examples
    --------
    >>> without_long_lists({"bits": list(range(46)), "seeds": [0, 1], "curves": {"a": [[1, 2]]}})
    {'seeds': [0, 1]}
    """
    if isinstance(results, dict):
        shorter = {key: without_long_lists(value) for key, value in results.items()}
        return {key: value for key, value in shorter.items() if value not in ({}, [])}
    if not isinstance(results, list) or not results:
        return results
    if isinstance(results[0], dict):
        return [without_long_lists(row) for row in results]
    return [] if isinstance(results[0], list) or len(results) > LONGEST_LIST else results


def figures(results: object) -> list[str]:
    """Return results as one or more Markdown tables."""
    if isinstance(results, list) and results and all(isinstance(row, dict) for row in results):
        return [*table([dict(flat(row)) for row in results]), ""]
    if not isinstance(results, dict):
        return [show(results), ""] if results else []
    plain = {key: value for key, value in results.items() if not isinstance(value, dict | list)}
    nested = {key: value for key, value in results.items() if key not in plain}
    lines = facts_lines(plain)
    inner = list(nested.values())
    alike = all(isinstance(value, dict) and value.keys() == inner[0].keys() for value in inner)
    leaves = alike and all(
        not isinstance(leaf, dict | list) for value in inner for leaf in value.values()
    )
    if inner and leaves:
        return [*lines, *table([{"": key, **value} for key, value in nested.items()]), ""]
    for key, value in nested.items():
        words = key.replace("_", " ")
        lines += [f"**{words[:1].upper()}{words[1:]}**", "", *figures(value)]
    return lines


def flat(facts: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    """Return the leaves of nested facts with joined names."""
    found: list[tuple[str, object]] = []
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found += flat(value, f"{name} ")
        else:
            found.append((name, value))
    return found


def facts_lines(facts: dict[str, object]) -> list[str]:
    """Return a two-column table of facts, or nothing."""
    rows = [{"what": key.replace("_", " "), "measured": show(value)} for key, value in flat(facts)]
    return [*table(rows), ""] if rows else []


def write_page(facts: dict[str, dict[str, float]]) -> None:
    """Write the page of measured times."""
    cores = facts.get("machine", {}).get("cores", 0)
    lines = [
        "# Measured times and benchmarks",
        "",
        "Nothing on this page is typed by hand: `python tools/measure_chapters.py` ran each "
        "chapter in a process of its own and wrote the table, and the chapters' cards with it.",
        "",
        "## Chapters",
        "",
    ]
    rows = [
        {
            "chapter": f"{{doc}}`/{name}`",
            "reading, min": round(row["reading"]),
            "run, s": row["seconds"],
            "peak memory, GB": row["gigabytes"],
            "code cells": row["cells"],
        }
        for name, row in facts.get("chapters", {}).items()
    ]
    if rows:
        lines += [*table(rows), ""]
        lines += [
            f"Measured on {cores} cores, with the start of the kernel. The budget of a chapter is "
            f"{BUDGET_SECONDS} s and {BUDGET_GB:.0f} GB. Reading time counts {WORDS_A_MINUTE} "
            f"words and {LINES_A_MINUTE} lines of code a minute, without the exercises.",
            "",
        ]
    else:
        lines += ["No chapter was measured yet.", ""]
    sections = benchmark_sections(RESULTS)
    if sections:
        lines += [
            "## Benchmarks",
            "",
            "Speed and memory of this package, beside well-known libraries on the same data "
            "in the same run where there are any. `make bench` runs them all.",
            "",
            *sections,
        ]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8", newline="\n")


def main() -> None:
    """Read the command line, measure, and write cards and page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", help="numbers or parts of names; all without")
    parser.add_argument(
        "--page-only", action="store_true", help="run nothing, write cards and page"
    )
    options = parser.parse_args()
    facts = json.loads(DATA.read_text(encoding="utf-8")) if DATA.is_file() else {}
    known = facts.setdefault("chapters", {})
    paths = run_chapters.chapters(options.names)
    over = []
    for path in paths:
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        if not options.page_only:
            known[name] = measure(path)
        if name not in known:
            continue
        notebook = nbformat.read(path, as_version=4)
        known[name]["reading"] = reading_minutes(notebook)
        known[name]["cells"] = sum(cell.cell_type == "code" for cell in notebook.cells)
        before = notebook.cells[0].source
        if fill_card(notebook, known[name]) and notebook.cells[0].source != before:
            run_chapters.store(path, run_chapters.clean(notebook))
        row = known[name]
        print(f"{name}: {row['seconds']} s, {row['gigabytes']} GB, {row['reading']} min to read")
        if row["seconds"] > BUDGET_SECONDS or row["gigabytes"] > BUDGET_GB:
            over.append(name)
    if not options.page_only:
        seen = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
        facts["machine"] = {"cores": len(seen) or os.cpu_count()}
    present = {
        path.relative_to(ROOT).with_suffix("").as_posix() for path in run_chapters.chapters()
    }
    facts["chapters"] = {name: known[name] for name in sorted(known) if name in present}
    DATA.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8", newline="\n")
    write_page(facts)
    print(f"Wrote {PAGE.relative_to(ROOT).as_posix()}.")
    if over:
        raise SystemExit(f"Over the budget of {BUDGET_SECONDS} s and {BUDGET_GB} GB: {over}")


if __name__ == "__main__":
    main()
