"""Describe a picture in words, with the captions of similar pictures at hand.

Three ways to let retrieved captions in, beside doing without:

- ``"prompt"``: they stand before the caption that is being written, as text, and the decoder reads
  on (Ramos et al., "SmallCap: lightweight image captioning prompted with retrieval augmentation",
  CVPR 2023);
- ``"cross-attention"``: an encoder reads picture and captions together, and every word that is
  written looks at all of them (Ramos et al., "Retrieval-augmented image captioning", EACL 2023);
- ``"pointer"``: the same, and a second way to write a word: copy one that is looked at. A gate
  divides the probability between the vocabulary and the copies (See et al., "Get to the point",
  ACL 2017, section 2.2). A word that follows, in its caption, what was just written is easier to
  copy: a hard form of the "selective read" of Gu et al., "Incorporating copying mechanism in
  sequence-to-sequence learning", ACL 2016, section 3.3.

One small Transformer does all of it; a configuration says which way is open.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.nn import Block, FeedForward, MultiHeadAttention, causal_mask
from ravm_course.ravlm.caption_words import BEGIN, PAD, UNKNOWN

WAYS = ("none", "prompt", "cross-attention", "pointer")


@dataclass(frozen=True)
class CaptionerConfig:
    """Sizes of a :class:`Captioner`.

    Attributes
    ----------
    vocabulary
        Known words with the special ones, V.
    places
        Numbers for words that only a picture's own captions have, S.
    parts, part_channels
        A picture comes as P parts of so many numbers.
    way
        One of :data:`WAYS`.
    channels, heads
        Of the Transformer.
    readers, writers
        Layers that read picture and captions, and that write.
    captions
        The most captions that are read, K.
    longest
        The most words of a caption.
    dropout
        In training.
    """

    vocabulary: int
    places: int
    parts: int
    part_channels: int
    way: str = "pointer"
    channels: int = 64
    heads: int = 4
    readers: int = 1
    writers: int = 2
    captions: int = 8
    longest: int = 24
    dropout: float = 0.1


class Source(NamedTuple):
    """What a batch of captions is written from.

    Attributes
    ----------
    parts
        Of the pictures, ``(B, P, part_channels)``.
    words
        Numbers of the words of the retrieved captions, ``(B, K, L)``, each caption with its `END`,
        filled up with `PAD`. K or L may be 0.
    nearness
        Similarity of the picture to each caption's picture, ``(B, K)``.
    """

    parts: Tensor
    words: Tensor
    nearness: Tensor


class Memory(NamedTuple):
    """What the decoder looks at.

    Attributes
    ----------
    states
        Of parts and words, ``(B, S, C)``.
    present
        Which of them are there, ``(B, S)``.
    words
        The word of each, `PAD` for parts, ``(B, S)``.
    before
        The words one and two places before it in its caption, ``(2, B, S)``; -1 where there is
        none, and `BEGIN` before the first.
    """

    states: Tensor
    present: Tensor
    words: Tensor
    before: Tensor


class _Writer(nn.Module):
    """A decoder's block: look back, look at the source, think."""

    def __init__(self, config: CaptionerConfig):
        super().__init__()
        c, heads, drop = config.channels, config.heads, config.dropout
        self.norms = nn.ModuleList(nn.LayerNorm(c) for _ in range(3))
        self.back = MultiHeadAttention(c, heads, dropout=drop)
        self.source = MultiHeadAttention(c, heads, dropout=drop)
        self.think = FeedForward(c)
        self.dropout = nn.Dropout(drop)

    def forward(self, x: Tensor, seen: Tensor, memory: Memory) -> Tensor:
        x = x + self.dropout(self.back(self.norms[0](x), mask=seen))
        looked = self.source(self.norms[1](x), memory.states, mask=memory.present[:, None, None, :])
        x = x + self.dropout(looked)
        return x + self.dropout(self.think(self.norms[2](x)))


