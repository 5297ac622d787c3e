"""The checks must accept what is right in any guise, and nothing else."""

import math

import numpy as np
import pytest
import torch

from ravm_course.checks.compare import CheckFailed, check, check_value, difference

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (1, 1.0),
        (np.float32(0.1), 0.1),
        (torch.tensor(2), 2),
        (np.array(3.0), 3),
        (0.1 + 0.2, 0.3),
        (1e12 + 1, 1e12),
        (NAN, NAN),
        (INF, INF),
        (True, True),
        (np.bool_(True), True),
        ("字", "字"),
        (None, None),
        ([1, (2, 3)], (1, [2, 3])),
        ({"a": np.ones(2)}, {"a": np.ones(2)}),
        ({1, 2}, {2, 1}),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (np.array([NAN, INF]), np.array([NAN, INF])),
        (np.array(["a"]), np.array(["a"])),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2)),
        (torch.ones(2, requires_grad=True), torch.ones(2)),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ],
)
def test_agreement(came, expected):
    assert difference(came, expected) is None


@pytest.mark.parametrize(
    ("came", "expected", "reason"),
    [
        (1.001, 1.0, "differs from 1 by 0.001, tolerance 1e-06"),
        (NAN, 1.0, "nan differs from 1"),
        (1.0, NAN, "1 differs from nan"),
        (INF, 1.0, "inf differs"),
        (-INF, INF, "-inf differs from inf"),
        (1.0, INF, "1 differs from inf"),
        (True, 1, "of type bool, expected int"),
        (1, True, "of type int, expected bool"),
        ("1", 1, "of type str, expected int"),
        (None, 0.5, "of type NoneType"),
        ("cat", "dog", "not equal"),
        ("ab", ["a", "b"], "of type str, expected list"),
        ([1, 2], [1, 2, 3], "length is 2, expected 3"),
        ([1, [2, 4]], [1, [2, 3]], r"at \[1\]: at \[1\]: 4 differs"),
        ({"a": 1}, {"b": 1}, "keys"),
        ({"a": 1}, {"a": 2}, r"at \['a'\]"),
        ([1.0, 2.0], np.array([1.0, 2.0]), "of type list, expected ndarray"),
        (np.ones(2), torch.ones(2), "of type ndarray, expected Tensor"),
        (np.ones((1, 2)), np.ones(2), r"shape is \(1, 2\)"),
        (np.array(1.0), np.ones(3), r"shape is \(\)"),
        (np.array([1, 0]), np.array([True, False]), "dtype"),
        (np.array([1.0, NAN]), np.array([1.0, 2.0]), r"1 of 2 elements differ; at \[1\]: nan"),
        (np.array([1.0, 3.0]), np.array([1.0, INF]), r"at \[1\]: 3 differs from inf"),
        (torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 2.5]]), r"at \[0, 1\]"),
    ],
)
def test_disagreement_says_why(came, expected, reason):
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(difference(came, expected))


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


CASES = [(np.array([0.0, 1.0, 2.0]),), (np.array([1000.0, 0.0]),)]


def test_the_right_answer_passes(capsys):
    check(lambda x: softmax(x), softmax, CASES)
    assert capsys.readouterr().out == "Right: 2 cases agree.\n"


def overflowing(x):
    with np.errstate(all="ignore"):
        return np.exp(x) / np.exp(x).sum()


def in_place(x):
    x -= x.max()
    x[:] = np.exp(x)
    x /= x.sum()
    return x


def spoils_the_input(x):
    x[:] = 1 / len(x)
    return x


def test_nan_is_wrong_and_the_case_is_shown():
    with pytest.raises(CheckFailed) as failure:
        check(overflowing, softmax, CASES, hint="Subtract the maximum first.")
    message = str(failure.value)
    assert "case 2 of 2" in message
    assert "1000" in message
    assert "nan" in message
    assert "Subtract the maximum first." in message
    assert failure.value._render_traceback_() == [f"Not yet: {message}"]


def test_changing_the_input_neither_helps_nor_harms():
    check(in_place, softmax, CASES)
    with pytest.raises(CheckFailed):
        check(spoils_the_input, softmax, CASES)
    np.testing.assert_array_equal(CASES[0][0], [0.0, 1.0, 2.0])


def raises(kind):
    def function(x):
        raise kind("no")

    return function


def test_errors_are_answers():
    check(raises(ValueError), raises(ValueError), [(1,)])
    with pytest.raises(CheckFailed, match="raised TypeError, not ValueError"):
        check(raises(TypeError), raises(ValueError), [(1,)])
    with pytest.raises(CheckFailed, match="it raised no error"):
        check(lambda x: x, raises(ValueError), [(1,)])
    with pytest.raises(CheckFailed, match="came:     ValueError: no"):
        check(raises(ValueError), lambda x: x, [(1,)])


@pytest.mark.parametrize("student", [lambda x: ..., raises(NotImplementedError), ...])
def test_not_attempted_raises_nothing(student, capsys):
    check(student, softmax, CASES)
    assert "Not attempted yet: write" in capsys.readouterr().out


def test_keyword_cases_and_bad_checks():
    check(lambda a, b: a - b, lambda b, a: a - b, [{"a": 1, "b": 2}])
    with pytest.raises(TypeError, match="tuple or a mapping"):
        check(softmax, softmax, [[1.0]])
    with pytest.raises(ValueError, match="accepts every answer"):
        check(softmax, softmax, [])


def test_a_text_is_no_number():
    with pytest.raises(CheckFailed, match=r"share is a text, '0\.25': write a number"):
        check_value("0.25", 0.25, name="share")
    check_value("cat", "cat", name="animal")


def test_a_value_is_checked_without_giving_it_away():
    check_value(1 / 3, 0.3333333, name="p", tolerance=1e-6)
    with pytest.raises(CheckFailed) as failure:
        check_value(NAN, 0.125, name="p", hint="Three coins.")
    assert "0.125" not in str(failure.value)
    assert "Three coins." in str(failure.value)
