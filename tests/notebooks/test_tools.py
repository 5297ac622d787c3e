"""The tools that run and measure chapters: what they strip, refuse, and write."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import measure_chapters  # noqa: E402
import run_chapters  # noqa: E402

CARD = "# T\n\n**Level** core · **Reading time** 0 min · **Run time** 0 s · **Memory** 0 GB\n"


def notebook(*outputs, source="print(1)"):
    cell = new_code_cell(source, outputs=list(outputs), execution_count=7)
    cell.metadata["execution"] = {"iopub.execute_input": "2020-01-01T00:00:00Z"}
    return new_notebook(cells=[new_markdown_cell(CARD), cell])


def test_two_runs_are_stored_alike():
    first, second = notebook(), notebook()
    second.cells[1].metadata["execution"] = {"iopub.execute_input": "2021-01-01T00:00:00Z"}
    second.metadata["language_info"] = {"name": "python", "version": "3.13.1"}
    assert nbformat.writes(run_chapters.clean(first)) == nbformat.writes(run_chapters.clean(second))


def test_cleaning_twice_changes_nothing():
    once = nbformat.writes(run_chapters.clean(notebook()))
    assert nbformat.writes(run_chapters.clean(nbformat.reads(once, as_version=4))) == once


def test_equal_cells_get_different_ids():
    cells = [new_code_cell("x"), new_code_cell("x"), new_markdown_cell("x")]
    cleaned = run_chapters.clean(new_notebook(cells=cells))
    assert len({cell.id for cell in cleaned.cells}) == 3
    nbformat.validate(cleaned)


def test_a_stream_in_pieces_becomes_one():
    pieces = [new_output("stream", name="stdout", text=text) for text in ("a\n", "b\n")]
    assert run_chapters.clean(notebook(*pieces)).cells[1].outputs[0].text == "a\nb\n"


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (new_output("error", ename="ValueError", evalue="no", traceback=[]), "ValueError"),
        (new_output("stream", name="stderr", text="Warning: old"), "stderr"),
        (new_output("stream", name="stdout", text="saved /home/ann/x.png"), "/home/ann"),
        (new_output("stream", name="stdout", text="C:\\Users\\ann"), "path"),
        (
            new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}}),
            "widget",
        ),
    ],
)
def test_what_must_not_be_published_is_named(output, word):
    (fault,) = run_chapters.faults(notebook(output))
    assert word in fault
    assert "cell 1 (print(1))" in fault


def test_ordinary_outputs_pass():
    out = new_output("execute_result", data={"text/plain": "a/b and 1/2 of /s/"}, execution_count=1)
    assert run_chapters.faults(notebook(out)) == []


def test_a_chapter_that_does_not_exist_is_refused_with_what_there_is():
    with pytest.raises(SystemExit, match="No chapter matches '99'"):
        run_chapters.chapters(["99"])


def test_a_failing_chapter_is_not_changed(tmp_path):
    path = tmp_path / "01_bad.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        run_chapters.execute(path)
    assert path.read_bytes() == before


def test_a_chapter_is_executed_quietly_in_its_folder(tmp_path):
    path = tmp_path / "01_good.ipynb"
    source = "import os, pathlib\nprint(os.environ['RAVM_COURSE_QUIET'], pathlib.Path.cwd().name)"
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)
    run_chapters.store(path, run_chapters.execute(path))
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[0].outputs[0].text == f"1 {tmp_path.name}\n"


def test_the_card_is_filled_and_filled_again():
    book = notebook()
    facts = {"reading": 25, "seconds": 41.2, "gigabytes": 0.83}
    assert measure_chapters.fill_card(book, facts)
    assert "**Reading time** 25 min · **Run time** 42 s · **Memory** 0.9 GB" in book.cells[0].source
    assert measure_chapters.fill_card(book, facts | {"seconds": 10})
    assert "**Run time** 10 s" in book.cells[0].source


def test_reading_time_counts_words_and_lines():
    text = new_notebook(cells=[new_markdown_cell("word " * 1000), new_code_cell("x = 1\n" * 51)])
    assert measure_chapters.reading_minutes(text) == 15  # 5 min of words and 5.1 of code
    assert measure_chapters.reading_minutes(new_notebook(cells=[new_markdown_cell("困惑")])) == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (1234.5678, "1,235"),
        (12.3456, "12.35"),
        (49.7, "49.7"),
        (0.93, "0.93"),
        (3.1e-8, "3.10e-08"),
        (500000, "500,000"),
        (True, "yes"),
        (None, "–"),
        (0.0, "0"),
        ("a|b", "a\\|b"),
    ],
)
def test_values_are_shown_with_at_most_four_digits(value, text):
    assert measure_chapters.show(value) == text


def test_benchmark_results_of_any_shape_become_tables(tmp_path):
    rows = {
        "fit": {"tokens a second": 512345.6, "megabytes": 300},
        "score": {"tokens a second": 1e6, "megabytes": 1},
    }
    for name, results in {
        "rows": rows,
        "list": [{"index": "flat", "ms": {"ours": 0.58}}],
        "facts": {"speed": 2.5},
        "mixed": {"speed": 2.5, "rows": rows, "many": [{"a": 1}]},
    }.items():
        record = {"command": "python x.py", "machine": {"cores": 2}, "results": results}
        (tmp_path / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    text = "\n".join(measure_chapters.benchmark_sections(tmp_path))
    assert "| fit | 512,346 | 300 |" in text
    assert "| index | ms ours |" in text
    assert "| flat | 0.58" in text
    assert "| speed | 2.5" in text
    assert text.count("Measured on: cores 2.") == 4


def test_long_lists_stay_in_the_file(tmp_path):
    results = {
        "rows": [{"name": "a", "bits": list(range(46)), "test": 1.25}],
        "curves": {"one": [[1, 2.0]], "two": [[3, 4.0]]},
        "seeds": list(range(8)),
        "bytes": list(range(9)),
    }
    record = {"command": "python race.py", "machine": {"cores": 2}, "results": results}
    (tmp_path / "race.json").write_text(json.dumps(record), encoding="utf-8")
    text = "\n".join(measure_chapters.benchmark_sections(tmp_path))
    assert "### The race of Part I" in text
    assert "| name | test |\n|:---|---:|\n| a | 1.25 |" in text
    assert "0, 1, 2, 3, 4, 5, 6, 7" in text
    for gone in ("7, 8", "Curves", "bits", "Bytes"):
        assert gone not in text


def test_records_of_trainings_are_left_out(tmp_path):
    record = {"command": "python tools/train_x.py", "results": {"share": 0.5}}
    (tmp_path / "x.json").write_text(json.dumps(record), encoding="utf-8")
    assert measure_chapters.benchmark_sections(tmp_path) == []
