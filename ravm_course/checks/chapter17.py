"""Checks of the exercises of chapter 17: the contrastive loss and classes by their names."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.checks.compare import CheckFailed, check, check_value, difference
from ravm_course.vlm import clip_loss


def _random(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


_ROWS = [math.log1p(math.exp(1 - 4)), math.log1p(math.exp(2 - 3))]
_COLUMNS = [math.log1p(math.exp(2 - 4)), math.log1p(math.exp(1 - 3))]
_TWO_PAIRS = sum(_ROWS + _COLUMNS) / 4
_MEAN_PROBABILITY = sum(math.exp(-term) for term in _ROWS + _COLUMNS) / 4
_CLOSE = 6e-4  # three decimals, rounded either way


def _two_pairs_at(scale: float) -> float:
    """Return the loss with another factor than 5."""
    return sum(math.log1p(math.exp(-scale * gap)) for gap in (0.6, 0.2, 0.4, 0.4)) / 4


# answers that a known slip leads to, and what to say about each
_SLIPS = (
    (
        sum(_ROWS) / 2,
        "This is the mean over the rows alone. The columns ask as well: given this text, which "
        "picture is its own?",
    ),
    (
        sum(_COLUMNS) / 2,
        "This is the mean over the columns alone. The rows ask as well: given this picture, which "
        "text is its own?",
    ),
    (sum(_ROWS + _COLUMNS), "This is the sum of the four terms: the loss is their mean."),
    (
        sum(_ROWS + _COLUMNS) / 2,
        "This is the sum of the two directions: the loss is the mean of all four terms.",
    ),
    (_two_pairs_at(1), "This leaves out the temperature: divide every cosine by it first."),
    (
        _two_pairs_at(0.2),
        "This multiplies by the temperature: to divide by 1/5 is to multiply by 5.",
    ),
    (-_TWO_PAIRS, "The sign is wrong: a loss is minus the logarithm of a probability."),
    (_TWO_PAIRS / math.log(2), "This has logarithms to base 2: take natural ones."),
    (_TWO_PAIRS / math.log(10), "This has logarithms to base 10: take natural ones."),
    (
        math.exp(-_TWO_PAIRS),
        "This is a probability: the loss is the mean of minus the logarithms.",
    ),
    (
        _MEAN_PROBABILITY,
        "This is the mean of four probabilities: take minus the logarithm of each.",
    ),
    (
        -math.log(_MEAN_PROBABILITY),
        "This is the logarithm of a mean: take the logarithm of each probability, then the mean.",
    ),
)


def check_two_pairs(answer: float) -> None:
    """Check the loss of two pairs with the similarities .8, .2 / .4, .6 at temperature 1/5.

    Parameters
    ----------
    answer
        The loss in nats, rounded to at least three decimals.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what a known slip forgot, or a general hint.

    Examples
    --------
    >>> check_two_pairs(...)
    Not attempted yet: write two_pairs_loss above, then run this cell again.
    >>> check_two_pairs(0.6157)
    Traceback (most recent call last):
    ...
    ravm_course.checks.compare.CheckFailed: two_pairs_loss is not right: 0.6157. This is the sum \
