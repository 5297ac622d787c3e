"""Vectors side by side: their inner products are weighted means of cosines."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.data.facts import load_country_split
from ravm_course.ravlm.side_by_side import side_by_side


def unit(seed, dim):
    table = np.random.default_rng(seed).normal(size=(5, dim))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return lambda images: table[: len(images)]


@given(st.integers(0, 1000), st.floats(0, 10))
def test_inner_products_are_weighted_means(seed, weight):
    first, second, images = unit(seed, 4), unit(seed + 1, 7), np.zeros((5, 2, 2, 3), np.uint8)
    vectors = side_by_side(first, second, weight)(images)
    a, b = first(images), second(images)
    expected = (a @ a.T + weight * b @ b.T) / (1 + weight)
    assert vectors.shape == (5, 11)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-5)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="weight is -1"):
        side_by_side(unit(0, 2), unit(1, 2), -1)


def test_the_record_chose_without_the_test():
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "flag_retriever.json"
    if not file.is_file():
        pytest.skip("benchmarks are not part of an installed package")
    record = json.loads(file.read_text(encoding="utf-8"))
    chosen = max(record["chosen_by"], key=lambda w: record["chosen_by"][w])
    assert float(chosen) == record["weight"]
    assert len(record["seeds"]) >= 5
    for name in ("alone", "beside the towers"):
        right = np.array(record["test"][name]["right"])
        either = np.array(record["test"][name]["right or twin"])
        assert right.shape == (len(record["seeds"]), len(load_country_split()["test"]))
        assert (either >= right).all()
