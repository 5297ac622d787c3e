"""Detection and segmentation on composed scenes: pictures, losses, scores.

The scenes are of four kinds of drawing; those of each test are composed of drawings by artists, or
of concepts, that training never showed, see :mod:`ravm_course.vision.kinds`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.data import load_emoji
from ravm_course.data.scenes import Scenes, compose_scenes
from ravm_course.vision.boxes import Detections, box_average_precision, match
from ravm_course.vision.kinds import KINDS, drawing_rows, kind_of_drawing
from ravm_course.vision.masks import class_iou, confusion
from ravm_course.vision.scene_net import SceneNet, cell_targets, detect, detection_loss

TRAINING_SEED, TEST_SEED = 1, 2


@dataclass(frozen=True)
class SceneSet:
    """Scenes as a network reads them.

    Attributes
    ----------
    scenes
        As they were composed.
    images
        ``(N, 3, H, W)``, floating point in [0, 1].
    masks
        Class of each pixel, ``(N, H, W)``; 0 is the ground, 1 + k is kind k.
    boxes
        ``(N, M, 4)``.
    labels
        Kinds, ``(N, M)``; -1 where there is no object.
    """

    scenes: Scenes = field(repr=False)
    images: Tensor = field(repr=False)
    masks: Tensor = field(repr=False)
    boxes: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.images)

    def objects(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return boxes and labels of the objects of each scene, without the empty places."""
        there = self.labels >= 0
        rows = range(len(self))
        return [self.boxes[n][there[n]] for n in rows], [self.labels[n][there[n]] for n in rows]


def scene_set(part: str, count: int, *, seed: int | None = None, **options: object) -> SceneSet:
    """Compose scenes of the drawings of one part.

    Parameters
    ----------
    part
        See :func:`ravm_course.vision.kinds.drawing_rows`.
    count
        Scenes.
    seed
        By default one for training and another for all other parts.
    **options
        For :func:`ravm_course.data.scenes.compose_scenes`.

    Examples
    --------
    >>> scene_set("test_both", 3).images.shape
    torch.Size([3, 3, 64, 64])
    """
    if seed is None:
        seed = TRAINING_SEED if part == "train" else TEST_SEED
    scenes = compose_scenes(
        load_emoji().images, drawing_rows(part), count=count, seed=seed, **options
    )
    kinds = kind_of_drawing()
    source = torch.tensor(scenes.source)
    return SceneSet(
        scenes,
        torch.tensor(scenes.images).permute(0, 3, 1, 2).float() / 255,
        torch.tensor(scenes.label_map(kinds + 1)),
        torch.tensor(scenes.boxes),
        torch.where(source >= 0, torch.tensor(kinds)[source], -1),
    )


def scene_drawer(part: SceneSet, *, batch: int = 16) -> Callable[[torch.Generator], tuple]:
    """Return a function that draws batches of pictures and targets; half of them are mirrored.

    Examples
    --------
    >>> draw = scene_drawer(scene_set("test_both", 3), batch=2)
    >>> [some.shape[0] for some in draw(torch.Generator().manual_seed(0))]
    [2, 2, 2, 2, 2]
    """
    width = part.images.shape[3]
    boxes = torch.stack([part.boxes, part.boxes], dim=1)  # as they are, and mirrored
    boxes[:, 1, :, 0], boxes[:, 1, :, 2] = width - part.boxes[..., 2], width - part.boxes[..., 0]
    both = [cell_targets(boxes[:, i], part.labels, len(KINDS), width) for i in (0, 1)]
    targets = [torch.stack(pair, dim=1) for pair in zip(*both, strict=True)]

    def draw(generator: torch.Generator) -> tuple[Tensor, ...]:
        rows = torch.randint(len(part), (batch,), generator=generator)
        turn = torch.randint(2, (batch,), generator=generator)
        images = torch.where(
            turn[:, None, None, None] == 1, part.images[rows].flip(3), part.images[rows]
        )
        masks = torch.where(turn[:, None, None] == 1, part.masks[rows].flip(2), part.masks[rows])
        return images, masks, *(some[rows, turn] for some in targets)

    return draw


def scene_loss(model: SceneNet, batch: tuple[Tensor, ...]) -> Tensor:
    """Return the loss of both tasks: cross-entropy a pixel, and :func:`detection_loss`."""
    masks, cells = model(batch[0])
    return F.cross_entropy(masks, batch[1]) + detection_loss(cells, *batch[2:])


@torch.inference_mode()
def look_at(model: SceneNet, part: SceneSet, *, least: float = 0.05):
    """Return what a trained network says of scenes.

    Parameters
    ----------
    model
        In evaluation mode.
    part
        Scenes.
    least
        See :func:`ravm_course.vision.scene_net.detect`.

    Returns
    -------
    masks : Tensor
        Class of each pixel, ``(N, H, W)``.
    found : list of Detections
        One a scene.
    """
    masks, found = [], []
    for images in part.images.split(50):
        scores, cells = model(images)
        masks.append(scores.argmax(1))
        found += detect(cells, least=least)
    return torch.cat(masks), found


def one_class(found: list[Detections]) -> list[Detections]:
    """Return the same boxes as if there were one kind only."""
    return [Detections(some.boxes, torch.zeros_like(some.labels), some.scores) for some in found]


def score_scenes(masks: Tensor, found: list[Detections], part: SceneSet) -> dict[str, float]:
    """Score masks and boxes.

    Parameters
    ----------
    masks, found
        From :func:`look_at`.
    part
        The scenes.

    Returns
    -------
    dict
        ``"map"``: mean over kinds of the average precision of boxes; ``"ap_any"``: the same if
        kinds do not matter; ``"iou"``: mean over the ground and the kinds of intersection over
        union of masks; ``"iou_object"``: the same of object against ground.
    """
    boxes, labels = part.objects()
    nothing = [torch.zeros_like(some) for some in labels]
    counts = confusion(masks.numpy(), part.masks.numpy(), len(KINDS) + 1)
    seen = confusion((masks > 0).int().numpy(), (part.masks > 0).int().numpy(), 2)
    return {
        "map": float(np.nanmean(box_average_precision(found, boxes, labels, classes=len(KINDS)))),
        "ap_any": float(box_average_precision(one_class(found), boxes, nothing, classes=1)[0]),
        "iou": float(np.nanmean(class_iou(counts))),
        "iou_object": float(class_iou(seen)[1]),
    }


def found_objects(found: list[Detections], part: SceneSet, *, least: float = 0.3, kinds=True):
    """Say of each object whether a box with at least this score found it.

    Parameters
    ----------
    found
        From :func:`look_at`.
    part
        The scenes.
    least
        Boxes with lower scores are left out.
    kinds
        Whether the kind must be right, too.

    Returns
    -------
    hits : numpy.ndarray
        Booleans, one an object, scene by scene.
    drawings : numpy.ndarray
        The drawing that each object is, a row of :func:`ravm_course.data.load_emoji`.
    """
    boxes, labels = part.objects()
    hits = []
    for some, there, kind in zip(found, boxes, labels, strict=True):
        sure = some.scores >= least
        some = Detections(some.boxes[sure], some.labels[sure], some.scores[sure])
        if not kinds:
            some, kind = one_class([some])[0], torch.zeros_like(kind)
        hits.append(match(some, there, kind)[1])
    source = part.scenes.source
    return np.concatenate(hits), source[source >= 0]
