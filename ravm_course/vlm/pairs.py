"""Draw batches of pictures and captions from the emoji of many hands.

What counts as a pair, and what shares a batch, decides what a contrastive model learns. Here every
batch holds different concepts, so that no picture is punished for resembling another's text; each
concept appears as one of its training artists drew it, changed at random, and is described in
English or Chinese by its name, by keywords, or by both. No caption of a held-out concept is used:
:func:`ravm_course.data.training_captions` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ravm_course.data import Emoji, EmojiSplits
from ravm_course.vlm.augment import augment, may_mirror
from ravm_course.vlm.clip import to_float


def draw_caption(languages: list[list[str]], generator: torch.Generator) -> str:
    """Choose a language, then its first caption (twice in five), or others (twice), or both.

    Parameters
    ----------
    languages
        For each language the captions of one concept, the name first; none empty.
    generator
        Source of randomness.

    Returns
    -------
    str
        One caption, or up to four joined by spaces.

    Examples
    --------
    >>> draw_caption([["lion"]], torch.Generator().manual_seed(0))
    'lion'
    """

    def below(n: int) -> int:
        return int(torch.randint(n, (1,), generator=generator))

    texts = languages[below(len(languages))]
    kind = below(5)
    if kind < 2 or len(texts) == 1:
        return texts[0]
    order = torch.randperm(len(texts) - 1, generator=generator)[: 1 + below(3)]
    chosen = [texts[1 + int(i)] for i in order]
    return " ".join([texts[0], *chosen] if kind == 2 else chosen)


def pair_drawer(
    emoji: Emoji, splits: EmojiSplits, *, batch: int, size: int = 32, strength: float = 0.5
) -> Callable[[torch.Generator], tuple[Tensor, list[str]]]:
    """Return a function that draws a batch of pairs, as :func:`ravm_course.training.fit` wants it.

    Parameters
    ----------
    emoji, splits
        What :func:`ravm_course.data.load_emoji` and ``load_emoji_splits`` return.
    batch
        Pairs a batch, all of different concepts.
    size
        Height and width of the pictures.
    strength
        Of the random changes, see :func:`ravm_course.vlm.augment.augment`.

    Returns
    -------
    callable
        From a generator to pictures ``(batch, 3, size, size)`` in [0, 1] and `batch` captions.

    Raises
    ------
    ValueError
        If `batch` is larger than the number of concepts.

    Examples
    --------
    >>> from ravm_course.data import load_emoji, load_emoji_splits
    >>> draw = pair_drawer(load_emoji(), load_emoji_splits(), batch=4)
    >>> pictures, captions = draw(torch.Generator().manual_seed(0))
    >>> pictures.shape, len(captions)
    (torch.Size([4, 3, 32, 32]), 4)
    """
    captions, rows_of = {}, {}
    for c in splits.seen.tolist():
        texts = [splits.training_captions(c, language) for language in ("en", "zh")]
        captions[c] = [some for some in texts if some]
    for i in splits.train.tolist():
        rows_of.setdefault(int(emoji.concept[i]), []).append(i)
    known = np.array(sorted(c for c in rows_of if captions.get(c)))
    if not 1 <= batch <= len(known):
        raise ValueError(
            f"batch is {batch}, expected 1 to {len(known)}: every pair of a batch is of another "
            "concept."
        )
    concepts = [emoji.concepts[c] for c in known]
    mirrors = torch.tensor([may_mirror(concept.group, concept.name_en) for concept in concepts])

    def draw(generator: torch.Generator) -> tuple[Tensor, list[str]]:
        places = torch.randperm(len(known), generator=generator)[:batch]
        chosen = known[places.numpy()].tolist()
        rolls = torch.rand(batch, generator=generator, dtype=torch.float64).tolist()
        rows = [rows_of[c][int(u * len(rows_of[c]))] for c, u in zip(chosen, rolls, strict=True)]
        pictures = augment(
            to_float(emoji.images[rows]),
            generator,
            size=size,
            strength=strength,
            mirror=mirrors[places],
        )
        return pictures, [draw_caption(captions[c], generator) for c in chosen]

    return draw
