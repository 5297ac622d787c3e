"""Look at a picture and a name together: a cross-encoder, and what it is allowed to change.

A dual encoder has to say everything about a picture before it knows which names it will be compared
with. A cross-encoder reads both at once: the name asks the places of the picture (cross-attention,
Vaswani et al., NIPS 2017), and what it was answered becomes one score. It can therefore look where
*these* candidates differ; and it must run once for every pair, which rules out a whole gallery. So
it follows a first stage, and orders anew only the few candidates that one found (Nogueira & Cho,
"Passage re-ranking with BERT", 2019, for text).

:class:`TwoVectors` is the control: the same input, the same layers but for one; the picture is
summed up by questions that do not depend on the name, and the score is an inner product.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 4


def _split(x: Tensor) -> Tensor:
    """Bring ``(B, T, C)`` to ``(B, heads, T, C / heads)``."""
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


class _Places(nn.Module):
    """Places of a picture on several grids, as one sequence with learned positions."""

    def __init__(self, channels: tuple[int, ...], sides: tuple[int, ...], width: int):
        super().__init__()
        if len(channels) != len(sides) or width % HEADS:
            raise ValueError(
                f"channels {channels} and sides {sides} need one entry a grid, and width {width} "
                f"must be a multiple of {HEADS}."
            )
        self.project = nn.ModuleList(nn.Linear(c, width) for c in channels)
        self.position = nn.Parameter(0.02 * torch.randn(sum(s * s for s in sides), width))
        self.norm = nn.LayerNorm(width)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Map grids ``(B, C_i, S_i, S_i)`` to ``(B, P, width)``."""
        parts = [f(m.flatten(2).transpose(1, 2)) for f, m in zip(self.project, maps, strict=True)]
        return self.norm(torch.cat(parts, dim=1) + self.position)


class CrossEncoder(nn.Module):
    """Score pairs of a picture and a name by letting the name look at the picture.

    The score is a scaled similarity of the two, as a dual encoder has it, plus what reading both
    adds; the second part is zero at first, so that training starts from the dual encoder's order.

    Parameters
    ----------
    channels, sides
        Of the grids of features that describe a picture.
    name_dim
        Size of a name's vector.
    width
        Channels inside; a multiple of 4.
    scale
        Of the similarity, at the start.
    dropout
        Before the score, in training.

    Examples
    --------
    >>> model = CrossEncoder((8, 16), (4, 2), name_dim=12, width=16).eval()
    >>> maps = [torch.randn(2, 8, 4, 4), torch.randn(2, 16, 2, 2)]
    >>> similarity = torch.randn(2, 5)
    >>> scores = model(maps, torch.randn(2, 5, 12), similarity)
    >>> torch.equal(scores, 10 * similarity)  # before training
    True
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        sides: tuple[int, ...],
        name_dim: int,
        width: int = 96,
        scale: float = 10.0,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.places = _Places(channels, sides, width)
        self.name = nn.Sequential(nn.Linear(name_dim, width), nn.LayerNorm(width))
        self.ask = nn.Linear(width, width)
        self.answer = nn.Linear(width, 2 * width)
        self.after = nn.Linear(width, width)
        self.head = nn.Sequential(
            nn.LayerNorm(4 * width),
            nn.Linear(4 * width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, 1),
        )
        nn.init.zeros_(self.head[-1].weight)
        nn.init.zeros_(self.head[-1].bias)
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def look(self, maps: list[Tensor], names: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the places, the names, what each name was answered, and where it looked.

        Parameters
        ----------
        maps
            Grids ``(B, C_i, S_i, S_i)``.
        names
            Vectors of K candidates of each picture, ``(B, K, name_dim)``.

        Returns
        -------
        tuple of Tensor
            ``(B, P, width)``, ``(B, K, width)``, ``(B, K, width)`` and, summing to one over the
            places, ``(B, 4, K, P)``.
        """
        places, names = self.places(maps), self.name(names)
        keys, values = (_split(some) for some in self.answer(places).chunk(2, dim=-1))
        asked = _split(self.ask(names))
        weights = torch.softmax(asked @ keys.transpose(-1, -2) / keys.shape[-1] ** 0.5, dim=-1)
        answers = self.after((weights @ values).transpose(1, 2).flatten(2))
        return places, names, answers, weights

    def forward(self, maps: list[Tensor], names: Tensor, similarity: Tensor) -> Tensor:
        """Score every candidate of every picture.

        Parameters
        ----------
        maps, names
            As in :meth:`look`.
        similarity
            Cosines of a dual encoder, ``(B, K)``.

        Returns
        -------
        Tensor
            ``(B, K)``.
        """
        places, names, answers, _ = self.look(maps, names)
        whole = places.mean(dim=1, keepdim=True)
        joint = torch.cat([answers, names * answers, names * whole, names], dim=-1)
        return self.scale * similarity + self.head(joint).squeeze(-1)


