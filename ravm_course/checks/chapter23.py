"""Checks of the exercises of chapter 23: a posterior on paper, and the marginal loss in code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ravm_course.checks.compare import check, check_value
from ravm_course.ravlm.joint import marginal_loss

_PRIOR, _READING = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.6, 0.6])
_POSTERIOR = _PRIOR * _READING / (_PRIOR @ _READING)
_SLOPE = _PRIOR[1] - _POSTERIOR[1]
_CLOSE = 6e-4  # three decimals, rounded either way

# answers that a known slip leads to, and what to say about each
_SLIPS = (
    (-_SLOPE, "The sign: the loss falls when this score rises, so its gradient is negative."),
    (_POSTERIOR[1], "This is the posterior alone; the gradient is prior minus posterior."),
    (
        _PRIOR[1] - _READING[1] / _READING.sum(),
        "This is distillation: the posterior weighs each likelihood by its prior.",
    ),
    (_PRIOR[1] - _PRIOR[1] * _READING[1], "Divide by the sum: a posterior sums to one."),
    (_PRIOR[1] - _READING[1], "A likelihood is not a posterior: multiply by the prior, divide."),
)


def check_slope_on_paper(answer: float) -> None:
    """Check the gradient of the marginal loss with respect to the second score.

    The retriever gives three passages .5, .3 and .2; the reader finds the right answer in them with
    .1, .6 and .6.

    Parameters
    ----------
    answer
        To at least three decimals.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what a known slip forgot, or a general hint.

    Examples
    --------
    >>> check_slope_on_paper(...)
    Not attempted yet: write slope above, then run this cell again.
    >>> check_slope_on_paper(0.214)
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: slope is not right: 0.214. The sign: the loss falls \
when this score rises, so its gradient is negative.
    """
    hint = "Prior minus posterior; the posterior is prior times likelihood, over the sum of these."
    check_value(answer, float(_SLOPE), name="slope", tolerance=_CLOSE, hint=hint, slips=_SLIPS)


def check_marginal(student: Callable) -> None:
    """Check ``marginal(scores, log_reading)``, which returns the mean loss and its gradient.

    Parameters
    ----------
    student
        From two arrays ``(B, K)`` to a number and the gradient with respect to `scores`,
        ``(B, K)``.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With the first input on which it disagrees.

    Examples
    --------
    >>> def marginal(scores, log_reading):
    ...     return ...
    >>> check_marginal(marginal)
    Not attempted yet: write marginal above, then run this cell again.
    """

    def reference(scores: np.ndarray, log_reading: np.ndarray) -> tuple[float, np.ndarray]:
        leaf = torch.tensor(scores, requires_grad=True)
        loss = marginal_loss(leaf, torch.tensor(log_reading))
        loss.backward()
        return loss.item(), leaf.grad.numpy()

    rng = np.random.default_rng(23)
    cases = [
        (rng.normal(size=shape), np.log(rng.uniform(0.01, 0.99, size=shape)))
        for shape in ((1, 2), (1, 5), (3, 4))
    ]
    nothing = np.log(np.array([[0.9, 0.2]]))
    nothing[0, 1] = -np.inf  # the answer does not stand in this passage
    cases += [(np.array([[0.3, 0.1]]), nothing), (np.array([[800.0, 790.0]]), cases[0][1])]
    cases.append((np.array([[0.3, 0.1]]), np.array([[-800.0, -801.0]])))
    # rows far apart; and the one passage with the answer has a prior that exp rounds to zero
    cases.append((np.array([[800.0, 790.0], [0.0, 1.0]]), np.log([[0.5, 0.2], [0.3, 0.9]])))
    cases.append((np.array([[800.0, 0.0]]), np.array([[-np.inf, -0.1]])))
    check(
        student,
        reference,
        cases,
        hint="Sum p(z) p(a|z) over passages, then take the logarithm, then the mean over rows. "
        "The gradient is (prior - posterior) / B. Subtract the largest number of each row before "
        "exp, and stay in logarithms: a small prior may be zero as a number.",
        tolerance=1e-6,
    )
