"""Compare a reader's function with the right one, and explain the first disagreement.

A check is worth something only if it rejects wrong answers, so it runs the reader's function and a
reference on the same cases and compares what comes out: shapes before values, numbers within a
stated tolerance, NaN as wrong where a number is due. Each function gets its own deep copy of the
input, so that one which changes its arguments in place fools nobody, itself included.
"""

from __future__ import annotations

import copy
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch


class CheckFailed(AssertionError):
    """The answer to an exercise disagrees with the reference; the message says where."""

    def _render_traceback_(self) -> list[str]:
        """Let a notebook show the message alone: the fault is not in the checking code."""
        return [f"Not yet: {self}"]


def check(
    student: Callable,
    reference: Callable,
    cases: Iterable[tuple | Mapping],
    *,
    hint: str = "",
    tolerance: float = 1e-6,
    further: Callable[[], str] | None = None,
) -> None:
    """Run both functions on every case; print ``Right`` or raise with the first disagreement.

    A function that still returns ``...`` or raises `NotImplementedError` counts as not attempted:
    the check says so and raises nothing, so that the notebook runs through.

    Parameters
    ----------
    student
        The reader's function.
    reference
        The right one. Where it raises, the reader's must raise the same kind of error.
    cases
        Inputs: a tuple of positional arguments, or a mapping of keyword arguments, for each.
    hint
        What to think about when the answers differ.
    tolerance
        Two numbers a and b agree if ``|a - b| <= tolerance * max(1, |b|)``.
    further
        Called once all cases agree, for what values alone do not show: raises CheckFailed, or
        returns what to add to ``Right``.

    Raises
    ------
    CheckFailed
        With the input, what came, what was expected, why they differ, and the hint.

    Examples
    --------
    >>> def mean(values):
    ...     return sum(values) / len(values)
    >>> check(mean, np.mean, [([1.0, 2.0],), ([3.0],)])
    Right: 2 cases agree.
    >>> check(lambda values: sum(values), np.mean, [([1.0, 2.0],)], hint="Divide by the length.")
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: case 1 of 1 disagrees.
      input:    [1.0, 2.0]
      expected: 1.5
      came:     3.0
      because:  3 differs from 1.5 by 1.5, tolerance 1e-06
      hint:     Divide by the length.
    >>> def median(values):
    ...     ...  # your code here
    ...     return ...
    >>> check(median, np.median, [([1.0, 2.0],)])
    Not attempted yet: write median above, then run this cell again.
    """
    name = getattr(student, "__name__", "your answer")
    cases = list(cases)
    if not cases:
        raise ValueError("there are no cases: a check without cases accepts every answer.")
    if student is ...:
        return _not_attempted(name)
    for number, case in enumerate(cases, start=1):
        expected = _outcome(reference, case)
        came = _outcome(student, case)
        if came is ... or (isinstance(came, _Raised) and came.kind is NotImplementedError):
            return _not_attempted(name)
        reason = difference(came, expected, tolerance)
        if reason is not None:
            raise CheckFailed(
                _report(f"case {number} of {len(cases)}", case, expected, came, reason, hint)
            )
    more = further() if further else ""
    print(f"Right: {len(cases)} case{'s agree' if len(cases) > 1 else ' agrees'}{more}.")
    return None


def check_value(
    answer: object,
    expected: object,
    *,
    name: str,
    hint: str = "",
    tolerance: float = 1e-6,
    slips: Iterable[tuple[float, str]] = (),
) -> None:
    """Compare one value that the reader worked out; ``...`` counts as not attempted.

    The message does not give the expected value away.

    Parameters
    ----------
    answer
        The reader's value.
    expected
        The right one.
    name
        What the reader's variable is called.
    hint, tolerance
        As for :func:`check`.
    slips
        Wrong numbers that a known slip leads to, each with the hint to give for it instead.

    Raises
    ------
    CheckFailed
        If the values differ, or a text was given for a number.

    Examples
    --------
    >>> check_value(0.25, 1 / 4, name="probability")
    Right: probability agrees.
    >>> check_value(..., 1 / 4, name="probability")
    Not attempted yet: write probability above, then run this cell again.
    >>> check_value(0.5, 1 / 4, name="probability", hint="Two coins, not one.")
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: probability is not right: 0.5. Two coins, not one.
    >>> check_value(0.75, 1 / 4, name="probability", slips=[(0.75, "At least one head.")])
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: probability is not right: 0.75. At least one head.
    """
    if answer is ...:
        return _not_attempted(name)
    if isinstance(answer, str) and isinstance(_plain(expected), numbers.Real):
        raise CheckFailed(f"{name} is a text, {answer!r}: write a number, without quotation marks.")
    if difference(answer, expected, tolerance) is not None:
        number = _plain(answer)
        if isinstance(number, numbers.Real):
            for value, slip in slips:
                if abs(number - value) <= tolerance:
                    hint = slip
        raise CheckFailed(f"{name} is not right: {_show(answer)}. {hint}".rstrip())
    print(f"Right: {name} agrees.")
    return None


