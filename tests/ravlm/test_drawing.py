"""Exercises for drawing in one hand: neighbours show the same concept, and mirror together."""

import numpy as np
import pytest
import torch

from ravm_course.ravlm.drawing import redraw_drawer, shrink

CONCEPTS, STORED = np.array([4, 9, 2]), np.array([9, 2, 4, 9, 9, 2])


def picture(value):
    """Return a picture that says which it is, and whether it was mirrored."""
    x = torch.full((3, 4, 4), float(value))
    x[:, :, 0] += 0.5
    return x


def drawer(**options):
    targets = torch.stack([picture(c) for c in CONCEPTS])
    store = torch.stack([picture(10 * c) for c in STORED])
    vectors = torch.tensor(CONCEPTS)[:, None].float().expand(-1, 2)
    options = {"batch": 40, "pictures": 2} | options
    return redraw_drawer(targets, CONCEPTS, store, STORED, vectors, **options)


def test_neighbours_show_the_concept_of_the_target_and_mirror_with_it():
    drawing, noise, time, shown, vector = drawer()(torch.Generator().manual_seed(0))
    what = drawing[:, 0, 0, 1]
    assert set(what.tolist()) == {2, 4, 9}
    assert torch.equal(shown[:, :, 0, 0, 1], 10 * what[:, None].expand(-1, 2))
    assert torch.equal(vector, what[:, None].expand(-1, 2))
    left = drawing[:, 0, 0, 0] > what
    assert 5 < left.sum() < 35
    assert torch.equal(shown[:, :, 0, 0, 0] > 10 * what[:, None], left[:, None].expand(-1, 2))
    assert noise.std() == pytest.approx(1, abs=0.1)
    assert time.min() >= 0
    assert time.max() < 1


def test_all_drawings_of_the_store_are_shown_equally_often():
    store = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 4, 4)
    draw = redraw_drawer(
        torch.zeros(1, 3, 4, 4),
        np.array([9]),
        store,
        STORED,
        torch.zeros(1, 2),
        batch=3000,
        pictures=2,
    )
    shown = draw(torch.Generator().manual_seed(0))[3][:, :, 0, 0, 0].long()
    assert (shown[:, 0] != shown[:, 1]).all(), "where there are enough, they differ"
    counts = torch.bincount(shown.flatten(), minlength=6)
    assert counts[[1, 2, 5]].sum() == 0
    assert (counts[[0, 3, 4]] > 1800).all()


def test_one_drawing_is_shown_twice():
    shown = drawer(pictures=3)(torch.Generator().manual_seed(0))[3]
    four = shown[shown[:, 0, 0, 0, 1] == 40]
    assert len(four)
    assert torch.equal(four[:, 0], four[:, 2])


def test_blank_shows_nothing_and_changes_nothing_else():
    seeing, blind = (drawer(blank=b)(torch.Generator().manual_seed(3)) for b in (False, True))
    for i in (0, 1, 2, 4):
        assert torch.equal(seeing[i], blind[i])
    assert blind[3].eq(0).all()
    assert seeing[3].ne(0).any()


def test_shrink_averages():
    images = np.zeros((1, 4, 4, 3), np.uint8)
    images[0, :2, :2] = 255
    small = shrink(images, 2)
    assert small[0, 0].tolist() == [[1, -1], [-1, -1]]


def test_errors():
    with pytest.raises(ValueError, match="give one each"):
        redraw_drawer(
            torch.zeros(2, 3, 4, 4),
            CONCEPTS,
            torch.zeros(6, 3, 4, 4),
            STORED,
            torch.zeros(3, 2),
            batch=1,
            pictures=1,
        )
    with pytest.raises(ValueError, match="no drawing of concept 7"):
        redraw_drawer(
            torch.zeros(1, 3, 4, 4),
            np.array([7]),
            torch.zeros(6, 3, 4, 4),
            STORED,
            torch.zeros(1, 2),
            batch=1,
            pictures=1,
        )
