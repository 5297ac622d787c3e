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
    moved = {f"real, picture moved by {turn}" for turn in train_captioner.TURNS}
    controls = {"pointer_0": {*moved, "oracle, nearness of the neighbour"}, "none_0": set()}
    for name, run in record["runs"].items():
        assert run["steps"] == 2
        assert set(run["test"]) == {*STEPS, "added", *controls[name]}
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


def test_a_run_is_added_and_what_the_record_has_besides_stays(trial):
    folder, options = trial
    record = json.loads((folder / "record.json").read_text("utf-8"))
    runs = record["flags"]["runs"]
    kept = {"pointer_0": runs["pointer_0"], "none_0": "another run", "prompt_7": "a third"}
    other = record | {"flags": record["flags"] | {"runs": kept}, "names": "other task"}
    (folder / "record.json").write_text(json.dumps(other), "utf-8")
    train_captioner.main([*options, "--done", "--add"])
    after = json.loads((folder / "record.json").read_text("utf-8"))
    assert after["flags"]["runs"] == kept | runs
    assert after["names"] == "other task"

    (folder / "record.json").write_text(json.dumps(other | {"data_sha256": "others"}), "utf-8")
    with pytest.raises(ValueError, match="other data"):
        train_captioner.main([*options, "--done", "--add"])
