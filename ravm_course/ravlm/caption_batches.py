"""From retrieved captions to the tensors of a :class:`~ravm_course.ravlm.captioner.Captioner`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ravm_course.ravlm.caption_words import BEGIN, END, Vocabulary, split_words
from ravm_course.ravlm.captioner import Source


class Found(NamedTuple):
    """A retrieved caption, and how near its picture is to the one that is described."""

    caption: str
    nearness: float


def pack_source(
    vocabulary: Vocabulary,
    parts: Tensor,
    found: Sequence[Sequence[Found]],
    *,
    longest: int,
    hide: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Source, list[dict[str, int]]]:
    """Return the source of B pictures, and each picture's own words.

    Parameters
    ----------
    vocabulary
        Numbers of words.
    parts
        Of the pictures, ``(B, P, D)``.
    found
        What was retrieved for each picture, nearest first; as few as none.
    longest
        Captions are cut after so many words.
    hide
        In training, the share of known words that are treated like unknown ones.
    rng
        Gives unknown words their places at random, as training needs it; else they are taken in
        order.

    Raises
    ------
    ValueError
        If the number of lists is not that of the pictures, or words are to be hidden without `rng`.

    Examples
    --------
    >>> vocabulary = Vocabulary(["cat"], places=2)
    >>> found = [[Found("cat", 0.9), Found("wombat", 0.5)], []]
    >>> source, own = pack_source(vocabulary, torch.zeros(2, 1, 8), found, longest=5)
    >>> source.words.tolist(), own
    ([[[4, 2], [5, 2]], [[0, 0], [0, 0]]], [{'wombat': 5}, {}])
    """
    if len(found) != len(parts):
        raise ValueError(
            f"{len(found)} lists of captions for {len(parts)} pictures: give one each."
        )
    if hide and rng is None:
        raise ValueError("words are hidden at random: give a generator.")
    split = [[split_words(hit.caption)[:longest] for hit in hits] for hits in found]
    count = max((len(hits) for hits in split), default=0)
    length = max((len(words) + 1 for hits in split for words in hits), default=0)
    words = torch.zeros(len(found), count, length, dtype=torch.long)
    nearness, own = torch.zeros(len(found), count), []
    for i, hits in enumerate(split):
        order, hidden = None, set()
        if rng is not None:
            order = rng.permutation(vocabulary.places)
            if hide:
                kinds = sorted({word for caption in hits for word in caption})
                hidden = {w for w, u in zip(kinds, rng.random(len(kinds)), strict=True) if u < hide}
        own.append(vocabulary.own_words(hits, order, hidden))
        for k, caption in enumerate(hits):
            ids = [*vocabulary.encode(caption, own[i]), END]
            words[i, k, : len(ids)] = torch.tensor(ids)
            nearness[i, k] = found[i][k].nearness
    return Source(parts, words, nearness), own


def pack_captions(
    vocabulary: Vocabulary, captions: Sequence[str], own: Sequence[dict[str, int]], longest: int
) -> Tensor:
    """Return captions to learn from, ``(B, T)``: `BEGIN`, words, `END`, filled up with `PAD`.

    Examples
    --------
    >>> pack_captions(Vocabulary(["cat"]), ["cat cat", "cat"], [{}, {}], longest=1).tolist()
    [[1, 4, 2], [1, 4, 2]]
    """
    rows = [
        [BEGIN, *vocabulary.encode(split_words(caption)[:longest], words), END]
        for caption, words in zip(captions, own, strict=True)
    ]
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
    return ids
