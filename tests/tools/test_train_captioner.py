"""The training of the captioners runs, resumes, and records what the chapter reads."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import train_captioner

from ravm_course.ravlm.caption_ladder import STEPS


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captioner")
    options = ["--tasks", "flags", "--ways", "pointer", "none", "--seeds", "0"]
    options += ["--work", str(folder / "work"), "--output", str(folder / "record.json")]
    train_captioner.main([*options, "--steps", "2"])
    return folder, options


def test_the_record_has_every_text_of_every_run(trial):
    record = json.loads((trial[0] / "record.json").read_text("utf-8"))["flags"]
    assert set(record["runs"]) == {"pointer_0", "none_0"}
    for run in record["runs"].values():
        assert run["steps"] == 2
        assert set(run["test"]) == {*STEPS, "added"}
        assert all(len(texts) == len(record["test"]) for texts in run["test"].values())
        assert set(run["validation"]) == {"openmoji", "twemoji"}
    none = record["runs"]["none_0"]["test"]
    assert all(texts == none["none"] for texts in none.values()), "it reads nothing"


def test_what_is_done_is_not_done_again(trial):
    folder, options = trial
    first = json.loads((folder / "record.json").read_text("utf-8"))["flags"]["runs"]
    train_captioner.main([*options, "--done"])
    again = json.loads((folder / "record.json").read_text("utf-8"))["flags"]["runs"]
    assert again == first
