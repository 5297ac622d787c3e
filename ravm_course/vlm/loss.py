"""The contrastive loss of two towers, right across processes.

Given N pictures and their N texts, every picture should be most similar to its own text, and every
text to its own picture. Each is a classification among N: a softmax over a row, or over a column,
of the matrix of similarities, scored by cross-entropy with the diagonal as the answer. The mean of
the two is the loss of CLIP (Radford et al., ICML 2021, figure 3); one direction alone is InfoNCE
(van den Oord et al., 2018), and with one positive and N-1 negatives the N-pair loss (Sohn, NIPS
2016).

With several processes, each holds a part of the batch, but every picture should be compared with
the texts of all. So the vectors are gathered. A plain ``all_gather`` returns tensors that carry no
gradient: the negatives that live elsewhere would be constants, and the result another, wrong
gradient. :func:`gather_rows` carries it.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor


class _Gather(torch.autograd.Function):
    """Concatenate the parts of all processes; send each process the gradient of its part."""

    @staticmethod
    def forward(ctx, part: Tensor) -> Tensor:
        parts = [torch.empty_like(part) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, part.contiguous())
        ctx.rows = len(part)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)  # what the losses of all processes say about every row
        start = dist.get_rank() * ctx.rows
        return total[start : start + ctx.rows]


def gather_rows(part: Tensor) -> Tensor:
    """Concatenate the rows that all processes hold, in order of rank, with gradients.

    Parameters
    ----------
    part
        This process's rows, shape ``(B, D)``, the same shape in every process.

    Returns
    -------
    Tensor
        Shape ``(B * processes, D)``. In the backward pass each process receives, for its own rows,
        the *sum* of the gradients that all processes computed for them.

    Raises
    ------
    RuntimeError
        If no process group is running.
    ValueError
        If the processes hold different numbers of rows.
    """
    if not (dist.is_available() and dist.is_initialized()):
        raise RuntimeError(
            "gathering needs a process group, and none is running: call "
            "torch.distributed.init_process_group first, or pass gather=False."
        )
    sizes = [
        torch.zeros(1, dtype=torch.long, device=part.device) for _ in range(dist.get_world_size())
    ]
    dist.all_gather(sizes, torch.tensor([len(part)], device=part.device))
    sizes = [int(size) for size in sizes]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"the processes hold {sizes} rows: every process must hold as many as the others. "
            "Drop the last, incomplete batch."
        )
    return _Gather.apply(part)


def _validate(image_features: Tensor, text_features: Tensor, scale: Tensor) -> None:
    shapes = f"{tuple(image_features.shape)} and {tuple(text_features.shape)}"
    if image_features.ndim != 2 or image_features.shape != text_features.shape:
        raise ValueError(
            f"image and text features have shapes {shapes}, expected the same (N, D) twice: "
            "row i of one belongs to row i of the other."
        )
    if image_features.numel() == 0:
        raise ValueError(f"the batch is empty (shapes {shapes}): at least one pair is needed.")
    if scale.numel() != 1 or not bool(torch.isfinite(scale) & (scale > 0)):
        raise ValueError(
            f"logit_scale is {scale.tolist()}, expected one positive number: the inverse of the "
            "temperature, after exp()."
        )
    for name, features in (("image", image_features), ("text", text_features)):
        if not bool(torch.isfinite(features).all()):
            raise ValueError(
                f"{name}_features hold NaN or infinity: look for a zero vector that was divided "
                "by its length, or for a learning rate that is too large."
            )


def clip_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor | float,
    *,
    gather: bool = False,
) -> Tensor:
    """Return the symmetric cross-entropy of N pairs among all their N x N combinations.

    Parameters
    ----------
    image_features
        Unit vectors, shape ``(N, D)``. They are taken as they are: normalise them first.
    text_features
        Unit vectors, shape ``(N, D)``; row i belongs to picture i.
    logit_scale
        What the cosine similarities are multiplied by: one over the temperature.
    gather
        Compare with the vectors of all processes of the running ``torch.distributed`` group. Each
        process returns the loss of its own rows and columns: their mean over the processes is the
        loss of the full batch, and the mean of their gradients (what ``DistributedDataParallel``
        computes) is its gradient.

    Returns
    -------
    Tensor
        A scalar: 0 for one pair, ln N when nothing is known.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, the batch is empty, or the scale not positive.
    RuntimeError
        If `gather` is asked for and no process group is running.

    References
    ----------
    Radford et al., "Learning transferable visual models from natural language supervision",
    ICML 2021, figure 3.

    Examples
    --------
    >>> pairs = torch.eye(3)
    >>> round(clip_loss(pairs, pairs, 1.0).item(), 4)  # ln(e + 2) - 1
    0.5514
    >>> clip_loss(pairs[:1], pairs[:1], 100.0).item()
    0.0
    """
    scale = torch.as_tensor(logit_scale, dtype=image_features.dtype, device=image_features.device)
    _validate(image_features, text_features, scale)
    n = len(image_features)
    answers = torch.arange(n, device=image_features.device)
    if gather:
        all_images, all_texts = gather_rows(image_features), gather_rows(text_features)
        answers = answers + n * dist.get_rank()
    else:
        all_images, all_texts = image_features, text_features
    image_to_text = scale * image_features @ all_texts.T
    text_to_image = scale * text_features @ all_images.T
    return (F.cross_entropy(image_to_text, answers) + F.cross_entropy(text_to_image, answers)) / 2
