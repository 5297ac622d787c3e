"""Masks, parts, targets and the network of scenes: against SciPy and by construction."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.metrics import confusion_matrix, jaccard_score

from ravm_course.data import load_emoji, load_emoji_splits
from ravm_course.training import fit
from ravm_course.vision.boxes import Detections, box_iou
from ravm_course.vision.kinds import KINDS, PARTS, drawing_rows, kind_of_drawing
from ravm_course.vision.masks import boxes_of, class_iou, components, confusion, ground_distance
from ravm_course.vision.scene_net import CELL, SceneNet, cell_targets, detect, detection_loss
from ravm_course.vision.scene_task import (
    found_objects,
    look_at,
    scene_drawer,
    scene_loss,
    scene_set,
    score_scenes,
)


@given(st.integers(0, 999), st.integers(2, 4))
def test_iou_of_masks_equals_scikit_learns(seed, classes):
    rng = np.random.default_rng(seed)
    expected, predicted = rng.integers(0, classes, (2, 30))
    counts = confusion(predicted, expected, classes)
    assert (counts == confusion_matrix(expected, predicted, labels=range(classes))).all()
    theirs = jaccard_score(
        expected, predicted, average=None, labels=range(classes), zero_division=0
    )
    np.testing.assert_allclose(np.nan_to_num(class_iou(counts)), theirs)


def test_confusion_refuses():
    with pytest.raises(ValueError, match="differ"):
        confusion(np.zeros(2, int), np.zeros(3, int), 2)
    with pytest.raises(ValueError, match="expected 0 to 1"):
        confusion(np.array([2]), np.array([0]), 2)


@given(st.integers(0, 999), st.floats(0.2, 0.8))
def test_components_equal_scipys(seed, share):
    mask = np.random.default_rng(seed).random((2, 7, 9)) < share
    ours = components(torch.tensor(mask)).numpy()
    for found, picture in zip(ours, mask, strict=True):
        theirs, count = ndimage.label(picture)
        assert found.max() == count
        pairs = {*zip(found.ravel().tolist(), theirs.ravel().tolist(), strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_boxes_of_parts_contain_them():
    numbered = components(torch.rand(1, 12, 12) < 0.4)[0]
    boxes = boxes_of(numbered)
    assert len(boxes) == numbered.max()
    for part, (left, top, right, bottom) in enumerate(boxes.tolist(), start=1):
        mask = numbered == part
        assert mask[top:bottom, left:right].sum() == mask.sum()
        assert mask[top].any()
        assert mask[bottom - 1].any()
        assert mask[:, left].any()
        assert mask[:, right - 1].any()
    assert boxes_of(torch.zeros(4, 4, dtype=torch.long)).shape == (0, 4)
    assert len(boxes_of(numbered, smallest=10_000)) == 0


def test_a_cubic_ground_is_no_object():
    y, x = torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32), indexing="ij")
    ground = (0.5 + 0.2 * x - 0.2 * y**3 + 0.1 * x * y).expand(1, 3, 32, 32)
    assert ground_distance(ground).max() < 1e-3


def test_targets_can_be_read_back():
    part = scene_set("test_both", 20)
    heat, distances, _ = cell_targets(part.boxes, part.labels, len(KINDS), 64)
    raw = torch.log(torch.expm1((distances / 8).clamp(min=1e-4).double())).float()
    cells = torch.cat([(heat.clamp(1e-6, 1 - 1e-6)).logit(), raw], dim=1)
    scores = score_scenes(part.masks, detect(cells, least=0.9), part)
    assert scores["iou"] == 1
    assert scores["map"] > 0.9  # two middles in one cell, or nearly the same box, are lost
    for found, boxes in zip(detect(cells, least=0.9), part.objects()[0], strict=True):
        assert (box_iou(found.boxes, boxes).amax(1) > 0.99).all()


def test_the_loss_is_small_only_if_cells_say_the_truth():
    part = scene_set("test_both", 4)
    targets = cell_targets(part.boxes, part.labels, len(KINDS), 64)
    raw = torch.log(torch.expm1((targets[1] / 8).clamp(min=1e-4)))
    true = torch.cat([torch.where(targets[0] == 1, 9.0, -9.0), raw], dim=1)
    wrong = torch.cat([torch.full_like(targets[0], -9.0), raw], dim=1)
    small = torch.cat([torch.where(targets[0] == 1, 9.0, -9.0), torch.zeros_like(raw)], dim=1)
    best = detection_loss(true, *targets)
    assert best < 0.01
    assert detection_loss(wrong, *targets) > best + 1
    assert detection_loss(small, *targets) > best + 0.3
    nothing = cell_targets(part.boxes, torch.full_like(part.labels, -1), len(KINDS), 64)
    assert torch.isfinite(detection_loss(true, *nothing))


def test_the_drawer_mirrors_everything_together():
    part = scene_set("test_both", 6)
    draw = scene_drawer(part, batch=64)
    images, masks, heat, distances, near = draw(torch.Generator().manual_seed(0))
    turned = 0
    for n in range(64):
        same = [i for i in range(6) if torch.equal(images[n], part.images[i])]
        mirrored = [i for i in range(6) if torch.equal(images[n].flip(2), part.images[i])]
        source = (same or mirrored)[0]
        mask = masks[n] if same else masks[n].flip(1)
        assert torch.equal(mask, part.masks[source])
        turned += not same
        rows, columns = near[n].nonzero(as_tuple=True)
        for r, c in zip(rows.tolist(), columns.tolist(), strict=True):
            left, top, right, bottom = distances[n, :, r, c].tolist()
            box = (c + 0.5) * CELL - left, (r + 0.5) * CELL - top
            box += (c + 0.5) * CELL + right, (r + 0.5) * CELL + bottom
            there = part.objects()[0][source].double()
            if not same:
                there = torch.stack(
                    [64 - there[:, 2], there[:, 1], 64 - there[:, 0], there[:, 3]], 1
                )
            assert box_iou(torch.tensor([box]), there).max() > 0.99
        assert heat[n].max() == 1
    assert 16 < turned < 48


def test_a_few_steps_lower_the_loss():
    part = scene_set("test_both", 8)
    torch.manual_seed(0)
    model = SceneNet(len(KINDS), (8, 8, 16))
    history = fit(model, scene_loss, scene_drawer(part, batch=8), steps=30, lr=1e-2, progress=False)
    assert history.losses[-1] < history.losses[0] / 2
    masks, found = look_at(model, part)
    assert masks.shape == (8, 64, 64)
    hits, drawings = found_objects(found, part, kinds=False)
    assert len(hits) == len(drawings) == (part.labels >= 0).sum()


def test_nothing_found_scores_nothing():
    part = scene_set("test_both", 3)
    nothing = Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
    scores = score_scenes(torch.zeros_like(part.masks), [nothing] * 3, part)
    assert scores["map"] == scores["ap_any"] == scores["iou_object"] == 0
    assert not found_objects([nothing] * 3, part)[0].any()


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64), (0, 3, 64, 64), (1, 3, 60, 64)])
def test_what_is_no_scene_is_refused(shape):
    with pytest.raises(ValueError, match=r"images have shape|8 must divide"):
        SceneNet(3)(torch.rand(shape))


def test_without_the_way_across_it_is_another_function():
    torch.manual_seed(0)
    with_lateral = SceneNet(2).eval()
    without = SceneNet(2, lateral=False).eval()
    without.load_state_dict(with_lateral.state_dict())
    x = torch.rand(1, 3, 16, 16)
    assert not torch.allclose(with_lateral(x)[0], without(x)[0])


def test_parts_share_neither_artist_nor_concept():
    emoji, splits = load_emoji(), load_emoji_splits()
    rows = {part: drawing_rows(part) for part in PARTS}
    artists = {part: set(emoji.artist[r].tolist()) for part, r in rows.items()}
    concepts = {part: set(emoji.concept[r].tolist()) for part, r in rows.items()}
    for part in ("validation", "test_artist", "test_both"):
        assert not artists[part] & artists["train"]
    for part in ("test_concept", "test_both"):
        assert not concepts[part] & concepts["train"]
        assert concepts[part] <= set(splits.unseen.tolist())
    assert not artists["validation"] & artists["test_both"]
    for r in rows.values():
        assert (kind_of_drawing()[r] >= 0).all()
    with pytest.raises(ValueError, match="expected one of train"):
        drawing_rows("test")
