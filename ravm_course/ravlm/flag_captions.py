"""Describe the flags of countries, with the descriptions of similar flags at hand.

The World Factbook describes flags in sentences of a few patterns: "three equal horizontal bands of
red (top), white, and blue". For a country whose flag is not in the store, every retrieved sentence
is wrong as it stands, and most of its words are right: here a captioner must edit, not copy.

A hundred and fifty descriptions are few to learn from. So colours are exchanged in the picture and
in its sentence alike, which makes a flag that no country has, described as truly as before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.data import load_countries
from ravm_course.ravlm.caption_batches import Found, pack_captions, pack_source
from ravm_course.ravlm.caption_words import Vocabulary
from ravm_course.ravlm.captioner import Source
from ravm_course.ravlm.datastore import Datastore
from ravm_course.ravlm.flag_encoder import FlagEncoder
from ravm_course.ravlm.flag_qa import STORE_STYLES, flag_images
from ravm_course.ravlm.flag_views import crop, restyle

#: colours that are exchanged, with the red, green and blue that stands for each
COLOURS = {
    "red": (0.84, 0.13, 0.18),
    "white": (0.98, 0.98, 0.98),
    "blue": (0.10, 0.25, 0.65),
    "green": (0.10, 0.55, 0.25),
    "yellow": (0.98, 0.82, 0.15),
    "black": (0.08, 0.08, 0.08),
    "orange": (0.95, 0.50, 0.12),
}
_COLOUR = re.compile(rf"\b({'|'.join(COLOURS)})\b")


def described(countries: Sequence[int]) -> list[int]:
    """Return those of some countries whose flag is described.

    Examples
    --------
    >>> from ravm_course.data.facts import load_country_split
    >>> [len(described(part)) for part in load_country_split().values()]
    [151, 19, 58]
    """
    return [country for country in countries if load_countries()[country].flag_short]


def flag_captions(countries: Sequence[int]) -> list[str]:
    """Return how the Factbook describes the flags of some countries, up to the first semicolon."""
    return [load_countries()[country].flag_short for country in countries]


def flag_parts(flags: Tensor) -> Tensor:
    """Say of each of 4 x 4 parts which colours it has, and where.

    Colours have names, and shades do not matter to them: each pixel counts for those of
    :data:`COLOURS` that it is near. A part is a quarter of the height and the width, and the shares
    are taken in each of its four quarters.

    Parameters
    ----------
    flags
        Shape ``(B, 3, H, W)`` in [0, 1], H and W multiples of 8.

    Returns
    -------
    Tensor
        ``(B, 16, 28)``: seven colours of four quarters.

    Examples
    --------
    >>> red = torch.tensor(COLOURS["red"]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    >>> flag_parts(red)[0, 0, :7].round(decimals=1).tolist()
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    palette = torch.tensor(list(COLOURS.values()))
    distance = torch.cdist(flags.flatten(2).transpose(1, 2), palette.expand(len(flags), -1, -1))
    shares = torch.softmax(-distance / 0.05, dim=-1).transpose(1, 2).unflatten(2, flags.shape[2:])
    cells = F.adaptive_avg_pool2d(shares, 8).unflatten(2, (4, 2)).unflatten(4, (4, 2))
    return cells.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


def exchange_colours(flags: Tensor, order: Tensor) -> Tensor:
    """Give each pixel the colour that takes the place of the one it is nearest to.

    What a pixel differs by from that colour, such as a shade, is kept.

    Parameters
    ----------
    flags
        Shape ``(B, 3, H, W)`` in [0, 1].
    order
        For each flag the number of the colour that takes the place of each of :data:`COLOURS`,
        ``(B, 7)``.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> red = torch.tensor(COLOURS["red"]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    >>> exchange_colours(red, torch.tensor([[2, 1, 0, 3, 4, 5, 6]]))[0, :, 0, 0].tolist()
    [0.10000..., 0.25, 0.64999...]
    """
    palette = torch.tensor(list(COLOURS.values()))
    pixels = flags.flatten(2).transpose(1, 2)  # (B, H W, 3)
    nearest = torch.cdist(pixels, palette.expand(len(flags), -1, -1)).argmin(-1)
    new = palette[order.gather(1, nearest)]
    changed = (pixels - palette[nearest] + new).clamp(0, 1)
    return changed.transpose(1, 2).view_as(flags)


def exchange_words(caption: str, order: Sequence[int]) -> str:
    """Exchange the names of colours in a caption, as :func:`exchange_colours` the colours.

    Examples
    --------
    >>> exchange_words("red (top), white and dark blue", [2, 1, 0, 3, 4, 5, 6])
    'blue (top), white and dark red'
    """
    names = list(COLOURS)
    return _COLOUR.sub(lambda match: names[order[names.index(match[1])]], caption)


def add_captions(store: Datastore, encoder: FlagEncoder, countries: Sequence[int]) -> None:
    """Add two pictures of each country's flag, both with its description."""
    captions = flag_captions(countries)
    for style in STORE_STYLES:
        images = flag_images(countries, style)
        store.add(
            [f"{load_countries()[country].iso2}/{style}" for country in countries],
            encoder.encode(images),
            texts=captions,
            images=list(images),
            metadata=[{"country": country} for country in countries],
        )


class FlagCaptionBatches:
    """Draw flags of training countries, changed, with what is retrieved for them.

    A picture comes with the captions of its nearest neighbours without its own country
    (``"neighbours"``), with its own among them (``"own"``), with captions drawn at random, or with
    none. A model that was trained with all four can be asked all four.

    Parameters
    ----------
    encoder
        Finds neighbours; it is not trained.
    vocabulary
        Numbers of words.
    countries
        For training; each has a description.
    batch
        Pictures a batch.
    captions
        The most captions a picture comes with.
    longest
        Words of a caption.
    shares
        Of ``"neighbours"``, ``"own"``, random and none; they sum to one.
    exchanged
        Share of pictures whose colours are exchanged.
    """

    def __init__(
        self,
        encoder: FlagEncoder,
        vocabulary: Vocabulary,
        countries: Sequence[int],
        *,
        batch: int = 32,
        captions: int = 3,
        longest: int = 24,
        shares: tuple[float, float, float, float] = (0.5, 0.25, 0.1, 0.15),
        exchanged: float = 0.7,
    ):
        self.encoder, self.vocabulary = encoder, vocabulary
        self.batch, self.count, self.longest = batch, captions, longest
        self.shares, self.exchanged = shares, exchanged
        self.captions = flag_captions(countries)
        pictures = np.stack([flag_images(countries, style) for style in STORE_STYLES])
        self.size = encoder.config.size
        self.flags = torch.stack([crop(style, self.size * 3 // 2) for style in pictures])
        self.stored = torch.from_numpy(np.stack([encoder.encode(style) for style in pictures]))

    def __call__(self, generator: torch.Generator) -> tuple[Source, Tensor]:
        """Return a source and the right captions."""
        rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        which = torch.randint(len(self.captions), (self.batch,), generator=generator)
        style = torch.randint(len(self.flags), (self.batch,), generator=generator)
        order = torch.stack([self._order(self.captions[i], rng) for i in which.tolist()])
        both = [exchange_colours(self.flags[s, which], order) for s in (style, 1 - style)]
        seen, other = (restyle(flags, generator, self.size) for flags in both)
        texts = [
            exchange_words(self.captions[i], o)
            for i, o in zip(which.tolist(), order.tolist(), strict=True)
        ]
        with torch.no_grad():
            vectors, own = self.encoder(seen), self.encoder(other)
        near = torch.einsum("bd,snd->bsn", vectors, self.stored).amax(1)
        near[torch.arange(self.batch), which] = -torch.inf
        values, places = near.topk(self.count, dim=1)
        found = []
        for i in range(self.batch):
            hits = [
                Found(self.captions[p], v)
                for p, v in zip(places[i].tolist(), values[i].tolist(), strict=True)
            ]
            kind = rng.choice(4, p=self.shares)
            if kind == 1:
                hits.append(Found(texts[i], float(vectors[i] @ own[i])))
                hits.sort(key=lambda hit: -hit.nearness)
            elif kind == 2:
                some = rng.choice(len(self.captions), self.count, replace=False)
                hits = [Found(self.captions[j], float(near[i, j].clamp(min=-1))) for j in some]
            found.append([] if kind == 3 else hits[: rng.integers(1, self.count + 1)])
        source, words = pack_source(
            self.vocabulary, flag_parts(seen), found, longest=self.longest, rng=rng
        )
        return source, pack_captions(self.vocabulary, texts, words, self.longest)

    def _order(self, caption: str, rng: np.random.Generator) -> Tensor:
        """Return which colour takes the place of which; mostly a random exchange."""
        order = np.arange(len(COLOURS))
        if rng.random() < self.exchanged:
            # gold is yellow in the picture, and would no longer be true
            free = [
                i for i, name in enumerate(COLOURS) if not (name == "yellow" and "gold" in caption)
            ]
            order[free] = rng.permutation(free)
        return torch.from_numpy(order)
