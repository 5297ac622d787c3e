"""Draw the figures of the course in one style.

Colours are those of Okabe & Ito (*Color Universal Design*, 2008), which people with any common
colour blindness can tell apart; right and wrong differ in line and mark as well as in colour. The
background is light and opaque, so that a figure stays readable on a dark page.

Text in a figure is drawn with DejaVu Sans, which ships with Matplotlib and holds Latin, Greek,
Cyrillic and mathematics but no Chinese and few emoji. Titles with other characters are refused
rather than drawn as empty boxes: show such text in a table beside the figure, where the browser
finds a font.

Every function returns a :class:`matplotlib.figure.Figure` that :mod:`matplotlib.pyplot` does not
know, so a notebook cell that ends with it shows it once, and nothing has to be closed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib import font_manager, pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ravm_course.metrics import Interval

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, BLACK = "#56B4E9", "#CC79A7", "#F0E442", "#222222"
COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK, YELLOW)

_FONT = "DejaVu Sans"
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#555555",
    "axes.facecolor": "#FFFFFF",
    "axes.grid": True,
    "axes.labelcolor": BLACK,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 120,
    "figure.facecolor": "#FAFAF7",
    "figure.figsize": (6.4, 3.8),
    "font.family": _FONT,
    "font.size": 10,
    "grid.color": "#E3E3DE",
    "image.cmap": "cividis",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "#FAFAF7",
    "savefig.transparent": False,
    "text.color": BLACK,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}


def use_style() -> None:
    """Set Matplotlib's defaults to the style of the course, for this process.

    Call it once at the top of a notebook, before the first figure.

    Examples
    --------
    >>> use_style()
    >>> matplotlib.rcParams["figure.dpi"]
    120.0
    """
    matplotlib.rcParams.update(_STYLE)
    pyplot.switch_backend(pyplot.get_backend())  # a notebook now shows a Figure as a picture


def subplots(
    rows: int = 1, columns: int = 1, size: tuple[float, float] | None = None, **options: object
) -> tuple[Figure, Axes]:
    """Return a new figure and its axes, like :func:`matplotlib.pyplot.subplots`.

    Unlike there, a notebook does not show the figure by itself: end the cell with it.

    Parameters
    ----------
    rows, columns
        How many axes.
    size
        Width and height of the figure in inches.
    **options
        For :meth:`matplotlib.figure.Figure.subplots`, such as ``sharey=True``.

    Returns
    -------
    tuple
        The figure, and its axes (one, or an array of them).

    Examples
    --------
    >>> figure, axes = subplots(1, 2)
    >>> axes.shape
    (2,)
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        return figure, figure.subplots(rows, columns, **options)


def image_strip(
    images: Sequence[ArrayLike],
    titles: Sequence[str] | None = None,
    *,
    marks: Sequence[bool | None] | None = None,
    size: float = 1.0,
) -> Figure:
    """Return a row of pictures, such as a query's nearest neighbours.

    Parameters
    ----------
    images, titles, marks, size
        As for :func:`image_grid`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = image_strip(np.zeros((3, 8, 8, 3), np.uint8), ["query", "cat", "dog"],
    ...                      marks=[None, True, False])
    >>> [axes.get_title() for axes in figure.axes]
    ['query', '✓ cat', '✗ dog']
    """
    return image_grid(images, titles, columns=len(images), marks=marks, size=size)


