"""Use two inputs for one answer, brought together early or late.

*Decision-level*: each input has a model of its own, and their answers are added
(:func:`fuse_decisions`). *Feature-level*: the features of both are laid side by side, and one model
reads them (:class:`FeatureFusion`). *Cross-attention*: one input asks the places of the other
before they are laid side by side (:class:`AttentionFusion`). *End-to-end* is no fourth place but a
choice beside them: whether the encoders learn, too. Baltrušaitis, Ahuja & Morency, "Multimodal
machine learning: a survey and taxonomy" (TPAMI 2019, section 6), give an overview.

A sum of decisions has the form f(picture) + g(text). It cannot express that an answer depends on
how the two go *together*: with two values each, no f and g give a positive sum where they are equal
and a negative one where they differ, since both pairs of cases have the same total.

The joint models normalise *each side by itself* before they lay both side by side. One
normalisation over both would leave the longer of two vectors in charge of the shared mean and
scale, and a comparison with decision-level fusion would measure that instead.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fuse_decisions(logits: list[Tensor], weights: list[float] | None = None) -> Tensor:
    """Return the weighted sum of log-probabilities of several models.

    Parameters
    ----------
    logits
        One tensor a model, all ``(B, classes)``.
    weights
        One a model; one each by default.

    Returns
    -------
    Tensor
        ``(B, classes)``; larger is better, not normalised.

    Raises
    ------
    ValueError
        If shapes or numbers do not fit.

    Examples
    --------
    >>> sure, unsure = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> fuse_decisions([sure, unsure]).argmax(1).item()
    0
    """
    weights = [1.0] * len(logits) if weights is None else weights
    shapes = {tuple(some.shape) for some in logits}
    if len(shapes) != 1 or len(weights) != len(logits):
        raise ValueError(
            f"logits of shapes {sorted(shapes)} and {len(weights)} weights for {len(logits)} "
            "models: expected one shape, (B, classes), and one weight a model."
        )
    return torch.stack(
        [w * F.log_softmax(some, dim=1) for w, some in zip(weights, logits, strict=True)]
    ).sum(0)


def _head(inputs: int, hidden: int, classes: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(inputs, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )


class OneInput(nn.Module):
    """Answer from one vector: the part of a decision-level fusion, and the baseline of all.

    Parameters
    ----------
    inputs, hidden, classes
        Sizes.
    dropout
        In training.

    Examples
    --------
    >>> OneInput(8, 16, 3)(torch.randn(2, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(self, inputs: int, hidden: int, classes: int, dropout: float = 0.2):
        super().__init__()
        self.norm = nn.LayerNorm(inputs)
        self.head = _head(inputs, hidden, classes, dropout)

    def forward(self, vector: Tensor) -> Tensor:
        """Map ``(B, inputs)`` to ``(B, classes)``."""
        return self.head(self.norm(vector))


class FeatureFusion(nn.Module):
    """Lay the mean over the places of a picture beside a text's vector, each normalised.

    Parameters
    ----------
    places, text
        Features of a place, and of the text.
    hidden, classes
        Sizes.
    dropout
        In training.

    Examples
    --------
    >>> FeatureFusion(8, 6, 16, 3)(torch.randn(2, 9, 8), torch.randn(2, 6)).shape
    torch.Size([2, 3])
    """

    def __init__(self, places: int, text: int, hidden: int, classes: int, dropout: float = 0.2):
        super().__init__()
        self.picture_norm, self.text_norm = nn.LayerNorm(places), nn.LayerNorm(text)
        self.head = _head(places + text, hidden, classes, dropout)

    def forward(self, places: Tensor, text: Tensor) -> Tensor:
        """Map ``(B, P, places)`` and ``(B, text)`` to ``(B, classes)``."""
        sides = [self.picture_norm(places.mean(1)), self.text_norm(text)]
        return self.head(torch.cat(sides, dim=1))


class AttentionFusion(nn.Module):
    """The same, but the text chooses which places are averaged, head by head.

    Parameters are those of :class:`FeatureFusion`, and `heads`, which divides `places`.

    Examples
    --------
    >>> AttentionFusion(8, 6, 16, 3)(torch.randn(2, 9, 8), torch.randn(2, 6)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        places: int,
        text: int,
        hidden: int,
        classes: int,
        dropout: float = 0.2,
        heads: int = 4,
    ):
        super().__init__()
        if places % heads:
            raise ValueError(f"{heads} heads do not divide {places} features of a place.")
        self.heads = heads
        self.ask = nn.Linear(text, places)
        self.key = nn.Linear(places, places)
        self.picture_norm, self.text_norm = nn.LayerNorm(places), nn.LayerNorm(text)
        self.head = _head(places + text, hidden, classes, dropout)

    def forward(self, places: Tensor, text: Tensor) -> Tensor:
        """Map ``(B, P, places)`` and ``(B, text)`` to ``(B, classes)``."""
        asked = self.ask(text).unflatten(1, (self.heads, 1, -1))
        keys, values = (
            some.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for some in (self.key(places), places)
        )
        answer = F.scaled_dot_product_attention(asked, keys, values).flatten(1)
        return self.head(torch.cat([self.picture_norm(answer), self.text_norm(text)], dim=1))
