"""The frozen network beside the fine-tuned one: the head, and the record that chapter 17 reads."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from ravm_course.training import shipped_facts

TOOLS = Path(__file__).resolve().parents[2] / "tools"
if not (TOOLS / "measure_frozen.py").is_file():
    pytest.skip("the tools are not part of an installed package", allow_module_level=True)
sys.path.insert(0, str(TOOLS))
from measure_frozen import ridge_head  # noqa: E402
from towers_tests import TESTS  # noqa: E402
from train_clip import data_hash, pictures_and_names  # noqa: E402


def test_the_head_is_ridge_regression():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(50, 7, generator=generator)
    targets = torch.randn(50, 3, generator=generator) + 2
    weight, bias = ridge_head(features, targets, strength=0.5)
    reference = Ridge(alpha=0.5).fit(features.numpy(), targets.numpy())
    np.testing.assert_allclose(weight.numpy().T, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(bias.numpy(), reference.intercept_, atol=1e-5)


def test_the_record_speaks_of_the_shipped_towers_and_of_every_picture():
    record = shipped_facts("towers-frozen")
    assert record["towers"] == shipped_facts("towers")["fingerprint"]
    assert record["data_sha256"] == data_hash()
    baselines = shipped_facts("towers")["baselines"]
    for name in ("validation", *TESTS):
        pictures = len(pictures_and_names(name, "en")[0])
        for size in ("64", "128"):
            for right in record["sizes"][size][name].values():
                assert len(right) == pictures
                assert set(right) <= {"0", "1"}
        compared = record["sizes"]["128"][name]["compare"].count("1") / pictures
        measured_before = baselines[f"{name}.en@1"]["frozen features"]["recall_at_1"]
        assert abs(compared - measured_before) < 0.005
