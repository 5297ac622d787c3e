"""Every shipped checkpoint says how it was made, and its weights are those it speaks of."""

import json

import pytest
import torch

from ravm_course.data import DataError
from ravm_course.training import load_shipped, save_weights, shipped, shipped_facts
from ravm_course.training.checkpoint import read_tensors

NAMES = sorted(file.stem for file in shipped.FOLDER.glob("*.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_the_record_beside_the_weights_holds_the_one_inside(name):
    tensors, facts = read_tensors(shipped.FOLDER / f"{name}.safetensors")
    assert tensors
    record = shipped_facts(name)  # measurements may have been added since
    assert {key: record.get(key) for key in facts} == facts
    assert {"command", "fingerprint"} <= set(facts)
    if "source" in facts:  # converted, not trained
        assert {"package", "version", "sha256", "licence"} <= set(facts["source"])
    else:
        assert "data_sha256" in facts
        assert {"seed", "seeds"} & set(facts)
    assert " /" not in facts["command"], "a path of the machine that trained it"


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_weights_come_back_ready_for_use(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    torch.manual_seed(0)
    saved = torch.nn.Linear(3, 2).to(dtype)
    save_weights(saved, tmp_path / "line.safetensors", command="python line.py")
    loaded = load_shipped(torch.nn.Linear(3, 2), "line")
    assert torch.equal(loaded.weight, saved.weight.float())
    assert not loaded.training
    assert not loaded.weight.requires_grad
    assert shipped_facts("line")["command"] == "python line.py"
    with pytest.raises(DataError, match=r"line\.safetensors.*do not fit.*git checkout"):
        load_shipped(torch.nn.Linear(2, 2), "line")


def test_cut_and_missing_files_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    save_weights(torch.nn.Linear(3, 2), tmp_path / "line.safetensors", command="python line.py")
    whole = (tmp_path / "line.safetensors").read_bytes()
    for size in (0, 7, 60, len(whole) - 1):
        (tmp_path / "line.safetensors").write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"line\.safetensors.*missing or damaged"):
            load_shipped(torch.nn.Linear(3, 2), "line")
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    (tmp_path / "line.safetensors").write_bytes(flipped)
    with pytest.raises(DataError, match=r"not those that were saved"):
        load_shipped(torch.nn.Linear(3, 2), "line")
    with pytest.raises(DataError, match=r"no checkpoint is called 'circle'.*line"):
        shipped_facts("circle")
    (tmp_path / "line.json").write_text(json.dumps({"a": 1})[:-2], encoding="utf-8")
    with pytest.raises(DataError, match=r"line\.json is not JSON"):
        shipped_facts("line")