def difference(came: object, expected: object, tolerance: float = 1e-6) -> str | None:
    """Say why two values differ, or return None if they agree.

    Arrays and tensors must have equal shapes and kinds of numbers; a list and a tuple with the
    same elements agree; True is not 1; NaN agrees only with NaN.

    Parameters
    ----------
    came, expected
        Anything: numbers, arrays, tensors, strings, sequences, mappings, sets, None.
    tolerance
        As for :func:`check`.

    Returns
    -------
    str or None
        The reason, naming the first element that differs.

    Examples
    --------
    >>> difference(np.zeros((2, 3)), np.zeros((3, 2)))
    'the shape is (2, 3), expected (3, 2)'
    >>> difference([1, 2, 4], (1, 2, 3))
    'at [2]: 4 differs from 3 by 1, tolerance 1e-06'
    >>> difference([1, 2.0], (1, 2)) is None
    True
    """
    if isinstance(came, _Raised) or isinstance(expected, _Raised):
        if isinstance(came, _Raised) and isinstance(expected, _Raised):
            right = issubclass(came.kind, expected.kind)
            return (
                None if right else f"it raised {came.kind.__name__}, not {expected.kind.__name__}"
            )
        return "it raised an error" if isinstance(came, _Raised) else "it raised no error"
    if isinstance(expected, torch.Tensor | np.ndarray) and expected.ndim > 0:
        return _array_difference(came, expected, tolerance)
    came, expected = _plain(came), _plain(expected)
    if isinstance(expected, bool | str | bytes) or expected is None:
        same = type(came) is type(expected) and came == expected
        return None if same else _kinds(came, expected) or "they are not equal"
    if isinstance(expected, numbers.Number):
        if not isinstance(came, numbers.Number) or isinstance(came, bool):
            return _kinds(came, expected) or "a number is expected"
        return _number_difference(came, expected, tolerance)
    if isinstance(expected, Mapping):
        if not isinstance(came, Mapping):
            return _kinds(came, expected)
        if set(came) != set(expected):
            return f"the keys are {_show(list(came))}, expected {_show(list(expected))}"
        parts = ((f"[{key!r}]", came[key], expected[key]) for key in expected)
        return _first(parts, tolerance)
    if isinstance(expected, Sequence):
        if not isinstance(came, Sequence) or isinstance(came, str):
            return _kinds(came, expected) or "a sequence is expected"
        if len(came) != len(expected):
            return f"the length is {len(came)}, expected {len(expected)}"
        pairs = enumerate(zip(came, expected, strict=True))
        return _first(((f"[{i}]", a, b) for i, (a, b) in pairs), tolerance)
    return None if came == expected else _kinds(came, expected) or "they are not equal"


class _Raised:
    """What a function did instead of returning."""

    def __init__(self, error: Exception):
        self.kind, self.error = type(error), error

    def __repr__(self) -> str:
        return f"{self.kind.__name__}: {self.error}"


def _outcome(function: Callable, case: tuple | Mapping) -> object:
    """Call a function on its own copy of a case."""
    case = copy.deepcopy(case)
    try:
        if isinstance(case, Mapping):
            return function(**case)
        if isinstance(case, tuple):
            return function(*case)
    except Exception as error:  # whatever the reader's code raises is an answer
        return _Raised(error)
    raise TypeError(f"a case is a tuple or a mapping of arguments, not {type(case).__name__}.")


