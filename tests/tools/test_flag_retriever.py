"""The tool that measures the flag encoder beside the towers: its folds, and how it counts."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from ravm_course.data.facts import load_country_split, twins_of
from ravm_course.ravlm.flag_qa import flag_images

TOOLS = Path(__file__).resolve().parents[2] / "tools"
TRAIN = load_country_split()["train"]
if not (TOOLS / "measure_flag_retriever.py").is_file():
    pytest.skip("the tools are not part of an installed package", allow_module_level=True)


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    return importlib.import_module("measure_flag_retriever")


def test_folds_divide_the_training_countries_and_keep_twins_together(tool):
    parts = tool.folds(TRAIN)
    assert sorted(country for part in parts for country in part) == sorted(TRAIN)
    assert max(map(len, parts)) - min(map(len, parts)) < 10
    for part in parts:
        for country in part:
            assert set(twins_of(country)) & set(TRAIN) <= set(part)


def test_a_twin_is_counted_apart(tool):
    country = next(c for c in TRAIN if set(twins_of(c)) & set(TRAIN))
    twin = next(c for c in twins_of(country) if c in TRAIN)
    circles = flag_images([country, twin], "emojione")

    def encode(images):  # takes the circle of either for the first country
        known = np.array([any(np.array_equal(i, circle) for circle in circles) for i in images])
        stored = np.array([[1.0, 0.0], [0.6, 0.8]])[: len(images)]
        return np.where(known[:, None], [[1.0, 0.0]], stored)

    right, either, missed = tool.found(encode, [country, twin], [country, twin])
    assert right == [1.0, 0.0]
    assert either == [1.0, 1.0]
    assert len(missed) == 1
