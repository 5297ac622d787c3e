"""Name drawings, with the names of similar drawings at hand.

A name is a short caption, and mostly right or wrong as a whole. Drawings of the training artists
are both the store and what is learned from: each is described from a changed copy of it, and from
what the *other* artists' drawings nearby are called. Some of the time the drawings of the same
concept are taken out, so that the nearest name is wrong and must not be copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ravm_course.ravlm.caption_batches import Found, pack_captions, pack_source
from ravm_course.ravlm.caption_words import Vocabulary
from ravm_course.ravlm.captioner import Source

PARTS = 4


def picture_parts(vectors: Tensor) -> Tensor:
    """Cut unit vectors of pictures ``(N, D)`` into parts ``(N, 4, D / 4)`` of about unit spread.

    Examples
    --------
    >>> picture_parts(torch.ones(2, 256)).shape
    torch.Size([2, 4, 64])
    """
    return (vectors * vectors.shape[1] ** 0.5).unflatten(1, (PARTS, -1))


def distinct(
    captions: Sequence[str], scores: Tensor, count: int, tried: int = 96
) -> list[list[Found]]:
    """Return for each picture the nearest captions, each once, with their best scores.

    Parameters
    ----------
    captions
        Of M stored pictures.
    scores
        Similarities of N pictures to them, ``(N, M)``; minus infinity hides one.
    count
        How many captions are wanted; fewer come back if the `tried` nearest pictures have fewer.
    tried
        How many pictures are looked at.

    Returns
    -------
    list of list of Found
        N lists, nearest first.

    Examples
    --------
    >>> distinct(["cat", "cat", "dog"], torch.tensor([[0.5, 0.75, 0.25]]), 2)
    [[Found(caption='cat', nearness=0.75), Found(caption='dog', nearness=0.25)]]
    """
    values, places = scores.topk(min(tried, scores.shape[1]), dim=1)
    found = []
    for row, near in zip(places.tolist(), values.tolist(), strict=True):
        best: dict[str, float] = {}
        for place, value in zip(row, near, strict=True):
            if value > -torch.inf:
                best.setdefault(captions[place], value)
        found.append([Found(caption, value) for caption, value in best.items()][:count])
    return found


def name_drawer(
    vocabulary: Vocabulary,
    names: Sequence[str],
    artists: np.ndarray,
    stored: Tensor,
    copies: Tensor,
    copied: np.ndarray,
    *,
    batch: int = 64,
    captions: int = 4,
    longest: int = 12,
    without_own: float = 0.3,
    without_any: float = 0.15,
    hide: float = 0.3,
) -> Callable[[torch.Generator], tuple[Source, Tensor]]:
    """Return a function that draws batches, as :func:`ravm_course.training.fit` wants it.

    Parameters
    ----------
    vocabulary
        Numbers of words.
    names, artists
        Of M training drawings.
    stored
        Their unit vectors, ``(M, D)``.
    copies
        Unit vectors of changed copies, ``(V, D)``.
    copied
        Which drawing each is a copy of, ``(V,)``.
    batch
        Pictures a batch.
    captions
        The most names a picture comes with.
    longest
        Words of a name.
    without_own
        Share of pictures whose own name is not in the store.
    without_any
        Share of pictures that come with no name.
    hide
        Share of retrieved words that are treated as if the vocabulary did not have them.

    Examples
    --------
    >>> stored = torch.nn.functional.normalize(torch.randn(6, 8), dim=1)
    >>> names = ["cat", "cat", "dog", "dog", "cow", "cow"]
    >>> draw = name_drawer(Vocabulary.of(names), names, np.array(["a", "b"] * 3), stored, stored,
    ...                    np.arange(6), batch=5)
    >>> source, right = draw(torch.Generator().manual_seed(0))
    >>> source.parts.shape, right.shape
    (torch.Size([5, 4, 2]), torch.Size([5, 3]))
    """
    scores = copies @ stored.T
    scores[torch.from_numpy(artists[copied][:, None] == artists[None])] = -torch.inf
    texts = np.array(names)
    every = distinct(names, scores, captions + 1)
    parts = picture_parts(copies)

    def draw(generator: torch.Generator) -> tuple[Source, Tensor]:
        rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        rows = rng.integers(len(copied), size=batch)
        right = texts[copied[rows]].tolist()
        found = []
        for row, name in zip(rows.tolist(), right, strict=True):
            hits = every[row]
            if rng.random() < without_own:
                hits = [hit for hit in hits if hit.caption != name]
            count = 0 if rng.random() < without_any else rng.integers(1, captions + 1)
            found.append(hits[:count])
        source, own = pack_source(
            vocabulary, parts[rows], found, longest=longest, hide=hide, rng=rng
        )
        return source, pack_captions(vocabulary, right, own, longest)

    return draw
