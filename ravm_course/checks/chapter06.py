"""Checks of the exercises of chapter 6: how long a gate holds, and one step of a GRU."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from ravm_course.checks.compare import CheckFailed, check, check_value
from ravm_course.nn import GRU


def check_memory(rnn_steps: int, gate_steps: int, bias: float) -> None:
    """Check after how many steps less than a thousandth is left, and a bias that holds longer.

    Parameters
    ----------
    rnn_steps
        Of a gradient that is multiplied by 0.9 (1 - 0.6^2) at each step.
    gate_steps
        Of the content of a cell whose forget gate is the sigmoid of 1.
    bias
        Whose sigmoid, to the power of 100, is one half.

    Examples
    --------
    >>> check_memory(..., ..., ...)
    Not attempted yet: write rnn_steps above, then run this cell again.
    Not attempted yet: write gate_steps above, then run this cell again.
    Not attempted yet: write bias above, then run this cell again.
    """
    check_value(
        rnn_steps,
        13,
        name="rnn_steps",
        tolerance=0,
        hint="One step multiplies by w times the slope of tanh, which is 1 - h^2. Then the "
        "smallest whole number n for which that factor to the power n is below 0.001.",
    )
    check_value(
        gate_steps,
        23,
        name="gate_steps",
        tolerance=0,
        hint="One step multiplies by sigmoid(1) = 0.731. Give the smallest whole number of steps "
        "after which less than a thousandth is left.",
    )
    f = 0.5**0.01
    check_value(
        bias,
        math.log(f / (1 - f)),
        name="bias",
        tolerance=2e-3,
        hint="f to the power of 100 is one half; then the bias is what the sigmoid turns into f: "
        "ln(f / (1 - f)). Give two decimals.",
    )


def _gru_step(
    x: np.ndarray,
    h: np.ndarray,
    weight_ih: np.ndarray,
    weight_hh: np.ndarray,
    bias_ih: np.ndarray,
    bias_hh: np.ndarray,
) -> np.ndarray:
    layer = GRU(x.shape[1], h.shape[1]).double()
    layer.load_state_dict(
        {
            f"{name}_l0": torch.from_numpy(value)
            for name, value in (
                ("weight_ih", weight_ih),
                ("weight_hh", weight_hh),
                ("bias_ih", bias_ih),
                ("bias_hh", bias_hh),
            )
        }
    )
    with torch.no_grad():
        output, _ = layer(torch.from_numpy(x)[:, None], torch.from_numpy(h)[None])
    return output[:, 0].numpy()


def check_gru_step(student: Callable[..., np.ndarray]) -> None:
    """Check ``gru_step(x, h, weight_ih, weight_hh, bias_ih, bias_hh)``.

    Parameters
    ----------
    student
        Takes an input ``(B, C)``, a state ``(B, H)``, weights ``(3 H, C)`` and ``(3 H, H)`` and
        biases ``(3 H,)``, with the blocks r, z, n; returns the next state ``(B, H)``.

    Examples
    --------
    >>> check_gru_step(_gru_step)
    Right: 4 cases agree.
    """
    rng = np.random.default_rng(0)
    cases = []
    for batch, channels, hidden in ((1, 3, 2), (1, 1, 1), (4, 2, 5), (3, 6, 6)):
        rows = 3 * hidden
        shapes = ((batch, channels), (batch, hidden), (rows, channels), (rows, hidden))
        cases.append(tuple(rng.normal(0, 1, s) for s in (*shapes, (rows,), (rows,))))
    if student is ...:
        return check(student, _gru_step, cases)
    came: list[object] = []

    def recorded(*arguments: np.ndarray) -> object:
        came.append(student(*arguments))
        return came[-1]

    recorded.__name__ = getattr(student, "__name__", "gru_step")
    try:
        return check(recorded, _gru_step, cases, tolerance=1e-8)
    except CheckFailed as failed:
        hint = _hint(came[-1], cases[len(came) - 1]) if came else "Return the new state."
        raise CheckFailed(f"{failed}\n  hint:     {hint}") from None


def _hint(came: object, case: tuple[np.ndarray, ...]) -> str:
    """Say what a wrong state looks like: exchanged gates, or a reset in the wrong place."""
    x, h, weight_ih, weight_hh, bias_ih, bias_hh = case
    if not isinstance(came, np.ndarray) or came.shape != h.shape:
        return "Return one array of the shape of h: one new state for each row of x."

    def sigmoid(a: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-a))

    said, kept = x @ weight_ih.T + bias_ih, h @ weight_hh.T + bias_hh
    (a_r, a_z, a_n), (b_r, b_z, b_n) = np.split(said, 3, 1), np.split(kept, 3, 1)
    r, z = sigmoid(a_r + b_r), sigmoid(a_z + b_z)
    if np.allclose(came, z * np.tanh(a_n + r * b_n) + (1 - z) * h):
        return "z is the share of the old state that stays; you gave it to the new one."
    if np.allclose(came, (1 - z) * np.tanh(a_n + b_n) + z * h):
        return "The reset gate r is missing: it multiplies what the state says to n."
    own = np.split(bias_hh, 3)[2]
    if np.allclose(came, (1 - z) * np.tanh(a_n + r * (b_n - own) + own) + z * h):
        return "r multiplies the product together with its bias; yours stands outside."
    n = np.tanh(a_n + (r * h) @ np.split(weight_hh, 3)[2].T + own)
    if np.allclose(came, (1 - z) * n + z * h):
        return (
            "You reset the state before the product, as the first paper has it. Here, as in "
            "PyTorch, r multiplies the product of weight and state together with its bias."
        )
    return (
        "The blocks of rows are r, z, n in this order. n = tanh(W_n x + b_n + r * (U_n h + c_n)), "
        "and the new state is (1 - z) * n + z * h."
    )
