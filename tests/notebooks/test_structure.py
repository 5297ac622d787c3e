"""Every chapter has what the course promises: card, prediction, exercises, quiz, figures.

These tests read the notebooks and run nothing; nbval runs them.
"""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
import measure_chapters  # noqa: E402
import run_chapters  # noqa: E402
from quiz import read_quiz  # noqa: E402

CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = run_chapters.chapters()
TAGS = {
    *("parameters", "nbval-ignore-output", "raises-exception", "slow"),
    *("hide-input", "hide-output", "hide-cell", "remove-cell", "remove-output", "remove-input"),
}
CARD_PARTS = ("**Question.**", "**You will be able to**", "**You need.**", "**Level**")
FENCE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w-]+)\}[ \t]*(?P<argument>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def prose(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def code(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def directives(text: str, name: str) -> list[re.Match[str]]:
    return [found for found in FENCE.finditer(text) if found["name"] == name]


def options(body: str) -> dict[str, str]:
    return dict(re.findall(r"^:([\w-]+):[ \t]*(.*)$", body, re.MULTILINE))


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def test_the_toc_names_exactly_the_chapters_that_exist():
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    named = {item["file"] for part in toc["parts"] for item in part["chapters"]}
    assert {name for name in named if name.startswith("notebooks/")} == {
        f"notebooks/{path.stem}" for path in CHAPTERS
    }


@named(CHAPTERS)
def test_the_card_says_what_a_reader_needs_to_know(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert ":class: chapter-card" in first.source
    for part in CARD_PARTS:
        assert part in first.source, f"the card lacks {part}"
    assert re.search(r"\*\*Level\*\* (introductory|core|advanced)", first.source)
    assert measure_chapters.CARD.search(first.source), "the card has no line of measured times"
    times = re.search(r"Run time\*\* ([\d.]+) s .*Memory\*\* ([\d.]+) GB", first.source)
    assert float(times[1]) > 0, "run python tools/measure_chapters.py"
    assert float(times[1]) <= measure_chapters.BUDGET_SECONDS
    assert 0 < float(times[2]) <= measure_chapters.BUDGET_GB
    objectives = first.source.split("**You will be able to**")[1].split("**You need.**")[0]
    assert objectives.count("\n- ") >= 2


@named(CHAPTERS)
def test_it_asks_for_a_prediction_before_it_answers(path):
    text = prose(read(path))
    assert ":class: predict" in text
    assert text.index(":class: predict") < text.index("{dropdown}")


@named(CHAPTERS)
def test_every_exercise_has_a_solution_that_can_be_unfolded(path):
    text = prose(read(path))
    exercises = [options(found["body"]).get("label") for found in directives(text, "exercise")]
    assert len(exercises) >= 3
    assert None not in exercises, "an exercise has no label"
    assert len(set(exercises)) == len(exercises)
    solved = [
        found["argument"].strip()
        for name in ("solution", "solution-start")
        for found in directives(text, name)
    ]
    assert sorted(solved) == sorted(exercises)
    for name in ("solution", "solution-start"):
        for found in directives(text, name):
            assert options(found["body"]).get("class") == "dropdown"
    assert len(directives(text, "solution-start")) == len(directives(text, "solution-end"))


@named(CHAPTERS)
def test_a_coding_exercise_is_checked_in_place_and_in_its_solution(path):
    number = path.stem[:2]
    calls = re.findall(r"check_\w+\(", code(read(path)))
    assert f"chapter{number}" in code(read(path))
    assert len(calls) >= 2, "expected one call below the stub and one in the solution"


@named(CHAPTERS)
def test_the_quiz_explains_every_option(path):
    quizzes = directives(prose(read(path)), "quiz")
    assert 3 <= len(quizzes) <= 5
    labels = []
    for found in quizzes:
        lines = found["body"].rstrip("\n").split("\n")
        labels.append(options(found["body"])["label"])
        question, choices = read_quiz([line for line in lines if not line.startswith(":")])
        assert question
        assert len(choices) >= 3, f"{labels[-1]} has only {len(choices)} options"
        for choice in choices:
            why = " ".join(choice.why)
            assert len(why.split()) >= 4, f"{labels[-1]}: {choice.text!r} is hardly explained"
    assert len(set(labels)) == len(labels)


@named(CHAPTERS)
def test_claims_are_asserted_and_code_comes_from_the_package(path):
    text = code(read(path))
    assert re.search(r"^from ravm_course|^import ravm_course", text, re.MULTILINE)
    assert len(re.findall(r"\bassert\b|assert_close|assert_allclose", text)) >= 5
    assert "parameters" in {
        tag for cell in read(path).cells for tag in cell.metadata.get("tags", [])
    }


@named(CHAPTERS)
def test_it_ends_with_summary_reading_and_the_next_chapter(path):
    text = prose(read(path))
    headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    assert any("summary" in heading.lower() for heading in headings)
    assert any("reading" in heading.lower() for heading in headings)
    assert "{cite" in text
    assert "{doc}" in text


@named(NOTEBOOKS)
def test_headings_go_down_one_level_at_a_time(path):
    text = FENCE.sub("", prose(read(path)))
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    for above, below in itertools.pairwise(levels):
        assert below <= above + 1


@named(NOTEBOOKS)
def test_every_figure_has_a_caption_a_name_and_alt_text(path):
    names = []
    for number, cell in enumerate(read(path).cells):
        if cell.cell_type != "code":
            continue
        pictures = [out for out in cell.outputs if "image/png" in out.get("data", {})]
        if not pictures or "remove-cell" in cell.metadata.get("tags", []):
            continue
        mystnb = cell.metadata.get("mystnb", {})
        figure, image = mystnb.get("figure", {}), mystnb.get("image", {})
        assert len(pictures) == 1, f"cell {number} has {len(pictures)} pictures"
        assert len(figure.get("caption", "").split()) >= 4, f"cell {number}: caption"
        assert len(image.get("alt", "").split()) >= 5, f"cell {number}: alt text"
        assert re.fullmatch(r"fig-[\w-]+", figure.get("name", "")), f"cell {number}: name"
        names.append(figure["name"])
    assert len(set(names)) == len(names)


@named(NOTEBOOKS)
def test_it_is_stored_with_outputs_that_may_be_published(path):
    notebook = read(path)
    assert run_chapters.faults(notebook) == []
    for number, cell in enumerate(notebook.cells):
        unknown = set(cell.metadata.get("tags", [])) - TAGS
        assert not unknown, f"cell {number} has unknown tags {unknown}"
        if cell.cell_type == "code" and cell.source.strip():
            assert cell.execution_count, f"cell {number} was not executed"
    assert not re.search(r"\bTODO\b|\bFIXME\b|\bXXX\b", prose(notebook) + code(notebook))
    assert path.stat().st_size < 8_000_000


@named(NOTEBOOKS)
def test_it_is_stored_as_the_tool_stores_it(path):
    stored = path.read_text(encoding="utf-8")
    again = nbformat.writes(run_chapters.clean(read(path))).rstrip("\n") + "\n"
    assert stored == again, f"run python tools/run_chapters.py {path.stem[:2]}"
