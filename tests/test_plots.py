"""Figures: what is drawn, in which colours, and that nothing warns."""

import io
import warnings

import matplotlib
import numpy as np
import pytest
from PIL import Image

from ravm_course import plots
from ravm_course.metrics import Interval

PICTURES = np.random.default_rng(0).integers(0, 255, (5, 16, 16, 3), dtype=np.uint8)


def rendered(figure):
    """Draw a figure with every warning an error; return its pixels (H, W, 4)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGBA"))


def test_figures_are_light_and_opaque_even_on_a_dark_page():
    with matplotlib.rc_context():
        matplotlib.rcParams.update({"savefig.transparent": False})
        for figure in (
            plots.image_strip(PICTURES, list("abcde")),
            plots.interval_bars(["a"], [Interval(0.5, 0.4, 0.6)], xlabel="accuracy"),
        ):
            pixels = rendered(figure)
            assert (pixels[..., 3] == 255).all()
            assert (pixels[0, :, :3] > 230).all()


def test_use_style_sets_the_cycle_of_okabe_and_ito():
    with matplotlib.rc_context():
        plots.use_style()
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
        assert cycle[0] == "#0072B2"
        assert len(set(cycle)) == 8
        assert matplotlib.rcParams["figure.constrained_layout.use"]


def test_drawing_leaves_the_defaults_alone():
    before = dict(matplotlib.rcParams)
    rendered(plots.image_grid(PICTURES, columns=2, row_labels=["x", "yy", "zzz"]))
    assert dict(matplotlib.rcParams) == before


def test_right_and_wrong_differ_in_more_than_colour():
    figure = plots.image_strip(PICTURES[:2], ["a", "b"], marks=[True, False])
    right, wrong = figure.axes
    assert right.get_title() == "✓ a"
    assert wrong.get_title() == "✗ b"
    assert right.spines["top"].get_linestyle() != wrong.spines["top"].get_linestyle()
    rendered(figure)


def test_grid_places_pictures_in_reading_order_and_hides_the_rest():
    figure = plots.image_grid(PICTURES, columns=3)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(figure.axes) == 6
    np.testing.assert_allclose(np.stack(shown), PICTURES / 255)


def test_grey_float_and_uint8_pictures_are_taken():
    rendered(plots.image_strip([PICTURES[0], PICTURES[0, :, :, 0], np.full((4, 4), 0.5)]))


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([], {}, "at least one"),
        ([np.zeros((3, 8, 9))], {}, "permute"),
        ([np.full((8, 8), 2.0)], {}, "outside"),
        ([np.full((8, 8), np.nan)], {}, "outside"),
        (PICTURES, {"titles": ["one"]}, "1 titles were given but 5"),
        (PICTURES, {"marks": [True]}, "1 marks"),
        (PICTURES, {"titles": ["cat 猫"] * 5}, "'猫'.*table"),
    ],
)
def test_what_cannot_be_drawn_is_refused(images, options, message):
    with pytest.raises(ValueError, match=message):
        plots.image_grid(images, **options)


def test_interval_bars_show_each_interval():
    labels = ["none", "real"]
    figure = plots.interval_bars(
        labels, [Interval(0.2, 0.1, 0.3), Interval(-0.8, -0.9, -0.7)], reference=0.0
    )
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == labels
    assert axes.texts[1].get_text() == "-0.800 [-0.90, -0.70]"
    rendered(figure)
    with pytest.raises(ValueError, match="give one for each"):
        plots.interval_bars(["a"], [])
    with pytest.raises(ValueError, match="none of the labels"):
        plots.interval_bars(["a"], [Interval(0, 0, 0)], highlight="b")


def test_the_figures_are_unknown_to_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.subplots()
    assert plt.get_fignums() == before


def test_an_axis_of_shares_ends_at_one():
    figure = plots.interval_bars(["a", "b"], [Interval(0.5, 0.4, 0.6), Interval(0.95, 0.9, 0.99)])
    axes = figure.axes[0]
    assert axes.get_xticks().max() == pytest.approx(1)
    assert axes.get_xlim()[1] > 1.05  # there is room for the numbers
