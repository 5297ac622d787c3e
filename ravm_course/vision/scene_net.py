"""One network, two tasks: which pixels belong to what, and where is what.

The first is called segmentation, the second detection.

Both need features that know *what* from far around and *where* to the pixel. A convolutional body
goes down to an eighth of the size, where a place sees most of the picture, and comes up again; on
the way up, the maps of the way down are added, which still know where (Ronneberger et al., "U-Net",
MICCAI 2015; Lin et al., "Feature pyramid networks", CVPR 2017). Two heads read the result:

- *segmentation*: a score for each class and for the ground, at each pixel;
- *detection*: in a grid of cells of four pixels, a score for "the middle of an object of this class
  is here", and the distances from there to the four sides (Zhou et al., "Objects as points", 2019;
  Tian et al., "FCOS", ICCV 2019).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.vision.boxes import Detections, suppress
from ravm_course.vision.cnn import ConvBlock

CELL = 4  # pixels
_UNIT = 8.0  # pixels that a distance of one stands for


def _down(channels_in: int, channels: int, stride: int = 2) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        ConvBlock(channels, residual=True, norm=True),
    )


class SceneNet(nn.Module):
    """Segment and detect.

    Parameters
    ----------
    classes
        K, without the ground.
    channels
        Of the maps at a half, a quarter and an eighth of the size.
    lateral
        Whether maps of the way down are added on the way up; without, only the coarsest know.

    Examples
    --------
    >>> masks, cells = SceneNet(classes=3)(torch.rand(2, 3, 64, 64))
    >>> masks.shape, cells.shape
    (torch.Size([2, 4, 64, 64]), torch.Size([2, 7, 16, 16]))
    """

    def __init__(
        self, classes: int, channels: tuple[int, int, int] = (16, 32, 64), *, lateral: bool = True
    ):
        super().__init__()
        half, quarter, eighth = channels
        self.classes, self.lateral = classes, lateral
        self.down2 = _down(3, half)
        self.down4 = _down(half, quarter)
        self.down8 = nn.Sequential(
            _down(quarter, eighth), ConvBlock(eighth, residual=True, norm=True)
        )
        self.up_quarter = nn.Conv2d(eighth, quarter, 1)
        self.at_quarter = ConvBlock(quarter, residual=True, norm=True)
        self.up_half = nn.Conv2d(quarter, half, 1)
        self.at_half = ConvBlock(half, residual=True, norm=True)
        self.segment = nn.Conv2d(half, classes + 1, 1)
        self.detect = nn.Conv2d(quarter, classes + 4, 1)
        nn.init.constant_(self.detect.bias[:classes], -4.0)  # at first, nothing is anywhere
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Score pixels and cells.

        Parameters
        ----------
        images
            ``(B, 3, H, W)``, floating point in [0, 1]; 8 divides height and width.

        Returns
        -------
        masks : Tensor
            ``(B, 1 + K, H, W)``, logits; index 0 is the ground.
        cells : Tensor
            ``(B, K + 4, H / 4, W / 4)``: logits of the classes, and raw distances.

        Raises
        ------
        ValueError
            If the shape is another.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.numel():
            raise ValueError(
                f"images have shape {tuple(images.shape)}, expected (B, 3, H, W) and none empty."
            )
        if images.shape[2] % 8 or images.shape[3] % 8:
            raise ValueError(
                f"{images.shape[2]} x {images.shape[3]} pixels: 8 must divide both sides."
            )
        half = self.down2(images.to(memory_format=torch.channels_last) * 2 - 1)
        quarter = self.down4(half)
        eighth = self.down8(quarter)
        up = F.interpolate(self.up_quarter(eighth), scale_factor=2)
        quarter = self.at_quarter(up + quarter if self.lateral else up)
        up = F.interpolate(self.up_half(quarter), scale_factor=2)
        half = self.at_half(up + half if self.lateral else up)
        masks = F.interpolate(
            self.segment(half), scale_factor=2, mode="bilinear", align_corners=False
        )
        return masks, self.detect(quarter)


def cell_targets(boxes: Tensor, labels: Tensor, classes: int, size: int) -> tuple[Tensor, ...]:
    """Return what the detecting head should say.

    Parameters
    ----------
    boxes
        Left, top, right, bottom ``(B, M, 4)``.
    labels
        Classes ``(B, M)``; -1 where there is no object.
    classes
        K.
    size
        Height and width of the pictures.

    Returns
    -------
    heat : Tensor
        ``(B, K, H / 4, W / 4)``: one in the cell that holds an object's middle, and around it less,
        along a bell of one cell, because a cell beside the middle is nearly as good.
    distances : Tensor
        ``(B, 4, H / 4, W / 4)``: from the middle of the cell to left, top, right and bottom, in
        pixels.
    near : Tensor
        Booleans ``(B, H / 4, W / 4)``: cells at an object's middle or beside it, where distances
        count.

    Examples
    --------
    >>> heat, distances, near = cell_targets(
    ...     torch.tensor([[[0, 0, 12, 12]]]), torch.tensor([[1]]), classes=2, size=16)
    >>> heat[0, 1, :2, :2]
    tensor([[0.3679, 0.6065],
            [0.6065, 1.0000]])
    >>> distances[0, :, 1, 1].tolist(), int(near.sum())
    ([6.0, 6.0, 6.0, 6.0], 9)
    """
    side = size // CELL
    heat = torch.zeros(len(boxes), classes, side, side)
    distances = torch.zeros(len(boxes), 4, side, side)
    near = torch.zeros(len(boxes), side, side, dtype=torch.bool)
    at = torch.arange(side)
    middle = at * CELL + CELL / 2
    for n, m in (labels >= 0).nonzero().tolist():
        left, top, right, bottom = boxes[n, m].tolist()
        column = min(int((left + right) / 2 / CELL), side - 1)
        row = min(int((top + bottom) / 2 / CELL), side - 1)
        away = (at - row)[:, None] ** 2 + (at - column) ** 2
        kind = int(labels[n, m])
        heat[n, kind] = torch.maximum(heat[n, kind], torch.exp(-away / 2))
        close = away <= 2
        own = torch.stack(
            torch.broadcast_tensors(
                middle - left, (middle - top)[:, None], right - middle, (bottom - middle)[:, None]
            )
        )
        distances[n] = torch.where(close, own, distances[n])
        near[n] |= close
    return heat, distances, near


def detection_loss(cells: Tensor, heat: Tensor, distances: Tensor, near: Tensor) -> Tensor:
    """Return the loss of the detecting head.

    For the middles, the focal loss of Zhou et al. (2019): easy cells, nearly all of which are
    empty, hardly count. For the sides, the mean absolute error near the middles.

    Parameters
    ----------
    cells
        From :class:`SceneNet`.
    heat, distances, near
        From :func:`cell_targets`.

    Returns
    -------
    Tensor
        A scalar.
    """
    logits, raw = cells[:, :-4], cells[:, -4:]
    p = logits.sigmoid()
    hit = heat == 1
    loss = torch.where(
        hit,
        -((1 - p) ** 2) * F.logsigmoid(logits),
        -((1 - heat) ** 4) * p**2 * F.logsigmoid(-logits),
    )
    error = (F.softplus(raw) - distances / _UNIT).abs().mean(1)
    return loss.sum() / hit.sum().clamp(min=1) + (error * near).sum() / near.sum().clamp(min=1)


@torch.inference_mode()
def detect(
    cells: Tensor, *, least: float = 0.1, overlap: float = 0.5, most: int = 20
) -> list[Detections]:
    """Turn what the detecting head says into boxes.

    Parameters
    ----------
    cells
        From :class:`SceneNet`, ``(B, K + 4, H / 4, W / 4)``.
    least
        Boxes with a lower score are left out.
    overlap
        See :func:`ravm_course.vision.boxes.suppress`; applied across classes, since two classes at
        one place are one object with two names.
    most
        Cells of a picture that are looked at, the best first.

    Returns
    -------
    list of Detections
        One a picture, boxes within the picture, best first.

    Examples
    --------
    >>> nothing = torch.full((1, 6, 4, 4), -9.0)
    >>> len(detect(nothing)[0])
    0
    """
    kinds, (rows, columns) = cells.shape[1] - 4, cells.shape[2:]
    scores, labels = cells[:, :kinds].sigmoid().flatten(2).max(dim=1)  # (B, cells)
    away = F.softplus(cells[:, kinds:]) * _UNIT
    y = (torch.arange(rows) + 0.5)[:, None] * CELL
    x = (torch.arange(columns) + 0.5) * CELL
    left, top, right, bottom = away.unbind(1)
    boxes = torch.stack(
        [
            (x - left).clamp(min=0),
            (y - top).clamp(min=0),
            (x + right).clamp(max=columns * CELL),
            (y + bottom).clamp(max=rows * CELL),
        ],
        dim=-1,
    ).flatten(1, 2)
    found = []
    for n in range(len(cells)):
        value, order = scores[n].topk(min(most, rows * columns))
        value, order = value[value >= least], order[value >= least]
        some, kind = boxes[n, order], labels[n, order]
        kept = suppress(some, value, overlap)
        found.append(Detections(some[kept], kind[kept], value[kept]))
    return found
