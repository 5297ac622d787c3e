"""Build the site into ``build/site``: pages, search index, checks. A second run does nothing twice.

1. Jupyter Book writes the pages; any warning, also a reference that leads nowhere, is an error.
2. pagefind indexes them (it finds Chinese, which Sphinx's own search does not).
3. Links, alt text, titles and fetches from other hosts are checked (``tools/site_checks.py``).

Only a site that passed all three replaces the one that was there.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build"
INPUTS = ("_config.yml", "book", "notebooks", "ravm_course", "tools/build_site.py")
SUFFIXES = {
    *(".yml", ".md", ".ipynb", ".py", ".bib", ".css", ".js", ".html"),
    *(".svg", ".png", ".woff", ".po", ".json"),
}
PACKAGES = ("jupyter-book", "sphinx", "sphinx-book-theme", "pydata-sphinx-theme", "pagefind")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url=book/index.html">
</head>
<body><p><a href="book/index.html">{title}</a></p></body>
</html>
"""


def inputs_of(root: Path) -> list[Path]:
    """Return every file that the site depends on, in a fixed order."""
    found = []
    for name in INPUTS:
        path = root / name
        inner = [path] if path.is_file() else sorted(path.rglob("*"))
        found += [
            file
            for file in inner
            if file.is_file()
            and file.suffix in SUFFIXES
            and not {"__pycache__", ".ipynb_checkpoints"} & set(file.parts)
            and "ravm_course/data/files" not in file.as_posix()
        ]
    return found


def stamp(root: Path, config: Path, toc: Path) -> str:
    """Return a hash of everything that decides what the site looks like."""
    digest = hashlib.sha256()
    for file in [*inputs_of(root), config, toc]:
        name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for package in PACKAGES:
        digest.update(f"{package} {importlib.metadata.version(package)}\0".encode())
    return digest.hexdigest()


def run(command: list[str], log: Path, root: Path) -> None:
    """Run one step with its output in `log`; on failure show its end and stop."""
    environment = {**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            command, cwd=root, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    if done.returncode:
        lines = ANSI.sub("", log.read_text(encoding="utf-8", errors="replace")).splitlines()
        log.write_text("\n".join(lines) + "\n", encoding="utf-8")
        marked = sorted({line for line in lines if "WARNING" in line or "ERROR" in line})
        print("\n".join(marked[:40] or lines[-30:]), file=sys.stderr)
        raise SystemExit(f"The step failed: {' '.join(command[1:4])} … The whole log: {log}")


def size_of(folder: Path) -> int:
    """Return the size of all files under `folder` in bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def finish_pages(html: Path) -> None:
    """Mend in the written pages what no template decides.

    A search names the glossary before other pages, and the API reference after them; the
    bibliography is no list of list items, so it does not say that it is one.
    """
    changes = {
        '<dt id="term-': '<dt data-pagefind-weight="10" id="term-',
        '<div role="list" class="citation-list">': '<div class="citation-list">',
    }
    reference = {
        '<article class="bd-article"': '<article data-pagefind-weight="0.2" class="bd-article"'
    }
    for path in html.glob("book/**/*.html"):
        text = new = path.read_text(encoding="utf-8")
        for old, better in {**changes, **(reference if path.parent.name == "api" else {})}.items():
            new = new.replace(old, better)
        if new != text:
            path.write_text(new, encoding="utf-8", newline="\n")


def build(root: Path, out: Path, config: Path, toc: Path, force: bool = False) -> Path:
    """Build the site and return the folder that can be served.

    Parameters
    ----------
    root : Path
        The root of the repository, which is also the source folder of the book.
    out : Path
        Where ``site``, its log and its stamp go.
    config, toc : Path
        Jupyter Book's configuration and table of contents.
    force : bool
        Build even if nothing changed.
    """
    site, log, record = out / "site", out / "site.log", out / "site.json"
    now = stamp(root, config, toc)
    if not force and record.is_file() and (site / "index.html").is_file():
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["stamp"] == now:
            print(f"The site is up to date: {site / 'index.html'} ({known['megabytes']} MB)")
            return site
    import site_checks

    out.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    started = time.perf_counter()
    work = out / "_build"
    shutil.rmtree(work, ignore_errors=True)
    print("Writing the pages …", flush=True)
    book = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
    command = [sys.executable, "-c", book, "build", str(root)]
    command += ["--config", str(config), "--toc", str(toc), "--path-output", str(out)]
    run([*command, "-W", "-n", "--keep-going"], log, root)
    html = work / "html"
    (html / "searchindex.js").unlink(missing_ok=True)  # Sphinx's own search is not used
    title = yaml.safe_load(config.read_text(encoding="utf-8"))["title"]
    (html / "index.html").write_text(REDIRECT.format(title=title), encoding="utf-8")
    print("Indexing them for search …", flush=True)
    finish_pages(html)
    command = [sys.executable, "-m", "pagefind", "--site", str(html)]
    command += ["--glob", "{book,notebooks}/**/*.html", "--root-selector", "article.bd-article"]
    command += [
        "--exclude-selectors",
        ".headerlink, .copybtn, .prev-next-area, .math, .viewcode-link",
    ]
    run(command, log, root)
    print("Checking them …", flush=True)
    found = site_checks.problems(html)
    if found:
        print("\n".join(found[:60]), file=sys.stderr)
        raise SystemExit(f"The site has {len(found)} problem(s); the site before was kept.")
    old = out / "site.old"
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        site.rename(old)
    shutil.copytree(html, site)
    shutil.rmtree(old, ignore_errors=True)
    megabytes = round(size_of(site) / 1e6, 1)
    pages = len(site_checks.course_pages(site_checks.read_pages(site)))
    seconds = round(time.perf_counter() - started)
    facts = {"stamp": now, "megabytes": megabytes, "pages": pages, "seconds": seconds}
    record.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"{pages} pages, {megabytes} MB, built in {seconds} s: {site / 'index.html'}")
    return site


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="where to build (default: build)")
    parser.add_argument("--config", type=Path, default=ROOT / "_config.yml")
    parser.add_argument("--toc", type=Path, default=ROOT / "book" / "_toc.yml")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    options = parser.parse_args()
    build(ROOT, options.out.resolve(), options.config, options.toc, options.force)


if __name__ == "__main__":
    main()
