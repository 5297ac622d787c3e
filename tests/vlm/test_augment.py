"""Random changes: reproducible, within range, each picture on its own."""

import pytest
import torch

from ravm_course.vlm.augment import affine, augment, cut_out, may_mirror, recolour


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def pictures():
    return torch.rand(16, 3, 32, 32, generator=seeded())


def test_same_seed_same_pictures(pictures):
    assert torch.equal(augment(pictures, seeded(1)), augment(pictures, seeded(1)))
    assert not torch.equal(augment(pictures, seeded(1)), augment(pictures, seeded(2)))


def test_values_and_shape(pictures):
    changed = augment(pictures, seeded(), size=16, mirror=torch.ones(16, dtype=torch.bool))
    assert changed.shape == (16, 3, 16, 16)
    assert changed.min() >= -1e-6
    assert changed.max() <= 1 + 1e-6


def test_strength_zero_only_resizes(pictures):
    torch.testing.assert_close(augment(pictures, seeded(), strength=0), pictures)
    halved = torch.nn.functional.avg_pool2d(pictures, 2)
    torch.testing.assert_close(augment(pictures, seeded(), size=16, strength=0), halved)


def test_mirrors_only_what_may_be_mirrored(pictures):
    allowed = torch.arange(16) % 2 == 0
    out = affine(pictures, seeded(3), size=32, strength=0, mirror=allowed)
    same = torch.tensor(
        [torch.allclose(a, b, atol=1e-5) for a, b in zip(out, pictures, strict=True)]
    )
    turned = torch.tensor(
        [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(out, pictures, strict=True)]
    )
    assert torch.equal(same | turned, torch.ones(16, dtype=torch.bool))
    assert not turned[~allowed].any()
    assert turned[allowed].any()
    assert same[allowed].any()


def test_white_stays_white_under_a_change_of_colours():
    white = torch.ones(4, 3, 8, 8)
    torch.testing.assert_close(recolour(white, seeded(), 1.0), white, atol=1e-5, rtol=0)


def test_paper_is_white_where_a_turned_picture_ends():
    black = torch.zeros(8, 3, 16, 16)
    out = affine(black, seeded(), size=16, strength=1, mirror=torch.zeros(8, dtype=torch.bool))
    assert set(out.round().unique().tolist()) == {0.0, 1.0}


def test_cut_out_hides_one_rectangle_of_one_colour():
    out = cut_out(torch.full((8, 3, 20, 20), -1.0), seeded(), 1.0)
    for picture in out:
        hidden = picture[0] >= 0
        rows, columns = hidden.any(1).sum(), hidden.any(0).sum()
        assert hidden.sum() == rows * columns > 0
        assert len(picture[:, hidden].unique(dim=1).T) == 1


@pytest.mark.parametrize(
    ("group", "name", "allowed"),
    [
        ("animals-nature", "fish", True),
        ("food-drink", "banana", True),
        ("symbols", "recycling symbol", False),
        ("flags", "triangular flag", False),
        ("people-body", "left-facing fist", False),
        ("travel-places", "ten o’clock", False),
    ],
)
def test_which_concepts_may_be_mirrored(group, name, allowed):
    assert may_mirror(group, name) is allowed
