"""Measure what two towers have learned: is the nearest vector of the other kind the right one.

Besides the measure itself, this holds the baseline that any learned picture encoder must beat: the
pixels. A test drawing often looks like some training drawing of the same thing, and then no
learning is needed to name it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.vlm.clip import CLIP, to_float


def encode_images(model: CLIP, images: np.ndarray, batch: int = 32) -> Tensor:
    """Encode stored pictures in batches, without gradients.

    Parameters
    ----------
    model
        A model with ``encode_image``; it should be in evaluation mode.
    images
        uint8, shape ``(N, H, W, 3)``.
    batch
        Pictures encoded at a time.

    Returns
    -------
    Tensor
        Unit vectors on the CPU, shape ``(N, dim)``.

    Examples
    --------
    >>> from ravm_course.vlm.clip import CLIPConfig
    >>> model = CLIP(CLIPConfig(dim=8, channels=(8,), blocks=(1,), buckets=64)).eval()
    >>> encode_images(model, np.zeros((5, 16, 16, 3), np.uint8), batch=2).shape
    torch.Size([5, 8])
    """
    device = next(model.parameters()).device
    with torch.no_grad():
        parts = [
            model.encode_image(to_float(images[i : i + batch]).to(device)).cpu()
            for i in range(0, len(images), batch)
        ]
    return torch.cat(parts)


def hits(
    queries: Tensor,
    gallery: Tensor,
    query_labels: Sequence,
    gallery_labels: Sequence,
    k: int = 1,
) -> np.ndarray:
    """Say for each query whether its label is among the labels of its `k` nearest.

    Their mean over the queries is the recall at `k` of a search that has one right answer.

    Parameters
    ----------
    queries
        Unit vectors, shape ``(Q, D)``.
    gallery
        Unit vectors, shape ``(G, D)``.
    query_labels, gallery_labels
        Q and G labels of any type that can be compared.
    k
        How many neighbours count.

    Returns
    -------
    numpy.ndarray
        Booleans, shape ``(Q,)``.

    Raises
    ------
    ValueError
        If a number of labels does not fit, or `k` is not between 1 and G.

    Examples
    --------
    >>> hits(torch.eye(2), torch.eye(2), ["cat", "dog"], ["cat", "cow"]).tolist()
    [True, False]
    """
    if len(queries) != len(query_labels) or len(gallery) != len(gallery_labels):
        raise ValueError(
            f"{len(query_labels)} labels for {len(queries)} queries and {len(gallery_labels)} for "
            f"{len(gallery)} gallery vectors: one each is needed."
        )
    if not 1 <= k <= len(gallery):
        raise ValueError(f"k is {k}, expected 1 to {len(gallery)}, the size of the gallery.")
    labels, query_labels = np.asarray(gallery_labels), np.asarray(query_labels)
    nearest = (queries @ gallery.T).topk(k, dim=1).indices.numpy()
    return (labels[nearest] == query_labels[:, None]).any(axis=1)


def pixel_features(images: np.ndarray, size: int = 16) -> Tensor:
    """Shrink pictures to a few pixels, as vectors: the encoder that learned nothing.

    The mean over the given pixels of each picture is taken off, so that an inner product is their
    correlation.

    Parameters
    ----------
    images
        uint8, shape ``(N, H, W, 3)``; `size` must divide H and W.
    size
        Height and width after averaging.

    Returns
    -------
    Tensor
        Unit vectors, shape ``(N, size * size * 3)``.

    Examples
    --------
    >>> pixel_features(np.zeros((2, 64, 64, 3), np.uint8)).shape
    torch.Size([2, 768])
    """
    parts = []
    for i in range(0, len(images), 512):
        small = F.adaptive_avg_pool2d(to_float(images[i : i + 512]), size).flatten(1)
        parts.append(F.normalize(small - small.mean(1, keepdim=True), dim=1))
    return torch.cat(parts)