class Captioner(nn.Module):
    """Write a caption from a picture and from what similar pictures are called.

    Parameters
    ----------
    config
        Sizes, and the way in.

    Examples
    --------
    >>> from ravm_course.ravlm.caption_words import END
    >>> model = Captioner(CaptionerConfig(20, places=4, parts=1, part_channels=8, channels=16))
    >>> words = torch.tensor([[[5, 21, END], [6, END, PAD]]])  # 21: a word of this picture alone
    >>> source = Source(torch.randn(1, 1, 8), words, torch.tensor([[0.9, 0.4]]))
    >>> model(source, torch.tensor([[BEGIN, 5]])).exp().sum(-1).round(decimals=4).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, config: CaptionerConfig):
        super().__init__()
        if config.way not in WAYS:
            raise ValueError(f"way is {config.way!r}, expected one of {', '.join(WAYS)}.")
        self.config, c = config, config.channels
        total = config.vocabulary + config.places
        self.word = nn.Embedding(total, c)
        self.place = nn.Embedding(config.longest + 1, c)
        self.rank = nn.Embedding(config.captions + 1, c)  # the last: of what is being written
        self.part_place = nn.Parameter(0.02 * torch.randn(config.parts, c))
        for table in (self.word, self.place, self.rank):
            nn.init.normal_(table.weight, std=c**-0.5 if table is self.word else 0.02)
        self.see = nn.Linear(config.part_channels, c)
        self.before = nn.Linear(c, c, bias=False)  # which word came before: copying reads on
        self.near = nn.Linear(1, c)
        self.readers = nn.ModuleList(
            Block(c, config.heads, dropout=config.dropout) for _ in range(config.readers)
        )
        self.writers = nn.ModuleList(_Writer(config) for _ in range(config.writers))
        self.memory_norm, self.norm = nn.LayerNorm(c), nn.LayerNorm(c)
        if config.way == "pointer":
            self.ask, self.offer = nn.Linear(c, c), nn.Linear(c, c)
            self.gate = nn.Linear(c, 1)
            self.follow = nn.Parameter(torch.ones(2))  # to read on where it was reading
        self.dropout = nn.Dropout(config.dropout)
        unwritten = torch.arange(total) >= config.vocabulary
        unwritten[[PAD, BEGIN, UNKNOWN]] = True
        self.register_buffer("unwritten", unwritten, persistent=False)

    def facts(self) -> dict:
        """Return what must be stored beside the weights to build this model again."""
        return {"config": asdict(self.config)}

    def forward(self, source: Source, written: Tensor) -> Tensor:
        """Return log-probabilities of the word after each of `written`.

        Parameters
        ----------
        source
            What is described, and what was retrieved.
        written
            Numbers of words, ``(B, T)``, the first of them `BEGIN`.

        Returns
        -------
        Tensor
            ``(B, T, V + S)``; rows of probabilities sum to one.

        Raises
        ------
        ValueError
            If the source has more captions or words than the configuration allows, or the shapes
            do not fit.
        """
        return self.write(self.read(source), source, written)[0]

    def read(self, source: Source) -> Memory:
        """Return what there is to look at, computed once for a caption."""
        self._check(source)
        parts = self.see(source.parts) + self.part_place
        states, present = parts, torch.ones(parts.shape[:2], dtype=torch.bool, device=parts.device)
        words = torch.full(present.shape, PAD, device=parts.device)
        before = torch.full((2, *words.shape), -1, device=parts.device)
        if self.config.way in ("cross-attention", "pointer"):
            retrieved, there = self._retrieved(source)
            states = torch.cat([states, retrieved], dim=1)
            present = torch.cat([present, there], dim=1)
            words = torch.cat([words, source.words.flatten(1)], dim=1)
            begun = F.pad(source.words, (2, 0), value=BEGIN)
            begun[..., 0] = -1
            pairs = torch.stack([begun[..., 1:-1], begun[..., :-2]]).flatten(2)
            before = torch.cat([before, pairs], dim=2)
        states = self.dropout(states)
        for block in self.readers:
            states = block(states, mask=present[:, None, None, :])
        return Memory(self.memory_norm(states), present, words, before)

    def write(self, memory: Memory, source: Source, written: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probabilities ``(B, T, V + S)`` and the gate ``(B, T)``.

        The gate is the probability of copying: zero for every way but the pointer, and where
        nothing was retrieved.
        """
        time = written.shape[1]
        x = self._embed(written) + self.rank.weight[-1]
        seen = causal_mask(time).to(x.device)[None]
        if self.config.way == "prompt":
            prompt, there = self._retrieved(source)
            x, size = torch.cat([prompt, x], dim=1), prompt.shape[1] + time
            seen = causal_mask(size).to(x.device) & F.pad(there, (0, time), value=True)[:, None]
            seen = seen | torch.eye(size, dtype=torch.bool, device=x.device)  # never nothing
        x = self.dropout(x)
        for block in self.writers:
            x = block(x, seen[:, None], memory)
        state = self.norm(x[:, -time:])
        scores = state @ self.word.weight.T
        by_heart = scores.masked_fill(self.unwritten, -torch.inf).softmax(-1)
        gate = state.new_zeros(state.shape[:2])
        if self.config.way == "pointer":
            copied, gate = self._copy(state, memory, written)
            by_heart = by_heart * (1 - gate)[..., None] + copied
        return by_heart.clamp(min=1e-9).log(), gate

    def _copy(self, state: Tensor, memory: Memory, written: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gated probability of copying each word ``(B, T, V + S)``, and the gate."""
        may = memory.present & (memory.words != PAD)
        scores = self.ask(state) @ self.offer(memory.states).transpose(1, 2)
        scores = scores / self.config.channels**0.5
        last = written[:, :, None] == memory.before[0, :, None]
        earlier = F.pad(written, (1, 0), value=-2)[:, :-1]
        both = last & (earlier[:, :, None] == memory.before[1, :, None])
        scores = scores + self.follow[0] * last + self.follow[1] * both
        scores = scores.masked_fill(~may[:, None], -torch.inf)
        weights = scores.softmax(-1).nan_to_num()  # where nothing was retrieved: all zero
        gate = torch.sigmoid(self.gate(state)).squeeze(-1) * may.any(1, keepdim=True)
        words = memory.words[:, None].expand_as(weights)
        copied = state.new_zeros(*state.shape[:2], len(self.unwritten))
        return copied.scatter_add(2, words, weights * gate[..., None]), gate

    def _retrieved(self, source: Source) -> tuple[Tensor, Tensor]:
        """Return embedded words of all captions ``(B, K L, C)``, and which are there."""
        ranks = self.rank.weight[: source.words.shape[1]] + self.near(source.nearness[..., None])
        x = self._embed(source.words.flatten(0, 1)).view(*source.words.shape, ranks.shape[2])
        return (x + ranks[:, :, None]).flatten(1, 2), (source.words != PAD).flatten(1)

    def _embed(self, words: Tensor) -> Tensor:
        """Embed words ``(B, T)`` with their places and the word before each, ``(B, T, C)``."""
        x = self.word(words)
        before = F.pad(self.before(x)[:, :-1], (0, 0, 1, 0))
        return x + before + self.place.weight[: words.shape[1]]

    def _check(self, source: Source) -> None:
        """Refuse a source that does not fit the configuration."""
        config, batch = self.config, len(source.parts)
        expected = (config.parts, config.part_channels)
        if source.parts.shape[1:] != expected:
            raise ValueError(
                f"parts are {tuple(source.parts.shape)}, expected (B, {expected[0]}, {expected[1]})"
                ": prepare the pictures as in training."
            )
        count, length = source.words.shape[1:]
        if source.words.shape[0] != batch or source.nearness.shape != (batch, count):
            raise ValueError(
                f"words {tuple(source.words.shape)} and nearness {tuple(source.nearness.shape)} "
                f"do not fit {batch} pictures: expected (B, K, L) and (B, K)."
            )
        if count > config.captions or length > config.longest + 1:
            raise ValueError(
                f"{count} captions of {length} words: this model reads at most {config.captions} "
                f"of {config.longest + 1} with the end. Retrieve fewer, or cut them."
            )