of the four terms: the loss is their mean.
    """
    hint = (
        "Multiply the similarities by 5, take minus the logarithm of each right probability: "
        "two along the rows, two along the columns. The loss is the mean of the four."
    )
    check_value(
        answer, _TWO_PAIRS, name="two_pairs_loss", tolerance=_CLOSE, hint=hint, slips=_SLIPS
    )


def check_contrastive_loss(student: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """Check ``contrastive_loss(images, texts, temperature)`` on vectors of any length.

    First its values; then that it leaves its input as it was, that its gradient reaches both
    inputs and is right, and that it stays finite in single precision at a low temperature.

    Parameters
    ----------
    student
        Takes two tensors of shape ``(N, D)``, not normalised, and a temperature; returns the
        symmetric loss as a tensor that can be differentiated.

    Raises
    ------
    ravm_course.checks.compare.CheckFailed
        With what differs, and what to think about.

    Examples
    --------
    >>> def contrastive_loss(images, texts, temperature):
    ...     images, texts = F.normalize(images, dim=1), F.normalize(texts, dim=1)
    ...     return clip_loss(images, texts, 1 / temperature)
    >>> check_contrastive_loss(contrastive_loss)
    Right: 5 cases agree, and so do their gradients.
    """
    cases = [
        (_random(4, 3, seed=0), _random(4, 3, seed=1), 0.5),
        (_random(5, 8, seed=2), 3 * _random(5, 8, seed=3), 0.1),
        (_random(3, 3, seed=4), _random(3, 3, seed=5), 2.0),
        (_random(1, 6, seed=6), _random(1, 6, seed=7), 0.05),
        (_random(16, 12, seed=8), _random(16, 12, seed=9), 0.07),
    ]

    def further() -> str:
        for case in cases:
            _check_input_unchanged(student, case)
            _check_gradients(student, case, tolerance=1e-6)
        _check_single_precision(student)
        return ", and so do their gradients"

    check(
        student,
        _contrastive_loss,
        cases,
        hint="Are all vectors of length one? Are similarities divided by the temperature? Is "
        "the answer for row i the number i, and nothing softer? Is the loss the mean of two "
        "directions, one over the rows and one over the columns?",
        further=further,
    )


def _contrastive_loss(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
    """Return the right loss."""
    return clip_loss(F.normalize(images, dim=1), F.normalize(texts, dim=1), 1 / temperature)


def _check_input_unchanged(student: Callable, case: tuple[Tensor, Tensor, float]) -> None:
    """Refuse a function that writes into the tensors it was given."""
    images, texts, temperature = case
    given = {"images": images.clone(), "texts": texts.clone()}
    student(given["images"], given["texts"], temperature)
    for name, before in (("images", images), ("texts", texts)):
        if not torch.equal(given[name], before):
            raise CheckFailed(
                f"the value is right, but `{name}` is no longer what it was before the call: "
                "whoever called the function still needs it. `x = x / length` makes a new tensor; "
                "`x /= length`, `x[:] = ...` and methods that end in `_` write into the old one."
            )


def _gradients(function: Callable, case: tuple[Tensor, Tensor, float]) -> list[Tensor | None]:
    """Return the gradient for both inputs; None where no gradient arrives."""
    leaves = [x.clone().requires_grad_() for x in case[:2]]
    value = function(*leaves, case[2])
    if not isinstance(value, Tensor) or not value.requires_grad:
        raise CheckFailed(
            f"the value is right, but it is a {type(value).__name__} that does not know how it "
            "was computed, so nothing can be trained with it. Return a tensor, and leave out what "
            "cuts it off from its input: .item(), float(), .tolist(), .detach(), .data, NumPy, "
            "torch.tensor(...), torch.no_grad()."
        )
    return list(torch.autograd.grad(value, leaves, allow_unused=True))


def _check_gradients(
    student: Callable, case: tuple[Tensor, Tensor, float], tolerance: float
) -> None:
    """Compare the gradients for both inputs with those of the right loss."""
    expected = _gradients(_contrastive_loss, case)
    for name, came, right in zip(
        ("images", "texts"), _gradients(student, case), expected, strict=True
    ):
        if came is None:
            raise CheckFailed(
                f"the value is right, but no gradient reaches `{name}`: somewhere on the way it is "
                "detached, so its tower would never learn."
            )
        reason = difference(came, right, tolerance)
        if reason is not None:
            raise CheckFailed(
                f"the value is right, but its gradient for `{name}` is not: {reason}. Is a part of "
                "the computation (a length, one of the two directions) detached?"
            )


def _check_single_precision(student: Callable) -> None:
    """Ask for a finite, right loss where a plain exponential is too large or too small."""
    images, texts = _random(6, 4, seed=10).float(), _random(6, 4, seed=11).float()
    texts[0] = -images[0]  # its score is -100, and its probability too small for float32
    texts[1] = images[1]  # its score is 100, and e^100 too large
    case = (images, texts, 0.01)
    hint = (
        "in float32, at temperature 0.01. There scores reach 100, and e^100 is more than float32 "
        "can hold, while e^-150 is rounded to 0, whose logarithm is -inf. Never compute the "
        "exponentials by themselves: F.cross_entropy, log_softmax and logsumexp take the largest "
        "score off first."
    )
    try:
        came = student(*case)
    except Exception as error:
        raise CheckFailed(
            f"the values are right in float64, but with float32 tensors it raised "
            f"{type(error).__name__}: {error}. Do not write a dtype down: take that of the input."
        ) from error
    reason = difference(came, _contrastive_loss(*case), 1e-4)
    if reason is not None:
        raise CheckFailed(f"the values are right in float64, but {reason}, {hint}")
    if any(g is None or not g.isfinite().all() for g in _gradients(student, case)):
        raise CheckFailed(f"the value is right, but its gradient is not finite {hint}")
    _check_gradients(student, case, tolerance=1e-3)


def check_class_weights(student: Callable[[Tensor], Tensor]) -> None:
    """Check ``class_vectors(texts)``: from T text vectors a class to one unit vector a class.

    Parameters
    ----------
    student
        Takes unit vectors of shape ``(K, T, D)`` (classes, templates, dimensions); returns
        ``(K, D)``.

    Examples
    --------
    >>> def class_vectors(texts):
    ...     return F.normalize(texts.mean(dim=1), dim=-1)
    >>> check_class_weights(class_vectors)
    Right: 4 cases agree.
    """

    def reference(texts: Tensor) -> Tensor:
        return F.normalize(texts.mean(dim=1), dim=-1)

    shapes = [(3, 2, 4), (2, 5, 3), (4, 4, 4), (1, 3, 6)]
    check(
        student,
        reference,
        [(F.normalize(_random(*shape, seed=i), dim=-1),) for i, shape in enumerate(shapes)],
        hint="Average over the templates, which are the second dimension. How long is the mean of "
        "two different unit vectors?",
    )
