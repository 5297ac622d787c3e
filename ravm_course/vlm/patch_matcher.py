"""Order candidates anew by comparing the picture with the drawings stored under each name.

A name can be shown as well as written. Where drawings of it are stored, a second stage can lay the
picture beside each of them, place by place, and look at what a vector of the whole has averaged
away. :class:`PatchMatcher` learns which features of a place to compare (one matrix) and which
places of the picture to trust. Three ways to pair places, at the same number of weights, tell what
matters: each with its best partner, each with the one at the same position, or none at all (the
mean over places, that is, one vector a drawing).

It learns from training drawings, each a query among the drawings of *other* artists: what a query
is compared with never contains the query itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.vlm.late_interaction import max_sim

PAIRINGS = ("best", "same", "mean")


class PatchMatcher(nn.Module):
    """Score candidates by the drawing among theirs that fits the picture best.

    Before training, the features are compared as they are, and all places count the same.

    Parameters
    ----------
    channels
        Features of a place, C.
    pairing
        ``"best"``: each place with its best partner; ``"same"``: with the same place; ``"mean"``:
        the mean over the places of one with that of the other.
    scale
        Of the similarity, at the start.

    Raises
    ------
    ValueError
        If the pairing is another.

    Examples
    --------
    >>> picture, drawings = torch.randn(2, 16, 8), torch.randn(2, 5, 3, 16, 8)
    >>> PatchMatcher(8)(picture, drawings, torch.zeros(2, 5, 3, dtype=torch.bool)).shape
    torch.Size([2, 5])
    """

    def __init__(self, channels: int, pairing: str = "best", scale: float = 12.0):
        super().__init__()
        if pairing not in PAIRINGS:
            raise ValueError(f"pairing is {pairing!r}, expected one of {', '.join(PAIRINGS)}.")
        self.pairing = pairing
        self.project = nn.Linear(channels, channels, bias=False)
        nn.init.eye_(self.project.weight)
        self.trust = nn.Linear(channels, 1, bias=False)
        nn.init.zeros_(self.trust.weight)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, picture: Tensor, drawings: Tensor, missing: Tensor) -> Tensor:
        """Score every candidate of every picture.

        Parameters
        ----------
        picture
            ``(B, P, C)``, see :func:`ravm_course.vlm.late_interaction.unit_parts`.
        drawings
            S drawings of each of K candidates, ``(B, K, S, P, C)``.
        missing
            Booleans ``(B, K, S)``, True where a candidate has fewer drawings. Each needs one.

        Returns
        -------
        Tensor
            ``(B, K)``.

        Raises
        ------
        ValueError
            If a candidate has no drawing.
        """
        stored = self.encode(drawings)
        return self.compare(self.encode(picture), self.weigh(picture), stored, missing)

    def encode(self, parts: Tensor) -> Tensor:
        """Return unit vectors to compare, ``(..., P, C)``, or ``(..., 1, C)`` of the mean.

        A store is encoded once, whatever will be asked for.

        Parameters
        ----------
        parts
            ``(..., P, C)``.
        """
        if self.pairing == "mean":
            parts = parts.mean(-2, keepdim=True)
        return F.normalize(self.project(parts), dim=-1)

    def weigh(self, picture: Tensor) -> Tensor:
        """Return how far each place of ``(B, P, C)`` is trusted, ``(B, P)``, summing to one."""
        if self.pairing == "mean":
            return picture.new_ones(len(picture), 1)
        return torch.softmax(self.trust(picture).squeeze(-1), dim=-1)

    def compare(self, seen: Tensor, weights: Tensor, stored: Tensor, missing: Tensor) -> Tensor:
        """Score candidates from what :meth:`encode` and :meth:`weigh` returned, ``(B, K)``."""
        if bool(missing.all(-1).any()):
            raise ValueError("a candidate has no drawing to compare with: leave it out.")
        seen, weights = seen[:, None, None], weights[:, None, None]
        if self.pairing == "same":
            fits = ((seen * stored).sum(-1) * weights).sum(-1)
        else:
            fits = max_sim(seen, stored, weights=weights)
        return self.log_scale.exp() * fits.masked_fill(missing, -torch.inf).amax(-1)


def stored_rows(label: Tensor, names: int) -> Tensor:
    """Return which drawings bear each of `names` names, filled up with -1.

    Parameters
    ----------
    label
        Name of each of M drawings, ``(M,)``.
    names
        How many names there are, N.

    Returns
    -------
    Tensor
        ``(N, S)``, S the most drawings of a name.

    Examples
    --------
    >>> stored_rows(torch.tensor([1, 0, 1]), 3).tolist()
    [[1, -1], [0, 2], [-1, -1]]
    """
    counts = torch.bincount(label, minlength=names)
    rows = torch.full((names, int(counts.max())), -1)
    order = label.argsort(stable=True)
    place = torch.arange(len(label)) - (counts.cumsum(0) - counts)[label[order]]
    rows[label[order], place] = order
    return rows


def matching_drawer(
    parts: Tensor,
    label: Tensor,
    wrong: Tensor,
    *,
    queries: Tensor | None = None,
    copied: Tensor | None = None,
    batch: int = 48,
    candidates: int = 8,
) -> Callable[[torch.Generator], tuple]:
    """Return a function that draws lists to learn matching from, for ``training.fit``.

    Parameters
    ----------
    parts
        Of M training drawings, ``(M, P, C)``.
    label
        Their names, ``(M,)``.
    wrong
        For each drawing, wrong names that a first stage finds near, ``(M, W)``; each has a drawing.
    queries, copied
        Parts of V changed copies of drawings, ``(V, P, C)``, and which drawing each is a copy of,
        ``(V,)``: what is asked for. None: the drawings as they are.
    batch
        Lists a batch.
    candidates
        Names a list: the right one first, the others drawn from `wrong`.

    Returns
    -------
    callable
        From a generator to the input of :class:`PatchMatcher`, without the query's own drawing, and
        the relevance ``(batch, candidates)``.

    Raises
    ------
    ValueError
        If the sizes do not fit, a wrong name is right or has no drawing, or no name has two.

    Examples
    --------
    >>> parts, label = torch.randn(4, 16, 8), torch.tensor([0, 0, 1, 1])
    >>> draw = matching_drawer(parts, label, 1 - label[:, None], batch=3, candidates=2)
    >>> (picture, drawings, missing), relevance = draw(torch.Generator().manual_seed(0))
    >>> drawings.shape, int(missing[0].sum())  # one of the two right drawings is the query
    (torch.Size([3, 2, 2, 16, 8]), 1)
    """
    if len(label) != len(parts) or len(wrong) != len(parts) or wrong.shape[1] < candidates - 1:
        raise ValueError(
            f"parts {tuple(parts.shape)}, label {tuple(label.shape)}, wrong {tuple(wrong.shape)}: "
            f"expected M rows each, and at least {candidates - 1} wrong names."
        )
    if (queries is None) != (copied is None) or (
        queries is not None and len(queries) != len(copied)
    ):
        raise ValueError("give queries and copied together, one drawing for each query.")
    if queries is None:
        queries, copied = parts, torch.arange(len(parts))
    rows = stored_rows(label, int(max(label.max(), wrong.max())) + 1)
    counts = (rows >= 0).sum(1)
    if bool((wrong == label[:, None]).any()) or not bool((counts[wrong] > 0).all()):
        raise ValueError("a wrong name is the right one, or has no drawing: leave it out.")
    usable = torch.nonzero(counts[label[copied]] > 1).squeeze(1)
    if not len(usable):
        raise ValueError("no name has two drawings: there is nothing to compare a drawing with.")

    def draw(generator: torch.Generator) -> tuple:
        asked = usable[torch.randint(len(usable), (batch,), generator=generator)]
        query = copied[asked]
        some = torch.rand(batch, wrong.shape[1], generator=generator).argsort(1)
        others = wrong[query].gather(1, some[:, : candidates - 1])
        chosen = rows[torch.cat([label[query, None], others], dim=1)]
        missing = (chosen < 0) | (chosen == query[:, None, None])
        relevance = torch.zeros(batch, candidates)
        relevance[:, 0] = 1
        return (queries[asked], parts[chosen.clamp(min=0)], missing), relevance

    return draw


@torch.no_grad()
def match_candidates(
    model: PatchMatcher,
    picture: Tensor,
    drawings: Tensor,
    rows: Tensor,
    candidates: Tensor,
    batch: int = 64,
) -> Tensor:
    """Score candidates from the drawings of a store.

    Parameters
    ----------
    model
        Trained or not.
    picture
        Unit parts of Q queries, ``(Q, P, C)``.
    drawings
        Unit parts of M stored drawings, ``(M, P, C)``.
    rows
        Of :func:`stored_rows`.
    candidates
        Names of each query, ``(Q, K)``; each has a drawing.
    batch
        Queries compared at a time.

    Returns
    -------
    Tensor
        ``(Q, K)``.

    Examples
    --------
    >>> parts = F.one_hot(torch.arange(3)).float()[:, None]  # three drawings of one place each
    >>> rows = stored_rows(torch.tensor([0, 1, 0]), 2)
    >>> match_candidates(PatchMatcher(3), parts[2:], parts, rows, torch.tensor([[1, 0]])).argmax(1)
    tensor([1])
    """
    stored, scores = model.encode(drawings), []
    for start in range(0, len(picture), batch):
        some, chosen = picture[start : start + batch], rows[candidates[start : start + batch]]
        scores.append(
            model.compare(
                model.encode(some), model.weigh(some), stored[chosen.clamp(min=0)], chosen < 0
            )
        )
    return torch.cat(scores)
