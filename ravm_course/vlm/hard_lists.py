"""Lists to learn from: a drawing, its name, and the names that a first stage takes it for.

Wrong names drawn at random are told from the right one by the first stage already. What a second
stage must learn is to tell the right name from those that the first stage *nearly* chose, so these
are its negatives. They are found with the drawings as they are. What is learned from are changed
copies, of which the first stage has not learned the answer by heart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ravm_course.data.emoji import Emoji, EmojiSplits
from ravm_course.vlm.augment import augment, may_mirror
from ravm_course.vlm.clip import CLIP, to_float
from ravm_course.vlm.towers import ImageTower


def picture_grids(model: CLIP, pictures: Tensor, batch: int = 256) -> tuple[list[Tensor], Tensor]:
    """Return the maps of the last two stages of a residual tower, and the picture's unit vector.

    Parameters
    ----------
    model
        Whose image tower is an :class:`~ravm_course.vlm.ImageTower` of two stages or more.
    pictures
        ``(N, 3, H, W)`` in [0, 1].
    batch
        Pictures encoded at a time.

    Returns
    -------
    maps : list of Tensor
        ``(N, C, S, S)`` and ``(N, C', S / 2, S / 2)``.
    vectors : Tensor
        ``(N, dim)``, rows of length one.

    Raises
    ------
    TypeError
        If the image tower is another.

    Examples
    --------
    >>> from ravm_course.vlm.clip import CLIPConfig
    >>> model = CLIP(CLIPConfig(dim=8, channels=(8, 16), blocks=(0, 0), buckets=64)).eval()
    >>> maps, vectors = picture_grids(model, torch.rand(3, 3, 32, 32))
    >>> [tuple(some.shape) for some in maps], tuple(vectors.shape)
    ([(3, 8, 16, 16), (3, 16, 8, 8)], (3, 8))
    """
    tower = model.image_tower
    if not isinstance(tower, ImageTower):
        raise TypeError(
            f"the image tower is a {type(tower).__name__}, expected an ImageTower: load "
            "'emoji-clip'."
        )
    fine, coarse = [], []
    last = [layer for layer in tower.trunk if isinstance(layer, nn.Conv2d)][-1]
    hooks = (  # where the last stage begins, the one before has ended
        last.register_forward_pre_hook(lambda _, given: fine.append(given[0])),
        tower.trunk.register_forward_hook(lambda *given: coarse.append(given[2])),
    )
    try:
        with torch.no_grad():
            vectors = [model.encode_image(some) for some in pictures.split(batch)]
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.cat(fine), torch.cat(coarse)], torch.cat(vectors)


def list_drawer(
    model: CLIP,
    emoji: Emoji,
    splits: EmojiSplits,
    *,
    batch: int = 128,
    candidates: int = 16,
    pool: int = 40,
    views: int = 6,
    strength: float = 0.9,
    seed: int = 0,
) -> Callable[[torch.Generator], tuple]:
    """Return a function that draws lists, as :func:`ravm_course.training.fit` wants it.

    Parameters
    ----------
    model
        The first stage, with a residual image tower. It is not trained.
    emoji, splits
        What :func:`ravm_course.data.load_emoji` and ``load_emoji_splits`` return; training drawings
        alone are looked at.
    batch
        Lists a batch.
    candidates
        Names a list: the right one first, the others drawn from the `pool` nearest wrong ones.
    pool
        How many of the nearest wrong names may be drawn.
    views
        Changed copies of each drawing; they are encoded once, here.
    strength
        Of the changes, see :func:`ravm_course.vlm.augment.augment`.
    seed
        Of the changes.

    Returns
    -------
    callable
        From a generator to ``(maps, names, similarity)``, the input of
        :class:`ravm_course.vlm.rerank.CrossEncoder`, and the relevance ``(batch, candidates)``.

    Raises
    ------
    ValueError
        If `candidates` is not between 2 and `pool` + 1.

    Examples
    --------
    >>> from ravm_course.data import load_emoji, load_emoji_splits
    >>> from ravm_course.vlm.pretrained import load_pretrained
    >>> draw = list_drawer(
    ...     load_pretrained(), load_emoji(), load_emoji_splits(), batch=4, views=1
    ... )
    >>> (maps, names, similarity), relevance = draw(torch.Generator().manual_seed(0))
    >>> tuple(names.shape), relevance[0].tolist()[:3]
    ((4, 16, 128), [1.0, 0.0, 0.0])
    """
    if not 2 <= candidates <= pool + 1:
        raise ValueError(f"candidates is {candidates}, expected 2 to {pool + 1}, pool + 1.")
    concepts = [emoji.concepts[c] for c in emoji.concept[splits.train]]
    gallery = sorted({concept.name_en for concept in concepts})
    place = {name: i for i, name in enumerate(gallery)}
    right = torch.tensor([place[concept.name_en] for concept in concepts])
    mirror = torch.tensor([may_mirror(concept.group, concept.name_en) for concept in concepts])
    with torch.no_grad():
        names = model.encode_text(gallery)
    wrong = _nearest_wrong(model, emoji.images[splits.train], names, right, pool)
    generator = torch.Generator().manual_seed(seed)
    encoded = []
    for _ in range(views):
        for rows in torch.arange(len(right)).split(256):
            pictures = to_float(emoji.images[splits.train[rows.numpy()]])
            changed = augment(
                pictures,
                generator,
                size=model.image_tower.size,
                strength=strength,
                mirror=mirror[rows],
            )
            encoded.append(picture_grids(model, changed))
    grids = [torch.cat([maps[i] for maps, _ in encoded]).half() for i in (0, 1)]
    vectors = torch.cat([some for _, some in encoded])

    def draw(generator: torch.Generator) -> tuple:
        rows = torch.randint(len(vectors), (batch,), generator=generator)
        drawing = rows % len(right)
        some = torch.rand(batch, pool, generator=generator).argsort(1)[:, : candidates - 1]
        listed = torch.cat([right[drawing, None], wrong[drawing].gather(1, some)], dim=1)
        relevance = torch.zeros(batch, candidates)
        relevance[:, 0] = 1
        similarity = (names[listed] @ vectors[rows, :, None]).squeeze(-1)
        maps = [grid[rows].float() for grid in grids]
        return (maps, names[listed] * names.shape[1] ** 0.5, similarity), relevance

    return draw


def _nearest_wrong(
    model: CLIP, images: np.ndarray, names: Tensor, right: Tensor, pool: int
) -> Tensor:
    """Return for each drawing the `pool` wrong names that the model finds nearest."""
    scores = picture_grids(model, to_float(images))[1] @ names.T
    scores[torch.arange(len(right)), right] = -torch.inf
    return scores.topk(pool, dim=1).indices
