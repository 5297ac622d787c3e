"""Each check of chapter 6 accepts right answers and rejects plausible mistakes."""

import numpy as np
import pytest

from ravm_course.checks import chapter06
from ravm_course.checks.compare import CheckFailed

MEMORY = (13, 23, 4.97)


def test_memory_accepts(capsys):
    chapter06.check_memory(*MEMORY)
    chapter06.check_memory(13.0, 23, 4.968)
    assert capsys.readouterr().out.count("Right") == 6


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, 66),  # w alone: 0.9 to the power n
        (0, 16),  # the slope alone: 0.64 to the power n
        (0, 12),  # rounded down
        (0, 12.52),  # not a whole number of steps
        (0, 7),  # 1 - h instead of 1 - h^2
        (1, 22),  # rounded down
        (1, 10),  # the natural logarithm of 1000 forgotten: 0.5 to the power n
        (1, 22.05),
        (2, 0.9931),  # the gate, not its bias
        (2, -4.97),  # the sign
        (2, 4.6),  # half after 100 steps taken for a hundredth left out at each
        (2, 5.3),
    ],
)
def test_memory_rejects(place, answer):
    answers = [*MEMORY]
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter06.check_memory(*answers)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def gru_step(x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    r, z, n = np.split(x @ weight_ih.T + bias_ih, 3, axis=1)
    r_h, z_h, n_h = np.split(h @ weight_hh.T + bias_hh, 3, axis=1)
    z = sigmoid(z + z_h)
    return (1 - z) * np.tanh(n + sigmoid(r + r_h) * n_h) + z * h


def test_gru_step_accepts(capsys):
    chapter06.check_gru_step(gru_step)
    assert "Right: 4" in capsys.readouterr().out


def variant(*, order=(0, 1, 2), swap=False, reset="after", squash=np.tanh, bias=True):
    """Return a step with one mistake."""

    def step(x, h, weight_ih, weight_hh, bias_ih, bias_hh):
        said = np.split(x @ weight_ih.T + bias_ih, 3, axis=1)
        kept = np.split(h @ weight_hh.T + bias * bias_hh, 3, axis=1)
        (r, z, n), (r_h, z_h, n_h) = ([part[i] for i in order] for part in (said, kept))
        r, z = sigmoid(r + r_h), sigmoid(z + z_h)
        if reset == "after":
            new = squash(n + r * n_h)
        elif reset == "before":
            u, c = np.split(weight_hh, 3)[2], np.split(bias_hh, 3)[2]
            new = squash(n + (r * h) @ u.T + c)
        elif reset == "outside":
            c = np.split(bias_hh, 3)[2]
            new = squash(n + r * (n_h - c) + c)
        elif reset == "all":
            new = squash(r * (n + n_h))
        else:
            new = squash(n + n_h)
        return z * new + (1 - z) * h if swap else (1 - z) * new + z * h

    return step


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (variant(swap=True), "share of the old state that stays"),
        (variant(reset="before"), "before the product"),
        (variant(reset="outside"), "yours stands outside"),
        (variant(reset="none"), "reset gate r is missing"),
        (variant(reset="all"), "blocks of rows"),
        (variant(order=(1, 0, 2)), "blocks of rows are r, z, n"),
        (variant(order=(0, 2, 1)), "blocks of rows"),
        (variant(squash=sigmoid), "tanh"),
        (variant(bias=False), "c_n"),
        (lambda *a: gru_step(*a)[0], "shape of h"),
        (lambda *a: gru_step(*a).T, "shape of h|blocks"),
        (lambda *a: a[1], "blocks of rows"),
    ],
)
def test_gru_step_rejects(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        chapter06.check_gru_step(wrong)


def test_stubs_are_not_attempted(capsys):
    chapter06.check_memory(..., ..., ...)
    chapter06.check_gru_step(lambda *arguments: ...)
    chapter06.check_gru_step(...)
    assert capsys.readouterr().out.count("Not attempted yet") == 5
