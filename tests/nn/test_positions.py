"""Positions: the formula of the paper, and distances only for turned vectors."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.nn import Rotary, sinusoidal


@given(position=st.integers(0, 30), pair=st.integers(0, 3))
def test_sinusoidal_is_the_formula_of_the_paper(position, pair):
    angle = position / 10_000 ** (2 * pair / 8)
    row = sinusoidal(31, 8)[position]
    assert row[2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-5)
    assert row[2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


@given(first=st.integers(0, 20), second=st.integers(0, 20), shift=st.integers(0, 40))
def test_inner_products_of_turned_vectors_depend_on_the_distance_alone(first, second, shift):
    turn = Rotary(6, context=64)
    q, k = torch.randn(1, 6), torch.randn(1, 6)
    near = turn(q, first) @ turn(k, second).T
    far = turn(q, first + shift) @ turn(k, second + shift).T
    torch.testing.assert_close(near, far, rtol=1e-4, atol=1e-5)


def test_turning_keeps_lengths():
    x = torch.randn(2, 10, 6)
    torch.testing.assert_close(Rotary(6, 10)(x).norm(dim=2), x.norm(dim=2))


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="channels is 3, expected an even number"):
        sinusoidal(2, 3)
    with pytest.raises(ValueError, match="width is 3, expected an even number"):
        Rotary(3, 8)
    with pytest.raises(ValueError, match="position 8 lies beyond the context of 8"):
        Rotary(4, 8)(torch.zeros(1, 2, 4), start=7)