class TwoVectors(nn.Module):
    """The control: as large as :class:`CrossEncoder`, but neither side sees the other.

    Parameters are those of :class:`CrossEncoder`, and `dim`, the size of the two vectors.

    Examples
    --------
    >>> model = TwoVectors((8,), (4,), name_dim=12, width=16).eval()
    >>> model([torch.randn(2, 8, 4, 4)], torch.randn(2, 5, 12), torch.zeros(2, 5)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        sides: tuple[int, ...],
        name_dim: int,
        width: int = 96,
        scale: float = 10.0,
        dropout: float = 0.1,
        dim: int = 128,
    ):
        super().__init__()
        self.places = _Places(channels, sides, width)
        self.questions = nn.Parameter(0.1 * torch.randn(HEADS, 1, width // HEADS))
        self.answer = nn.Linear(width, 2 * width)

        def head(inputs: int) -> nn.Sequential:
            return nn.Sequential(
                nn.LayerNorm(inputs),
                nn.Linear(inputs, 2 * width),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(2 * width, dim),
            )

        self.picture, self.text = head(2 * width), head(name_dim)
        self.scale = nn.Parameter(torch.tensor(float(scale)))
        self.added = nn.Parameter(torch.zeros(()))

    def forward(self, maps: list[Tensor], names: Tensor, similarity: Tensor) -> Tensor:
        """Score as :meth:`CrossEncoder.forward` does, by an inner product."""
        places = self.places(maps)
        keys, values = (_split(some) for some in self.answer(places).chunk(2, dim=-1))
        asked = self.questions.expand(len(places), -1, -1, -1)
        answers = F.scaled_dot_product_attention(asked, keys, values).flatten(1)
        seen = F.normalize(self.picture(torch.cat([answers, places.mean(1)], dim=1)), dim=-1)
        read = F.normalize(self.text(names), dim=-1)
        return self.scale * similarity + 10 * self.added * (read @ seen[..., None]).squeeze(-1)


def reorder(first: Tensor, candidates: Tensor, scores: Tensor) -> Tensor:
    """Let new scores order the candidates; all others stay behind them, as they were.

    Parameters
    ----------
    first
        Scores of the first stage, ``(Q, N)``.
    candidates
        Which k items of each query were looked at again, ``(Q, k)``, none twice.
    scores
        Their new scores, ``(Q, k)``.

    Returns
    -------
    Tensor
        ``(Q, N)``, larger is better. Equal new scores are ordered as in `candidates`.

    Raises
    ------
    ValueError
        If the shapes do not fit, a score is NaN, or a candidate appears twice.

    Examples
    --------
    >>> first = torch.tensor([[0.9, 0.8, 0.7, 0.1]])
    >>> again = reorder(first, torch.tensor([[0, 1]]), torch.tensor([[2.0, 5.0]]))
    >>> again.argsort(descending=True).tolist()
    [[1, 0, 2, 3]]
    """
    if candidates.shape != scores.shape or candidates.ndim != 2 or len(candidates) != len(first):
        raise ValueError(
            f"first {tuple(first.shape)}, candidates {tuple(candidates.shape)}, scores "
            f"{tuple(scores.shape)}: expected (Q, N), (Q, k) and (Q, k)."
        )
    if bool(scores.isnan().any()):
        raise ValueError("a new score is NaN: it cannot be ordered.")
    if bool((candidates.sort(1).values.diff(dim=1) == 0).any()):
        raise ValueError("a candidate appears twice in one query: look at each once.")
    order = scores.argsort(dim=1, descending=True, stable=True)
    k = candidates.shape[1]
    places = torch.arange(k, 0, -1, dtype=first.dtype).expand(len(first), -1)
    lifted = first.amax(1, keepdim=True) + places
    return first.scatter(1, candidates.gather(1, order), lifted)