def image_grid(
    images: Sequence[ArrayLike],
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    row_labels: Sequence[str] | None = None,
    marks: Sequence[bool | None] | None = None,
    size: float = 1.0,
) -> Figure:
    """Return pictures in rows of `columns`.

    Parameters
    ----------
    images
        N pictures, each uint8 (H, W, 3) or (H, W), or float in [0, 1].
    titles
        A short text above each picture, in characters that DejaVu Sans has.
    columns
        Pictures a row.
    row_labels
        A text left of each row.
    marks
        For each picture True (right: solid blue frame, ✓), False (wrong: dashed vermillion frame,
        ✗) or None (no frame).
    size
        Width of a picture in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no picture, a length does not fit, a picture has another shape or range, or a
        text has a character that cannot be drawn.

    Examples
    --------
    >>> len(image_grid(np.zeros((5, 8, 8), np.uint8), columns=3).axes)
    6
    """
    pictures = [_picture(image, i) for i, image in enumerate(images)]
    if not pictures or columns < 1:
        raise ValueError(f"{len(pictures)} images in {columns} columns: give at least one of each.")
    rows = -(-len(pictures) // columns)
    for name, texts, expected in (
        ("titles", titles, len(pictures)),
        ("marks", marks, len(pictures)),
        ("row_labels", row_labels, rows),
    ):
        if texts is not None and len(texts) != expected:
            raise ValueError(f"{len(texts)} {name} were given but {expected} are needed.")
    _check_glyphs([*(titles or ()), *(row_labels or ())])

    lines = max((str(title).count("\n") + 1 for title in titles), default=0) if titles else 0
    left = 0.09 * max((len(str(label)) for label in row_labels), default=0) if row_labels else 0
    figure, grid = subplots(
        rows, columns, size=(columns * size + left, rows * (size + 0.17 * lines)), squeeze=False
    )
    for i, axes in enumerate(grid.flat):
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        if i >= len(pictures):
            axes.set_facecolor("none")
            continue
        axes.imshow(pictures[i], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        title = "" if titles is None else str(titles[i])
        if marks is not None and marks[i] is not None:
            right = bool(marks[i])
            title = ("✓ " if right else "✗ ") + title
            axes.spines[:].set(
                visible=True,
                color=BLUE if right else VERMILLION,
                linestyle="-" if right else (0, (3, 1.5)),
                linewidth=2.5,
            )
        axes.set_title(title, fontsize=8, pad=3)
        if row_labels is not None and i % columns == 0:
            axes.set_ylabel(row_labels[i // columns], rotation=0, ha="right", va="center")
    return figure


def interval_bars(
    labels: Sequence[str],
    intervals: Sequence[Interval],
    *,
    xlabel: str = "",
    reference: float | None = None,
    highlight: str | None = None,
) -> Figure:
    """Return horizontal bars of means with their intervals, the first on top.

    Parameters
    ----------
    labels
        Name of each system.
    intervals
        Its result.
    xlabel
        What is measured, with its unit.
    reference
        Where to draw a dashed line, such as chance.
    highlight
        The label whose bar is drawn in another colour.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the lengths differ, `highlight` is no label, or a text cannot be drawn.

    Examples
    --------
    >>> figure = interval_bars(["none", "real"], [Interval(.2, .1, .3), Interval(.8, .7, .9)],
    ...                        xlabel="accuracy", highlight="real")
    >>> figure.axes[0].get_xlabel()
    'accuracy'
    """
    labels = [str(label) for label in labels]
    if not labels or len(labels) != len(intervals):
        raise ValueError(f"{len(labels)} labels for {len(intervals)} intervals: give one for each.")
    if highlight is not None and highlight not in labels:
        raise ValueError(f"highlight is {highlight!r}, which is none of the labels {labels}.")
    _check_glyphs([*labels, xlabel])
    figure, axes = subplots(size=(6.4, 0.9 + 0.36 * len(labels)))
    place = np.arange(len(labels))
    means = np.array([interval.mean for interval in intervals])
    reach = np.array([[i.mean - i.low, i.high - i.mean] for i in intervals]).T
    axes.barh(
        place,
        means,
        height=0.66,
        color=[ORANGE if label == highlight else SKY for label in labels],
        xerr=np.maximum(reach, 0),
        error_kw={"ecolor": BLACK, "elinewidth": 1.4, "capsize": 3},
    )
    for at, interval in zip(place, intervals, strict=True):
        edge = max(interval.high, interval.mean, 0)
        axes.annotate(
            str(interval), (edge, at), (6, 0), textcoords="offset points", va="center", fontsize=8
        )
    if reference is not None:
        axes.axvline(reference, color=BLACK, linestyle="--", linewidth=1)
    axes.set(yticks=place, yticklabels=labels, xlabel=xlabel)
    axes.margins(x=0.28)
    ticks = axes.get_xticks()
    largest = max(0, *(max(interval.high, interval.mean) for interval in intervals))
    needed = int(np.searchsorted(ticks, largest)) + 1  # the room for texts needs none
    limits = axes.get_xlim()
    axes.set_xticks(ticks[:needed])
    axes.set_xlim(limits)
    axes.grid(visible=False, axis="y")
    axes.invert_yaxis()
    return figure


def _picture(image: ArrayLike, i: int) -> np.ndarray:
    """Return a picture as float (H, W) or (H, W, 3) in [0, 1]."""
    image = np.asarray(image)
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))):
        raise ValueError(
            f"image {i} has shape {image.shape}: expected (H, W) or (H, W, 3). "
            "A tensor of shape (3, H, W) is turned by `.permute(1, 2, 0)`."
        )
    if image.dtype == np.uint8:
        return image / 255
    if not (image.size and image.min() >= 0 and image.max() <= 1):
        raise ValueError(f"image {i} is {image.dtype} outside [0, 1]: give uint8, or floats there.")
    return image.astype(np.float64)


@functools.cache
def _known_characters() -> frozenset[int]:
    """Return the code points that DejaVu Sans can draw."""
    return frozenset(font_manager.get_font(font_manager.findfont(_FONT)).get_charmap())


def _check_glyphs(texts: Sequence[str]) -> None:
    """Refuse text that would be drawn as empty boxes."""
    for text in map(str, texts):
        for character in text:
            if character != "\n" and ord(character) not in _known_characters():
                raise ValueError(
                    f"the figure's font cannot draw {character!r} of {text!r}: "
                    "show this text in a table beside the figure."
                )
