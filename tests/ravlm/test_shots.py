"""Stores of few pictures: how many of each class, and that larger draws contain smaller ones."""

import itertools

import numpy as np
import pytest

from ravm_course.ravlm.shots import draw_shots, zipf_shots

LABELS = np.array([3, 0, 0, 2, 0, 3, 3, 3, 0, 2])


@pytest.mark.parametrize("shots", [0, 1, 2, 3, 9])
def test_each_class_gives_what_was_asked_or_all_it_has(shots):
    rows = draw_shots(LABELS, shots, seed=1)
    assert (np.diff(rows) > 0).all()
    counts = np.bincount(LABELS[rows], minlength=4)
    np.testing.assert_array_equal(counts, np.minimum(np.bincount(LABELS), shots))


def test_one_number_for_each_class():
    rows = draw_shots(LABELS, [2, 5, 0, 3], seed=1)
    assert np.bincount(LABELS[rows], minlength=4).tolist() == [2, 0, 0, 3]


def test_larger_draws_contain_smaller_ones_and_seeds_differ():
    draws = [set(draw_shots(LABELS, n, seed=5).tolist()) for n in range(5)]
    assert all(small < large for small, large in itertools.pairwise(draws))
    assert len({tuple(draw_shots(LABELS, 1, seed=seed)) for seed in range(30)}) > 5


def test_every_picture_of_a_class_is_as_likely():
    first = [draw_shots(LABELS, [1, 0, 0, 0], seed=seed)[0] for seed in range(2000)]
    counts = np.bincount(first, minlength=len(LABELS))[LABELS == 0]
    assert (abs(counts - 500) < 100).all()


def test_zipf():
    shots = zipf_shots(100, 16, seed=0)
    assert sorted(shots.tolist(), reverse=True)[:6] == [16, 8, 5, 4, 3, 2]
    assert shots.min() == 1
    assert (shots == 1).sum() == 100 - 8
    assert not np.array_equal(shots, zipf_shots(100, 16, seed=1))
    assert (zipf_shots(7, 3, exponent=0, seed=0) == 3).all()


def test_errors():
    with pytest.raises(ValueError, match="expected integers"):
        draw_shots(["cat"], 1, seed=0)
    with pytest.raises(ValueError, match="expected integers"):
        draw_shots([-1], 1, seed=0)
    with pytest.raises(ValueError, match="shots are -1"):
        draw_shots(LABELS, -1, seed=0)
    with pytest.raises(ValueError, match=r"shots are 1\.5"):
        draw_shots(LABELS, 1.5, seed=0)
    with pytest.raises(ValueError, match="3 numbers of shots for 4 classes"):
        draw_shots(LABELS, [1, 1, 1], seed=0)
    with pytest.raises(ValueError, match="most 0"):
        zipf_shots(3, 0, seed=0)