def _plain(value: object) -> object:
    """Return a NumPy or torch scalar as a Python number."""
    if isinstance(value, np.generic) or (
        isinstance(value, torch.Tensor | np.ndarray) and value.ndim == 0
    ):
        return value.item()
    return value


def _number_difference(came: complex, expected: complex, tolerance: float) -> str | None:
    """Compare two numbers; NaN and infinities agree with themselves only."""
    if came == expected or (came != came and expected != expected):
        return None
    if abs(came - expected) <= tolerance * max(1, abs(expected)) < float("inf"):
        return None
    gap = f" by {abs(came - expected):.6g}" if np.isfinite(came) and np.isfinite(expected) else ""
    return f"{came:.9g} differs from {expected:.9g}{gap}, tolerance {tolerance:g}"


def _array_difference(came: object, expected: object, tolerance: float) -> str | None:
    """Compare arrays or tensors: library, shape, kind of number, then values."""
    library = torch.Tensor if isinstance(expected, torch.Tensor) else np.ndarray
    if not isinstance(came, library):
        return _kinds(came, expected)
    if tuple(came.shape) != tuple(expected.shape):
        return f"the shape is {tuple(came.shape)}, expected {tuple(expected.shape)}"
    came, expected = _numpy(came), _numpy(expected)
    if (came.dtype.kind == "b") != (expected.dtype.kind == "b"):
        return f"the dtype is {came.dtype}, expected {expected.dtype}"
    if expected.dtype.kind not in "biufc" or came.dtype.kind not in "biufc":
        wrong = np.argwhere(came != expected)
    else:
        came, expected = (a.astype(np.result_type(a, np.float64)) for a in (came, expected))
        close = np.isclose(came, expected, rtol=0, atol=0, equal_nan=True)
        finite = np.isfinite(came) & np.isfinite(expected)
        gap = np.abs(np.where(finite, came, 0) - np.where(finite, expected, 0))
        close |= finite & (gap <= tolerance * np.maximum(1, np.abs(expected)))
        wrong = np.argwhere(~close)
    if not len(wrong):
        return None
    at = tuple(int(i) for i in wrong[0])
    reason = difference(came[at], expected[at], tolerance)
    return f"{len(wrong)} of {came.size} elements differ; at {list(at)}: {reason}"


def _numpy(array: torch.Tensor | np.ndarray) -> np.ndarray:
    """Return a tensor as an array, bfloat16 by way of float32."""
    if isinstance(array, np.ndarray):
        return array
    array = array.detach().cpu()
    return (array.float() if array.dtype == torch.bfloat16 else array).numpy()


def _kinds(came: object, expected: object) -> str | None:
    """Say that the types differ, if they do."""
    a, b = type(came).__name__, type(expected).__name__
    return None if a == b else f"it is of type {a}, expected {b}"


def _first(parts: Iterable[tuple[str, object, object]], tolerance: float) -> str | None:
    """Return the first difference among named parts."""
    for place, came, expected in parts:
        reason = difference(came, expected, tolerance)
        if reason is not None:
            return f"at {place}: {reason}"
    return None


def _show(value: object, limit: int = 300) -> str:
    """Return a short representation."""
    with np.printoptions(precision=6, threshold=40, linewidth=80):
        text = repr(_plain(value))
    return text if len(text) <= limit else text[:limit] + " …"


def _report(
    place: str, case: tuple | Mapping, expected: object, came: object, reason: str, hint: str
) -> str:
    """Lay out a disagreement."""
    items = case.items() if isinstance(case, Mapping) else enumerate(case)
    named = isinstance(case, Mapping)
    shown = ", ".join((f"{key}={_show(v)}" if named else _show(v)) for key, v in items)
    lines = [
        f"{place} disagrees.",
        f"  input:    {shown}",
        f"  expected: {_show(expected)}",
        f"  came:     {_show(came)}",
        f"  because:  {reason}",
    ]
    return "\n".join([*lines, f"  hint:     {hint}"] if hint else lines)


def _not_attempted(name: str) -> None:
    print(f"Not attempted yet: write {name} above, then run this cell again.")
