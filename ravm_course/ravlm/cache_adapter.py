r"""Classify by what a store holds, without training: a cache beside the names, and a kNN head.

A pair of towers classifies a picture :math:`f` by the names of the classes, the rows of :math:`W`
(:func:`ravm_course.vlm.class_weights`). The adapter adds what labelled pictures say. Their vectors
are the keys :math:`K`, their labels, one-hot, the values :math:`L`:

.. math:: \text{logits}(f) = s\, f W^\top + \alpha \exp\!\big(-\beta\,(1 - f K^\top)\big)\, L.

A key at distance 0 adds :math:`\alpha` to its class; :math:`\beta` says how fast that fades.
Nothing is trained, and to add a class is to add rows (Zhang et al., "Tip-Adapter: Training-free
adaption of CLIP for few-shot classification", ECCV 2022, section 3.1; the text term has the scale
100 there, which is CLIP's own).

Where only the `k` nearest keys count, the second term is a vote of neighbours, weighted as in a
kNN language model (Khandelwal et al., "Generalization through memorization", ICLR 2020, section
2): a softmax of cosines over the temperature :math:`1/\beta`, but for a factor that is the same for
all classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class CacheAdapter:
    """A classifier by names whose memory of labelled pictures can grow and shrink.

    Parameters
    ----------
    weights
        Unit vectors of the names of C classes, shape ``(C, D)``.
    logit_scale
        What the cosines with the names are multiplied by.
    alpha
        How loudly the cache speaks. 0 leaves the names alone.
    beta
        How near a key must be to be heard.
    balanced
        Divide what a class hears by the number of its keys, so that a class with many does not
        speak louder for being many. The published adapter adds up.

    Raises
    ------
    ValueError
        If a shape or a number is none that makes sense.

    Examples
    --------
    >>> adapter = CacheAdapter(torch.eye(2), logit_scale=1.0, alpha=2.0, beta=1.0)
    >>> picture = torch.tensor([[0.6, 0.8]])
    >>> adapter.logits(picture)  # an empty cache: the names alone
    tensor([[0.6000, 0.8000]])
    >>> adapter.add(picture, torch.tensor([0]))
    >>> adapter.logits(picture)  # a key at distance 0 adds alpha
    tensor([[2.6000, 0.8000]])
    """

    def __init__(
        self,
        weights: Tensor,
        *,
        logit_scale: float | Tensor = 100.0,
        alpha: float = 1.0,
        beta: float = 5.5,
        balanced: bool = False,
    ):
        if weights.ndim != 2 or not weights.is_floating_point():
            raise ValueError(
                f"weights are {weights.dtype} of shape {tuple(weights.shape)}, expected floats "
                "(C, D): one row a class, as class_weights() returns them."
            )
        if not (alpha >= 0 and beta > 0):
            raise ValueError(f"alpha is {alpha} and beta {beta}: expected alpha >= 0, beta > 0.")
        self.weights = weights
        self.logit_scale, self.alpha, self.beta = float(logit_scale), float(alpha), float(beta)
        self.balanced = balanced
        self.keys = weights.new_empty((0, weights.shape[1]))
        self.labels = torch.empty(0, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"CacheAdapter: {len(self)} keys of {len(self.weights)} classes"

    def add(self, keys: Tensor, labels: Tensor) -> None:
        """Remember labelled pictures, all or, if anything is wrong, none.

        Parameters
        ----------
        keys
            Unit vectors of N pictures, shape ``(N, D)``.
        labels
            Their classes, integers from 0 to C - 1, shape ``(N,)``.

        Raises
        ------
        ValueError
            If a shape does not fit, or a label is none of the classes.
        """
        _check_store(keys, labels, len(self.weights), self.weights.shape[1])
        self.keys = torch.cat([self.keys, keys])
        self.labels = torch.cat([self.labels, labels])

    def add_classes(self, weights: Tensor) -> range:
        """Make room for new classes, and return their labels.

        Parameters
        ----------
        weights
            Unit vectors of their names, shape ``(M, D)``.

        Returns
        -------
        range
            The M labels.

        Raises
        ------
        ValueError
            If the vectors are of another size.
        """
        before = len(self.weights)
        if weights.ndim != 2 or weights.shape[1] != self.weights.shape[1]:
            raise ValueError(
                f"weights have shape {tuple(weights.shape)}, expected (M, {self.weights.shape[1]})."
            )
        self.weights = torch.cat([self.weights, weights])
        return range(before, len(self.weights))

    def forget(self, label: int) -> int:
        """Remove all keys of a class, which keeps its name, and say how many there were.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        if not 0 <= label < len(self.weights):
            raise ValueError(f"label is {label}, expected 0 to {len(self.weights) - 1}.")
        stays = self.labels != label
        self.keys, self.labels = self.keys[stays], self.labels[stays]
        return int((~stays).sum())

    def cache_logits(self, features: Tensor, k: int | None = None) -> Tensor:
        """Return what the cache says, before it is multiplied by alpha.

        Parameters
        ----------
        features
            Unit vectors of Q pictures, shape ``(Q, D)``.
        k
            How many keys, the nearest, count; None for all. An empty cache says 0.

        Returns
        -------
        Tensor
            Shape ``(Q, C)``.

        Raises
        ------
        ValueError
            If `k` is not between 1 and the number of keys, or the features are of another size.
        """
        nearness, rows = _nearest(features, self.keys, k)
        heard = _by_class(
            torch.exp(-self.beta * (1 - nearness)), self.labels[rows], len(self.weights)
        )
        if self.balanced:
            heard /= torch.bincount(self.labels, minlength=len(self.weights)).clamp(min=1)
        return heard

    def logits(self, features: Tensor, k: int | None = None) -> Tensor:
        """Return names and cache together, shape ``(Q, C)``; see :meth:`cache_logits`."""
        names = self.logit_scale * features @ self.weights.T
        return names + self.alpha * self.cache_logits(features, k)


