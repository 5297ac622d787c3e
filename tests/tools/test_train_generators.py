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
