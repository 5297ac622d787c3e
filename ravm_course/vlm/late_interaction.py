r"""Many vectors a side, compared late: MaxSim.

One vector must sum up all of a picture, and what is small in it is averaged away. Keep one vector
for each *part* instead (a word, a patch, a window), and compare two things by asking for each part
of the first how well its best partner in the second fits:
:math:`\frac{1}{P} \sum_p \max_r q_p^\top d_r` (Khattab & Zaharia, "ColBERT", SIGIR 2020, who sum
over the words of a query; the mean differs by a factor and orders alike). Parts are still encoded
beforehand, so that a store can be prepared; it is P times as large, and a comparison costs P x R
inner products instead of one. MaxSim is not symmetric: parts of the second that nobody asked for
cost nothing, which is what a search for *some* things in a full picture needs.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.vlm.clip import CLIP, to_float
from ravm_course.vlm.lite_tower import LiteTower


def max_sim(
    query: Tensor,
    document: Tensor,
    document_mask: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Return the mean over the parts of `query` of the best inner product with a part.

    Parameters
    ----------
    query
        Shape ``(..., P, D)``.
    document
        Shape ``(..., R, D)``; the leading dimensions are broadcast against those of `query`, so
        that ``max_sim(q[:, None], d[None])`` compares all with all.
    document_mask
        Booleans ``(..., R)``, False where a part is only filling. None: all are parts.
    weights
        Of the parts of `query` in the mean, ``(..., P)``, summing to one. None: all the same.

    Returns
    -------
    Tensor
        Shape ``(...)``.

    Raises
    ------
    ValueError
        If the sizes of the vectors differ, there is no part, or a mask leaves none.

    Examples
    --------
    >>> parts = torch.eye(3)
    >>> max_sim(parts[:2], parts).item(), max_sim(parts, parts[:2]).item()  # not symmetric
    (1.0, 0.6666666865348816)
    """
    if query.ndim < 2 or document.ndim < 2 or query.shape[-1] != document.shape[-1]:
        raise ValueError(
            f"query {tuple(query.shape)} and document {tuple(document.shape)}: expected (..., P, D)"
            " and (..., R, D) with the same D."
        )
    if query.shape[-2] == 0 or document.shape[-2] == 0:
        raise ValueError("query and document need at least one part each.")
    similarity = query @ document.transpose(-1, -2)
    if document_mask is not None:
        if not bool(document_mask.any(-1).all()):
            raise ValueError("a document's mask leaves no part: leave out such documents.")
        similarity = similarity.masked_fill(~document_mask[..., None, :], -torch.inf)
    best = similarity.amax(-1)
    return best.mean(-1) if weights is None else (best * weights).sum(-1)


def patch_vectors(model: CLIP, images: np.ndarray, *, after: int = 11, batch: int = 32) -> Tensor:
    """Return what the image tower knows of each place, before it averages over the picture.

    Parameters
    ----------
    model
        Towers whose image tower is a :class:`~ravm_course.vlm.LiteTower`.
    images
        uint8, shape ``(N, H, W, 3)``.
    after
        Blocks of the backbone to pass; 11 of 16 give 112 channels on a sixteenth of the side.
    batch
        Pictures encoded at a time.

    Returns
    -------
    Tensor
        Shape ``(N, P, C)``, P places row by row.

    Raises
    ------
    TypeError
        If the image tower is another.

    Examples
    --------
    >>> from ravm_course.vlm.clip import CLIPConfig
    >>> model = CLIP(CLIPConfig(dim=8, image_size=64, backbone="efficientnet-lite0")).eval()
    >>> patch_vectors(model, np.zeros((2, 64, 64, 3), np.uint8)).shape
    torch.Size([2, 16, 112])
    """
    tower = model.image_tower
    if not isinstance(tower, LiteTower):
        raise TypeError(
            f"the image tower is a {type(tower).__name__}, expected a LiteTower: load 'towers'."
        )
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), batch):
            pictures = to_float(images[start : start + batch])
            parts.append(tower.maps(pictures, after).flatten(2).transpose(1, 2))
    return torch.cat(parts)


def unit_parts(parts: Tensor, reference: Tensor) -> Tensor:
    """Bring every channel to mean zero and spread one over `reference`, then parts to length one.

    Without it a few channels that are large everywhere decide all inner products.

    Parameters
    ----------
    parts
        Shape ``(N, P, C)``.
    reference
        Shape ``(M, R, C)``: what mean and spread are taken from, for instance the stored pictures.

    Returns
    -------
    Tensor
        Shape ``(N, P, C)``, rows of length one.

    Examples
    --------
    >>> stored = torch.tensor([[[5.0, 1.0], [7.0, 3.0]]])
    >>> unit_parts(stored, stored)[0, 1].tolist()
    [0.7071067690849304, 0.7071067690849304]
    """
    mean, spread = reference.mean((0, 1)), reference.std((0, 1))
    return F.normalize((parts - mean) / (spread + 1e-2), dim=-1)
