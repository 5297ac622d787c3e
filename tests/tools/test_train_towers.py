"""The record of the towers' other seeds, which the page of models reads."""

import sys
from pathlib import Path

import pytest

from ravm_course.training import shipped_facts

TOOLS = Path(__file__).resolve().parents[2] / "tools"
if not (TOOLS / "train_towers.py").is_file():
    pytest.skip("the tools are not part of an installed package", allow_module_level=True)
sys.path.insert(0, str(TOOLS))
from towers_tests import TESTS  # noqa: E402
from train_clip import data_hash  # noqa: E402
from train_towers import baselines, parse, run_folder  # noqa: E402


def test_the_other_seeds_saw_the_same_data_and_the_same_tests():
    shipped, record = shipped_facts("towers"), shipped_facts("towers-seeds")
    assert set(record["seeds"]) == {"1", "2"}
    assert str(shipped["seed"]) not in record["seeds"]
    fingerprints = {shipped["fingerprint"], *(r["fingerprint"] for r in record["seeds"].values())}
    assert len(fingerprints) == 3, "every seed makes other weights"
    for run in record["seeds"].values():
        assert run["data_sha256"] == shipped["data_sha256"] == data_hash()
        for name in ("validation", *TESTS):
            for tongue in ("en", "zh"):
                found = run["metrics"][f"{name}.{tongue}"]
                assert found["n"] == shipped["metrics"][f"{name}.{tongue}"]["n"]
                beside = run["baselines"][f"{name}.{tongue}@1"]
                assert beside["towers"] == pytest.approx(found["recall_at_1"], abs=1e-3)
                best = max(beside[kind]["recall_at_1"] for kind in ("pixels", "frozen features"))
                assert beside["ratio"] == pytest.approx(beside["towers"] / best, abs=0.02)


def test_baselines_that_were_measured_are_not_measured_again(tmp_path):
    (tmp_path / "baselines.json").write_text('{"stamps.en@1": {"ratio": 1.2}}')
    assert baselines(tmp_path) == {"stamps.en@1": {"ratio": 1.2}}


def test_a_run_is_found_again_by_its_settings_alone():
    plain = run_folder(parse([]), seed=1)
    assert plain == run_folder(parse(["--seeds", "1", "2", "--record", "seeds.json"]), seed=1)
    assert plain == run_folder(parse(["--threads", "2", "--output", "trial.safetensors"]), seed=1)
    assert plain != run_folder(parse(["--steps", "20"]), seed=1)
    assert plain != run_folder(parse([]), seed=2)