def knn_probabilities(
    features: Tensor,
    keys: Tensor,
    labels: Tensor,
    classes: int,
    *,
    k: int,
    temperature: float = 0.05,
) -> Tensor:
    """Return a distribution over classes from the k nearest keys alone.

    Parameters
    ----------
    features
        Unit vectors of Q pictures, shape ``(Q, D)``.
    keys, labels
        Unit vectors ``(N, D)`` and their classes ``(N,)``.
    classes
        How many classes C there are.
    k
        How many neighbours vote, from 1 to N. Of equally near ones, the first in `keys` count.
    temperature
        What cosines are divided by before the softmax; small lets the nearest decide.

    Returns
    -------
    Tensor
        Shape ``(Q, C)``; rows sum to one.

    Raises
    ------
    ValueError
        If a shape does not fit, or a number is out of range.

    Examples
    --------
    >>> keys, labels = torch.eye(2), torch.tensor([0, 2])
    >>> knn_probabilities(torch.tensor([[0.6, 0.8]]), keys, labels, 3, k=2, temperature=0.2)
    tensor([[0.2689, 0.0000, 0.7311]])
    """
    _check_store(keys, labels, classes, keys.shape[-1])
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}: give a positive number.")
    nearness, rows = _nearest(features, keys, k)
    return _by_class(torch.softmax(nearness / temperature, dim=1), labels[rows], classes)


def prototype_scores(features: Tensor, keys: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Return the cosine with the mean of each class, its prototype.

    Snell et al., "Prototypical networks for few-shot learning", NeurIPS 2017, section 2.2, train
    an encoder for this; here it is any encoder's.

    Parameters
    ----------
    features
        Unit vectors of Q pictures, shape ``(Q, D)``.
    keys, labels
        Unit vectors ``(N, D)`` and their classes ``(N,)``.
    classes
        How many classes C there are.

    Returns
    -------
    Tensor
        Shape ``(Q, C)``; minus infinity for a class without a key.

    Raises
    ------
    ValueError
        If a shape does not fit, or a label is out of range.

    Examples
    --------
    >>> keys, labels = torch.eye(3)[[0, 1, 2]], torch.tensor([0, 0, 2])
    >>> prototype_scores(torch.eye(3)[:1], keys, labels, 3)
    tensor([[0.7071,   -inf, 0.0000]])
    """
    _check_store(keys, labels, classes, keys.shape[-1])
    sums = keys.new_zeros(classes, keys.shape[1]).index_add_(0, labels, keys)
    scores = features @ F.normalize(sums, dim=1).T
    return scores.masked_fill(torch.bincount(labels, minlength=classes) == 0, -torch.inf)


def _nearest(features: Tensor, keys: Tensor, k: int | None) -> tuple[Tensor, Tensor]:
    """Return cosines and rows of the k nearest keys, or of all, in the order of the keys: (Q, k).

    Of those that are as near as the k-th, the first are taken.
    """
    if features.ndim != 2 or features.shape[1] != keys.shape[1]:
        raise ValueError(
            f"features have shape {tuple(features.shape)}, expected (Q, {keys.shape[1]})."
        )
    nearness = features @ keys.T
    if not nearness.isfinite().all():
        raise ValueError("a feature or a key holds NaN or infinity: find and remove it.")
    if k is None:
        return nearness, torch.arange(len(keys)).expand(len(features), -1)
    if not 1 <= k <= len(keys):
        raise ValueError(f"k is {k}, expected 1 to {len(keys)}, the number of keys.")
    last = nearness.topk(k, dim=1).values[:, -1:]
    nearer, level = nearness > last, nearness == last
    missing = k - nearer.sum(dim=1, keepdim=True)
    chosen = nearer | (level & (level.cumsum(dim=1) <= missing))
    rows = chosen.nonzero()[:, 1].view(len(features), k)
    return nearness.gather(1, rows), rows


def _by_class(shares: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Add up shares (Q, k) by their labels (Q, k) into (Q, C)."""
    return shares.new_zeros(len(shares), classes).scatter_add_(1, labels, shares)


def _check_store(keys: Tensor, labels: Tensor, classes: int, dim: int) -> None:
    """Refuse keys and labels that do not belong together."""
    if keys.ndim != 2 or keys.shape[1] != dim or labels.shape != keys.shape[:1]:
        raise ValueError(
            f"keys have shape {tuple(keys.shape)} and labels {tuple(labels.shape)}, expected "
            f"(N, {dim}) and (N,)."
        )
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels are {labels.dtype}, expected integers.")
    if len(labels) and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"labels lie between {int(labels.min())} and {int(labels.max())}, expected 0 to "
            f"{classes - 1}: a new class needs add_classes() first."
        )
