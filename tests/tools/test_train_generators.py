"""The tool that trains the generators of chapter 24, for two steps on random vectors."""

import base64
import importlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ravm_course.data import load_emoji

TOOLS = Path(__file__).resolve().parents[2] / "tools"
if not (TOOLS / "train_generators.py").is_file():
    pytest.skip("the tools are not part of an installed package", allow_module_level=True)


@pytest.mark.slow
def test_writes_a_whole_record_that_names_no_path(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    tool = importlib.import_module("train_generators")
    emoji, rng = load_emoji(), np.random.default_rng(0)
    units = {}
    for key, count in (("z", len(emoji)), ("w", len(emoji.concepts))):
        rows = rng.normal(size=(count, 256)).astype(np.float32)
        units[key] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.savez(tmp_path / "vectors.npz", **units)
    output = tmp_path / "record.json"
    files = ["--vectors", str(tmp_path / "vectors.npz"), "--output", str(output)]
    tool.main(["--seeds", "3", "--steps", "2", "--batch", "4", *files])
    text = output.read_text(encoding="utf-8")
    record = json.loads(text)
    assert str(tmp_path) not in text
    assert record["command"] == "python tools/train_generators.py --steps 2"
    assert [run["neighbours"] for run in record["runs"]] == ["with", "none"]
    for name in ("held", "new"):
        results = record["results"][name]
        assert np.allclose(results["truth"]["truth"], 1)
        assert np.allclose(results["copy"]["shown"], 1)
        assert np.mean(results["truth"]["hand"]) > 0.8 > 0.1 > np.mean(results["copy"]["hand"])
        picture = Image.open(io.BytesIO(base64.b64decode(record["sheets"][name]["png"])))
        assert picture.size == (16 * len(record["sheets"][name]["rows"]), 16 * 5)


def record_of(seed, share, **changed):
    """Return a record of one seed with two drawings in one test."""
    verdict = {"both": [share, 1.0], "truth": [0.5, share], "both_by_seed": [(share + 1) / 2]}
    return {
        "command": "whatever",
        "options": {"seeds": [seed], "steps": 7} | changed,
        "towers": "abc",
        "rows": {"new": [1, 2]},
        "runs": [{"seed": seed}],
        "results": {"new": {"named": verdict}},
    }


def test_records_of_single_seeds_join_into_their_means(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    tool = importlib.import_module("train_generators")
    joined = tool.merge([record_of(3, 0.0), record_of(5, 1.0)])
    assert joined["command"] == "python tools/train_generators.py --steps 7 --seeds 3 5"
    assert joined["options"] == {"seeds": [3, 5], "steps": 7}
    assert joined["runs"] == [{"seed": 3}, {"seed": 5}]
    found = joined["results"]["new"]["named"]
    assert found == {"both": [0.5, 1.0], "truth": [0.5, 0.5], "both_by_seed": [0.5, 1.0]}


@pytest.mark.parametrize(
    "records",
    [
        [record_of(3, 0.0), record_of(3, 1.0)],
        [record_of(3, 0.0), record_of(4, 1.0, steps=8)],
        [record_of(3, 0.0), record_of(4, 1.0) | {"towers": "abd"}],
        [record_of(3, 0.0), record_of(4, 1.0) | {"rows": {"new": [1, 3]}}],
        [record_of(3, 0.0, seeds=[1, 2])],
    ],
    ids=["a seed twice", "steps", "towers", "rows", "two seeds in one"],
)
def test_records_that_differ_in_more_than_the_seed_are_not_joined(records, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    tool = importlib.import_module("train_generators")
    with pytest.raises(SystemExit, match="one seed each"):
        tool.merge(records)
