"""The guessing directive: what it reads from a notebook, what it refuses, what the page holds."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from guessing import MIME, GuessingError, read_game

from ravm_course.text import guessing as rules
from ravm_course.text.information import entropy

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "notebooks" / "01_probability.ipynb"
PASSAGE = {
    "title": "Speaker & Co, 1900",
    "shown": "we the ",
    "hidden": "people",
    "guesses": [2, 1, 1, 1, 27, 1],
    "bits": [3.5, 0.1, 0.0, 1.25, 9.5, 0.5],
}
GAME = {"model": "8-gram </script> model", "passages": [PASSAGE]}
PAGE = """# A page

```{guessing}
:label: guessing-99
**Guess** the next letter, after $1 + 1$ others.
```
"""


def notebook(game=GAME, text=PAGE, outputs=1):
    output = {
        "output_type": "display_data",
        "data": {MIME: game, "text/plain": "summary"},
        "metadata": {},
    }
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {"tags": ["remove-output"]},
            "source": "display()",
            "execution_count": 1,
            "outputs": [output] * outputs,
        },
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def test_the_data_are_found_among_the_outputs():
    assert read_game(notebook()) == GAME


def changed(**changes):
    game = copy.deepcopy(GAME)
    game["passages"][0].update(changes)
    return notebook(game)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (notebook(outputs=0), "0 outputs"),
        (notebook(outputs=2), "2 outputs"),
        (notebook({"passages": [PASSAGE]}), "lack the name of the model"),
        (notebook({"model": "m", "passages": []}), "or passages"),
        (changed(title=" "), "passage 1 has no title"),
        (changed(hidden=""), "passage 1 has no hidden"),
        (changed(shown="We the "), "passage 1: shown may hold"),
        (changed(hidden="peopl3"), "passage 1: hidden may hold"),
        (changed(guesses=[1, 1]), "guesses must hold one number from 1 to 27"),
        (changed(guesses=[0, 1, 1, 1, 1, 1]), "each of the 6 hidden symbols"),
        (changed(guesses=[28, 1, 1, 1, 1, 1]), "guesses must hold"),
        (changed(bits=[-0.1, 0, 0, 0, 0, 0]), "bits must hold"),
        (changed(bits=[]), "bits must hold"),
    ],
)
def test_data_that_make_no_game_are_refused(page, message):
    with pytest.raises(GuessingError, match=re.escape(message)):
        read_game(page)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Return a function that builds a book of one page with nothing but this extension."""

    def run(content, name="index.ipynb", builder="html"):
        folder = tmp_path_factory.mktemp("game")
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")
        (folder / "conf.py").write_text(
            f"import sys\nsys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
            "extensions = ['myst_nb', 'guessing']\nnb_execution_mode = 'off'\n"
            "myst_enable_extensions = ['dollarmath']\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", builder]
        done = subprocess.run(
            [*command, str(folder), str(folder / "out")],
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        return folder / "out", done

    return run


@pytest.fixture(scope="module")
def page(build):
    out, done = build(notebook())
    assert done.returncode == 0, done.stderr
    return (out / "index.html").read_text(encoding="utf-8")


def test_the_page_holds_the_game_and_its_data(page):
    game = page.split('<div class="guessing"')[1].split("</script>")
    assert 'id="guessing-99"' in game[0]
    assert 'role="group"' in game[0]
    assert "<strong>Guess</strong>" in game[0]
    assert r"\(1 + 1\)" in game[0]
    data = game[0].split('class="guessing-data">')[1]
    assert json.loads(data) == GAME  # also with "</script>" in a name


def test_without_javascript_it_says_what_is_missing(page):
    assert '<p class="guessing-off">The game needs JavaScript.' in page
    assert "Speaker &amp; Co, 1900" in page
    assert "<button" not in page.split('<div class="guessing"')[1].split("</div>")[0]


@pytest.mark.parametrize("builder", ["text", "gettext", "latex"])
def test_other_builders_print_the_introduction(build, builder):
    out, done = build(notebook(), builder=builder)
    assert done.returncode == 0, done.stderr
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in out.rglob("*")
        if path.suffix in (".txt", ".pot", ".tex")
    )
    assert "the next letter, after" in text


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (notebook(text=PAGE.replace(":label: guessing-99\n", "")), "index.ipynb", "no label"),
        (notebook(outputs=0), "index.ipynb", "0 outputs"),
        (PAGE, "index.md", "must stand in a notebook"),
    ],
)
def test_a_game_that_cannot_be_played_stops_the_build(build, content, name, message):
    _, done = build(content, name)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr


def test_the_style_uses_the_palette_only():
    styles = ROOT / "book" / "_static"
    text = (styles / "guessing.css").read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,6}\b", text)
    course = (styles / "course.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--course-([\w-]+)\)", text))
    assert used <= set(re.findall(r"--course-([\w-]+):", course))


def test_the_script_asks_for_nothing():
    text = (ROOT / "book" / "_static" / "guessing.js").read_text(encoding="utf-8")
    for word in ("fetch", "XMLHttpRequest", "http:", "https:", "localStorage", "innerHTML"):
        assert word not in text, word


def test_the_chapter_holds_a_game_whose_numbers_agree():
    game = read_game(json.loads(CHAPTER.read_text(encoding="utf-8")))
    printed = "".join(
        output.get("text", "")
        for cell in nbformat.read(CHAPTER, as_version=4).cells
        for output in cell.get("outputs", [])
    )
    for passage in game["passages"]:
        guesses, bits = passage["guesses"], passage["bits"]
        lower, upper = rules.bounds(guesses)
        assert upper == pytest.approx(entropy([guesses.count(n) for n in range(1, 28)]), abs=1e-12)
        assert (
            f"{passage['title']}: {len(bits)} symbols, {sum(bits) / len(bits):.2f} bits each, "
            f"bounds {lower:.2f} and {upper:.2f}\n" in printed
        )
