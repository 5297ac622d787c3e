"""How the learning rate changes over a run: a linear warm-up, then constant, linear or cosine.

Early steps meet weights and moment estimates that mean little, so the rate rises from small; late
steps settle, so it falls, along half a cosine in Loshchilov & Hutter (*SGDR*, ICLR 2017).
"""

from __future__ import annotations

import math

SCHEDULES = ("constant", "linear", "cosine")


def learning_rate_factor(step: int, steps: int, *, schedule: str, warmup: int = 0) -> float:
    """Return what the base learning rate is multiplied with at one step.

    Parameters
    ----------
    step
        Index of the step, from 0 to ``steps - 1``.
    steps
        Number of steps of the whole run.
    schedule
        After the warm-up: ``"constant"`` stays at 1; ``"linear"`` and ``"cosine"`` fall from 1
        and would reach 0 at step `steps`, so that the last step still moves.
    warmup
        Number of first steps over which the factor rises: ``1/warmup, 2/warmup, ..., 1``.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If `schedule` is unknown or `warmup` leaves no step.

    Examples
    --------
    >>> [learning_rate_factor(s, 6, schedule="linear", warmup=2) for s in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule is {schedule!r}: expected one of {', '.join(SCHEDULES)}.")
    if not 0 <= warmup < steps:
        raise ValueError(f"warmup is {warmup} of {steps} steps: expected at least 0 and fewer.")
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / (steps - warmup)
    if schedule == "linear":
        return 1 - done
    if schedule == "cosine":
        return (1 + math.cos(math.pi * done)) / 2
    return 1.0
