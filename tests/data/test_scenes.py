"""Scenes are what they say: masks, boxes and sources agree, and nothing else gets in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.data import load_emoji, load_emoji_splits
from ravm_course.data.scenes import compose_scenes, cut_out

IMAGES = load_emoji().images
ROWS = load_emoji_splits().train[::40]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.sampled_from(["grid", "free"]), st.sampled_from([48, 64, 96]))
def test_masks_boxes_and_sources_agree(seed, layout, size):
    scenes = compose_scenes(
        IMAGES, ROWS, count=3, seed=seed, size=size, layout=layout, sides=(14, 24)
    )
    assert scenes.images.shape == (3, size, size, 3)
    for owner, boxes, source in zip(scenes.owner, scenes.boxes, scenes.source, strict=True):
        there = np.flatnonzero(source >= 0)
        assert there.tolist() == [*range(len(there))]
        assert len(there) == (4 if layout == "grid" else len(there)) >= 1
        assert set(np.unique(owner)) == {-1, *there.tolist()}
        assert len(set(source[there].tolist())) == len(there)
        assert set(source[there].tolist()) <= set(ROWS.tolist())
        for m, (left, top, right, bottom) in enumerate(boxes[: len(there)].tolist()):
            rows, columns = np.nonzero(owner == m)
            assert (left, top) == (columns.min(), rows.min())
            assert (right, bottom) == (columns.max() + 1, rows.max() + 1)
        assert (boxes[len(there) :] == 0).all()


def test_a_grid_has_one_object_in_each_cell():
    scenes = compose_scenes(IMAGES, ROWS, count=10, layout="grid", grid=(2, 2), sides=(16, 32))
    middles = (scenes.boxes[..., :2] + scenes.boxes[..., 2:]) / 2
    cells = (middles[..., 1] // 32 * 2 + middles[..., 0] // 32).astype(int)
    assert (np.sort(cells, axis=1) == np.arange(4)).all()


def test_the_seed_decides():
    one, two, three = (compose_scenes(IMAGES, ROWS, count=4, seed=s) for s in (1, 1, 2))
    for name in ("images", "owner", "boxes", "source"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.images, three.images)


def test_objects_hide_no_more_than_they_may():
    drawing = np.full((3, 64, 64, 3), 255, np.uint8)
    drawing[:, 8:56, 8:56] = np.array([[10, 20, 200], [200, 20, 10], [20, 200, 10]])[:, None, None]
    scenes = compose_scenes(
        drawing, range(3), count=60, objects=(3, 3), sides=(32, 32), visible=0.6
    )
    whole = 24 * 24
    for owner, source in zip(scenes.owner, scenes.source, strict=True):
        for m in range((source >= 0).sum()):
            assert (owner == m).sum() >= 0.6 * whole


def test_an_object_covers_what_is_behind_it():
    drawing = np.full((1, 64, 64, 3), 255, np.uint8)
    drawing[0, 16:48, 16:48] = (7, 77, 177)
    scenes = compose_scenes(drawing, [0], count=1, layout="grid", grid=(1, 1), sides=(32, 32))
    assert (scenes.owner[0] == 0).sum() == 16 * 16
    inside = scenes.images[0][scenes.owner[0] == 0]
    assert (inside == (7, 77, 177)).all()
    assert scenes.label_map([9])[0][scenes.owner[0] == 0].tolist() == [9] * 256
    assert (scenes.label_map([9], ground=4) == 4).sum() == 64 * 64 - 256


def test_white_inside_a_drawing_belongs_to_it():
    eye = np.full((1, 9, 9, 3), 255, np.uint8)
    eye[0, 2:7, 2:7] = 0
    eye[0, 4, 4] = 255
    assert cut_out(eye).sum() == 25
    open_ring = eye.copy()
    open_ring[0, 4, 5:] = 255  # a way out
    assert not cut_out(open_ring)[0, 4, 4]
    assert cut_out(np.zeros((1, 4, 4, 3), np.uint8)).all()
    assert not cut_out(np.full((1, 4, 4, 3), 255, np.uint8)).any()


@pytest.mark.parametrize(
    ("rows", "options", "error"),
    [
        ([], {}, "from 0 drawings"),
        ([0, 1], {}, "1 to 4 objects from 2 drawings"),
        (ROWS, {"count": 0}, "0 scenes"),
        (ROWS, {"objects": (3, 2)}, "3 to 2 objects"),
        (ROWS, {"sides": (2, 30)}, r"sides \(2, 30\)"),
        (ROWS, {"sides": (20, 99)}, "do not fit into 64"),
        (ROWS, {"layout": "grid", "sides": (20, 40)}, "do not fit into 32"),
        (ROWS, {"layout": "circle"}, "expected one of grid, free"),
        (ROWS, {"visible": 2}, "visible 2"),
    ],
)
def test_what_cannot_be_composed_is_refused(rows, options, error):
    with pytest.raises(ValueError, match=error):
        compose_scenes(IMAGES, rows, **{"count": 1} | options)


def test_cut_out_refuses_what_is_no_drawing():
    with pytest.raises(ValueError, match=r"expected uint8 \(N, H, W, 3\)"):
        cut_out(np.zeros((2, 4, 4)))
    with pytest.raises(ValueError, match="float64"):
        cut_out(np.zeros((1, 4, 4, 3)))
