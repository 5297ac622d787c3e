"""Each check of chapter 3 accepts right answers and rejects plausible mistakes."""

import numpy as np
import pytest

from ravm_course.checks import chapter03
from ravm_course.checks.compare import CheckFailed

RIGHT = (31 / 256, 18 / 256, 21 / 31)


@pytest.mark.parametrize("answers", [RIGHT, (0.121, 0.070, 0.677)])
def test_hand_accepts_the_right_numbers(answers, capsys):
    chapter03.check_hand(*answers)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, 18 / 256),  # the best path instead of the sum
        (0, 31 / 64),  # the transition forgotten
        (0, (3 / 16 + 1 / 8) * (1 / 4 + 1 / 2)),  # words as if they were independent
        (0, 1 / 4 * 1 / 4 * 3 / 4 + 3 / 4 * 1 / 2 * 1 / 2),  # the words exchanged
        (1, 18 / 31),  # given the words
        (1, 31 / 256),  # the sum instead of the best path
        (1, 3 / 256),  # N N
        (2, 3 / 5),  # filtered: "fish" was not used
        (2, 3 / 4),  # the prior: no word was used
        (2, 21 / 256),  # joint, not given the words
        (2, 10 / 31),  # V, not N
        (2, 18 / 31),  # the best path instead of the sum
    ],
)
def test_hand_rejects(place, answer):
    answers = [*RIGHT]
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter03.check_hand(*answers)


@pytest.mark.parametrize(
    ("place", "answer", "hint"),
    [
        (0, 0.12, "two decimals"),
        (2, 0.68, "two decimals"),
        (0, "31/256", "without quotation marks"),
        (1, "0.070", "without quotation marks"),
        (0, 0.25, "four paths"),
        (1, None, "largest of the four"),
        (2, float("nan"), "second word"),
    ],
)
def test_hand_says_what_is_wrong(place, answer, hint):
    answers = [*RIGHT]
    answers[place] = answer
    with pytest.raises(CheckFailed, match=hint):
        chapter03.check_hand(*answers)


def posterior(
    initial,
    transition,
    emission,
    symbols,
    *,
    scale=True,
    backward=True,
    normalise=True,
    matrix=lambda a: a,
    shift=1,
    first=True,
    best=False,
):
    alpha = np.empty((len(symbols), len(initial)))
    beta = np.ones_like(alpha)
    for t, symbol in enumerate(symbols):
        if t:
            before = alpha[t - 1] @ matrix(transition)
        else:
            before = initial if first else np.full(len(initial), 1 / len(initial))
        alpha[t] = before * emission[:, symbol]
        if best and t:
            ways = alpha[t - 1][:, None] * transition
            alpha[t] = ways.max(axis=0) * emission[:, symbol]
        alpha[t] /= alpha[t].sum() if scale else 1
    for t in range(len(symbols) - 2, -1, -1):
        later = emission[:, symbols[t + shift]] * beta[t + 1]
        beta[t] = matrix(transition) @ later
        beta[t] /= beta[t].sum() if scale else 1
    product = alpha * (beta if backward else 1)
    with np.errstate(invalid="ignore"):
        return product / product.sum(axis=1, keepdims=True) if normalise else product


def test_posterior_accepts_a_loop(capsys):
    chapter03.check_posterior(posterior)
    assert "Right: 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    "mistake",
    [
        {"scale": False},  # underflows: 0 / 0
        {"backward": False},  # filtered: what comes after was not used
        {"normalise": False},  # the product does not sum to one
        {"matrix": np.transpose},  # from and to exchanged
        {"shift": 0},  # the backward step emits the present symbol again
        {"first": False},  # the initial distribution forgotten
        {"best": True},  # maxima instead of sums
    ],
)
def test_posterior_rejects(mistake):
    with pytest.raises(CheckFailed):
        chapter03.check_posterior(lambda *tables: posterior(*tables, **mistake))


@pytest.mark.parametrize(
    ("mistake", "hint"),
    [
        ({"scale": False}, "underflowed"),
        ({"backward": False}, "look at beta"),
        ({"shift": 0}, "look at beta"),
        ({"normalise": False}, "over the states, at each time"),
        ({"first": False}, r"alpha\[0\] is initial"),
        ({"matrix": np.transpose}, r"alpha\[t - 1\] @ transition"),
    ],
)
def test_posterior_says_where_to_look(mistake, hint):
    with pytest.raises(CheckFailed, match=hint):
        chapter03.check_posterior(lambda *tables: posterior(*tables, **mistake))


@pytest.mark.parametrize("answer", [[[1.0, 0.0]], None, "posterior"])
def test_posterior_asks_for_an_array(answer):
    with pytest.raises(CheckFailed, match="one array of numbers"):
        chapter03.check_posterior(lambda *tables: answer)


def test_posterior_survives_an_error_of_the_student():
    with pytest.raises(CheckFailed, match="ZeroDivisionError"):
        chapter03.check_posterior(lambda *tables: 1 / 0)


def test_posterior_rejects_the_transpose_of_the_answer():
    with pytest.raises(CheckFailed, match="Rows are times"):
        chapter03.check_posterior(lambda *tables: posterior(*tables).T)


def test_stubs_are_not_attempted(capsys):
    chapter03.check_hand(..., ..., ...)
    chapter03.check_posterior(lambda *tables: ...)
    chapter03.check_posterior(...)
    assert capsys.readouterr().out.count("Not attempted yet") == 5
