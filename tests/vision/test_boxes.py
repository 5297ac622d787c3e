"""Boxes against shapely-free arithmetic and scikit-learn, and what they refuse."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from ravm_course.vision.boxes import (
    Detections,
    average_precision,
    box_average_precision,
    box_iou,
    match,
    suppress,
)

corners = st.tuples(*[st.integers(0, 7)] * 4).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


@given(corners, corners)
def test_iou_equals_counting_pixels(a, b):
    canvas = np.zeros((2, 8, 8), bool)
    for plane, (left, top, right, bottom) in zip(canvas, (a, b), strict=True):
        plane[top:bottom, left:right] = True
    union = (canvas[0] | canvas[1]).sum()
    expected = (canvas[0] & canvas[1]).sum() / union if union else 0.0
    assert box_iou(torch.tensor([a]), torch.tensor([b])).item() == pytest.approx(expected)


def test_iou_refuses_what_is_no_box():
    with pytest.raises(ValueError, match="right side left"):
        box_iou(torch.tensor([[3, 0, 1, 1]]), torch.tensor([[0, 0, 1, 1]]))
    with pytest.raises(ValueError, match=r"b has shape \(4,\)"):
        box_iou(torch.zeros(1, 4), torch.zeros(4))


@given(st.lists(corners, min_size=1, max_size=12), st.floats(0, 0.9), st.integers(0, 99))
def test_suppression_keeps_no_overlap_and_drops_only_overlaps(boxes, threshold, seed):
    boxes = torch.tensor(boxes)
    scores = torch.rand(len(boxes), generator=torch.Generator().manual_seed(seed))
    kept = suppress(boxes, scores, threshold)
    overlap = box_iou(boxes, boxes)
    assert scores[kept].diff().le(0).all()
    among = overlap[kept][:, kept] - torch.eye(len(kept)) * overlap[kept, kept]
    assert (among <= threshold).all()
    for i in set(range(len(boxes))) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[i]]
        assert (overlap[i, better] > threshold).any()


def test_nothing_is_suppressed_of_nothing():
    assert suppress(torch.zeros(0, 4), torch.zeros(0)).tolist() == []
    with pytest.raises(ValueError, match="one number for each"):
        suppress(torch.zeros(1, 4), torch.tensor([torch.nan]))
    with pytest.raises(ValueError, match="one number for each"):
        suppress(torch.zeros(2, 4), torch.zeros(1))


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 999)), min_size=1, unique_by=lambda r: r[1])
)
def test_average_precision_without_misses_is_near_scikit_learns(rows):
    """Theirs does not smooth precision, so ours is never lower, and equal if it falls anyway."""
    right, scores = (np.array(column) for column in zip(*rows, strict=True))
    if not right.any():
        return
    ours = average_precision(right, scores, int(right.sum()))
    theirs = average_precision_score(right, scores)
    assert ours >= theirs - 1e-9
    order = np.argsort(-scores)
    precision = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    if (np.diff(precision[right[order]]) <= 0).all():
        assert ours == pytest.approx(theirs)


@given(st.integers(1, 5), st.integers(0, 5))
def test_misses_cost_recall(found, missed):
    right = np.ones(found, bool)
    assert average_precision(right, np.arange(found), found + missed) == pytest.approx(
        found / (found + missed)
    )


@pytest.mark.parametrize(
    ("right", "scores", "objects", "error"),
    [
        ([True], [0.5], 0, "at least one object"),
        ([True], [0.5, 0.4], 1, "one of each"),
        ([True, True], [0.5, 0.4], 1, "match them first"),
    ],
)
def test_average_precision_refuses(right, scores, objects, error):
    with pytest.raises(ValueError, match=error):
        average_precision(np.array(right), np.array(scores), objects)


def detections(boxes, labels, scores):
    return Detections(torch.tensor(boxes).view(-1, 4), torch.tensor(labels), torch.tensor(scores))


def test_each_object_is_found_once_and_only_as_its_kind():
    there = torch.tensor([[0, 0, 4, 4], [10, 10, 14, 14]]), torch.tensor([0, 1])
    found = detections(
        [[0, 0, 4, 4], [0, 0, 4, 3], [10, 10, 14, 14], [10, 10, 14, 13]],
        [0, 0, 0, 1],
        [0.8, 0.9, 0.7, 0.1],
    )
    right, seen = match(found, *there)
    assert right.tolist() == [False, True, False, True]
    assert seen.tolist() == [True, True]
    assert match(found, *there, threshold=0.9)[0].tolist() == [True, False, False, False]


def test_no_detection_and_no_object():
    nothing = detections([], [], []), torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)
    right, seen = match(*nothing)
    assert len(right) == len(seen) == 0


def test_a_box_in_the_wrong_picture_is_wrong():
    boxes, labels = [torch.tensor([[0, 0, 4, 4]])] * 2, [torch.tensor([0])] * 2
    twice = detections([[0, 0, 4, 4]] * 2, [0, 0], [0.9, 0.8])
    nothing = detections([], torch.zeros(0).long().tolist(), [])
    nothing = Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
    once = Detections(twice.boxes[:1], twice.labels[:1], twice.scores[:1])
    assert box_average_precision([once, once], boxes, labels, classes=1)[0] == 1
    assert box_average_precision([twice, nothing], boxes, labels, classes=1)[0] == 0.5
    with pytest.raises(ValueError, match="detections of 1 pictures"):
        box_average_precision([once], boxes, labels, classes=1)
