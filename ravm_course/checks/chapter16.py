"""Checks of the exercises of chapter 16: costs of layers, convolution, keeping the best boxes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ravm_course.checks.compare import check, check_value
from ravm_course.vision import correlate, receptive_field, suppress


def check_layers(side: int, numbers: int, field: int, dense: int) -> None:
    """Check four facts about two layers: pictures of 3 x 32 x 32, then 16 patterns of 5 x 5.

    The first layer has stride 2 and padding 2, the second 32 patterns of 3 x 3, stride 2 and
    padding 1; both have biases.

    Parameters
    ----------
    side
        Height of the second layer's maps.
    numbers
        Weights and biases of both layers.
    field
        Pixels in a row that one place of the second layer sees.
    dense
        Weights of a linear layer from all numbers of a picture to all of the first layer's maps.

    Examples
    --------
    >>> check_layers(8, 16 * 75 + 16 + 32 * 144 + 32, 9, ...)
    Right: side agrees.
    Right: numbers agrees.
    Right: field agrees.
    Not attempted yet: write dense above, then run this cell again.
    """
    check_value(
        side,
        8,
        name="side",
        tolerance=0,
        hint="H' = (H + 2 padding - k) // stride + 1, once for each layer.",
    )
    check_value(
        numbers,
        16 * 3 * 25 + 16 + 32 * 16 * 9 + 32,
        name="numbers",
        tolerance=0,
        hint="A pattern is as deep as what it is laid on: 3 channels, then 16. One bias a pattern.",
    )
    check_value(
        field,
        receptive_field([(5, 2), (3, 2)]),
        name="field",
        tolerance=0,
        hint="Three places of the first maps, two pixels apart, each of which sees five pixels.",
    )
    check_value(
        dense,
        3 * 32 * 32 * 16 * 16 * 16,
        name="dense",
        tolerance=0,
        hint="All inputs, 3 x 32 x 32, times all outputs: 16 maps of 16 x 16.",
    )


def _lay_on(picture: Tensor, patterns: Tensor, stride: int, padding: int) -> Tensor:
    return correlate(picture[None], patterns, stride=stride, padding=padding)[0]


def check_lay_on(student: Callable[[Tensor, Tensor, int, int], Tensor]) -> None:
    """Check ``lay_on(picture, patterns, stride, padding)`` for one picture.

    Parameters
    ----------
    student
        Takes ``(C, H, W)``, ``(O, C, k, k)``, a stride and a padding; returns ``(O, H', W')``.

    Examples
    --------
    >>> check_lay_on(_lay_on)
    Right: 6 cases agree.
    """
    draw = torch.Generator().manual_seed(16)
    cases = [
        (
            torch.randn(channels, height, width, generator=draw),
            torch.randn(outputs, channels, kernel, kernel, generator=draw),
            stride,
            padding,
        )
        for channels, height, width, outputs, kernel, stride, padding in (
            (1, 3, 3, 1, 3, 1, 0),
            (1, 4, 6, 1, 3, 1, 0),
            (3, 5, 4, 2, 2, 1, 0),
            (2, 7, 6, 3, 3, 2, 0),
            (2, 5, 5, 2, 3, 1, 1),
            (3, 8, 7, 4, 3, 2, 1),
        )
    ]
    check(
        student,
        _lay_on,
        cases,
        tolerance=1e-4,
        hint="Sum over all channels and over the window, without turning the pattern round. Zeros "
        "go on all four sides first; H' = (H + 2 padding - k) // stride + 1, likewise W'.",
    )


def _keep_best(boxes: Tensor, scores: Tensor, threshold: float) -> list[int]:
    return suppress(boxes, scores, threshold).tolist()


def check_keep_best(student: Callable[[Tensor, Tensor, float], list[int]]) -> None:
    """Check ``keep_best(boxes, scores, threshold)``.

    Parameters
    ----------
    student
        Takes boxes ``(n, 4)``, scores ``(n,)`` and the largest IoU allowed; returns the indices of
        the boxes that are kept, best first, as a list.

    Examples
    --------
    >>> check_keep_best(_keep_best)
    Right: 8 cases agree.
    """
    chain = torch.tensor([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]).float()
    inside = torch.tensor([[0, 0, 20, 20], [5, 5, 10, 10], [0, 0, 20, 19]]).float()
    apart = torch.tensor([[0, 0, 4, 4], [4, 0, 8, 4], [30, 30, 40, 44]]).float()
    corners = torch.tensor([[0, 0, 4, 4], [7, 7, 11, 11]]).float()
    half = torch.tensor([[0, 0, 2, 1], [0, 0, 1, 1]]).float()
    draw = torch.Generator().manual_seed(4)
    corner = torch.rand(12, 2, generator=draw) * 20
    many = torch.cat([corner, corner + 6 + torch.rand(12, 2, generator=draw) * 6], dim=1)
    cases = [
        (apart, torch.tensor([0.2, 0.9, 0.5]), 0.5),
        (chain, torch.tensor([0.9, 0.8, 0.7]), 0.3),  # the first drops the second, not the third
        (chain, torch.tensor([0.7, 0.9, 0.8]), 0.3),
        (inside, torch.tensor([0.6, 0.5, 0.9]), 0.5),  # a small one in a large one is another
        (many, torch.rand(12, generator=draw), 0.25),
        (corners, torch.tensor([0.5, 0.6]), 0.25),
        (half, torch.tensor([0.9, 0.8]), 0.5),  # an overlap of exactly the threshold is allowed
        (torch.zeros(0, 4), torch.zeros(0), 0.5),
    ]
    check(
        student,
        _keep_best,
        cases,
        tolerance=0,
        hint="Go from the best score down; compare only with boxes that were kept; the overlap is "
        "the common area divided by the area of both together, and two boxes that lie apart have "
        "no common area, though both differences may be negative.",
    )
