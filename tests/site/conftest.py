"""The built site, once a session, and a book small enough to build in a test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
collect_ignore = ["conftest.py"]  # or the search for doctests imports it a second time
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]

PAGE = """# A small page

Text with {term}`perplexity`.

```{glossary}
perplexity
困惑度
  A measure.
```

````{quiz}
:label: quiz-99-1
What is $1 + 1$, in *plain* numbers?
- [ ] `3`
  That is one more than {term}`perplexity` allows.
- [x] $2$
  By definition.

  ```python
  print(1 + 1)
  ```
````
"""
NOTEBOOK = """{"cells": [{"cell_type": "markdown", "id": "a", "metadata": {},
"source": "# A chapter\\n\\nText."}], "metadata": {"kernelspec": {"display_name": "Python 3",
"language": "python", "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
"""


@pytest.fixture(scope="session")
def site() -> Path:
    """Build the site if it is not up to date, and return its folder."""
    import build_site

    return build_site.build(ROOT, ROOT / "build", ROOT / "_config.yml", ROOT / "book" / "_toc.yml")


@pytest.fixture(scope="session")
def small_book(tmp_path_factory):
    """Return a function that builds a book of two pages with the course's own configuration."""

    def build(change: dict | None = None, builder: str | None = None, page: str = PAGE):
        folder = tmp_path_factory.mktemp("book")
        for name in ("_ext", "_templates", "_static", "references.bib"):
            source = ROOT / "book" / name
            target = folder / "book" / name
            if source.is_dir():
                skip = shutil.ignore_patterns("vendor", "__pycache__")
                shutil.copytree(source, target, ignore=skip)
            else:
                target.parent.mkdir(exist_ok=True)
                shutil.copy(source, target)
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        for key, value in (change or {}).items():
            config[key] = {**config[key], **value}
        config["sphinx"]["extra_extensions"].remove("sphinx.ext.viewcode")
        (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (folder / "_toc.yml").write_text(
            "format: jb-book\nroot: book/index\nchapters:\n- file: notebooks/99_small\n"
            "- file: book/appendix/glossary\n",
            encoding="utf-8",
        )
        (folder / "notebooks").mkdir()
        (folder / "book" / "appendix").mkdir()
        (folder / "book" / "index.md").write_text(page, encoding="utf-8")
        (folder / "book" / "appendix" / "glossary.md").write_text("# Glossary\n\nText.\n")
        (folder / "notebooks" / "99_small.ipynb").write_text(NOTEBOOK, encoding="utf-8")
        main = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
        command = [sys.executable, "-c", main, "build", str(folder), "-W", "-n"]
        command += ["--config", str(folder / "_config.yml"), "--toc", str(folder / "_toc.yml")]
        if builder:
            command += ["--builder", "custom", "--custom-builder", builder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
        return folder / "_build" / (builder or "html"), done

    return build
