"""Three exercises that a text sets by itself: go on, fill the gap, put back what was cut.

Each turns tokens into inputs and targets, by chance that flows from one generator, and nothing else
is needed: no labels. *Next token* is the chain rule of probability (GPT). *Hidden tokens* are
restored from both sides (Devlin et al., "BERT: Pre-training of deep bidirectional Transformers",
NAACL 2019, section 3.1). *Cut spans* are written by a decoder (Raffel et al., "Exploring the limits
of transfer learning with a unified text-to-text Transformer", JMLR 21, 2020, section 3.1.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.lm.bert import BERT
from ravm_course.lm.t5 import T5

#: a target that the loss does not count, see :func:`torch.nn.functional.cross_entropy`
IGNORED = -100


def next_tokens(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Let every token be predicted from those before it.

    Parameters
    ----------
    ids
        Tokens ``(..., T + 1)``.

    Returns
    -------
    inputs, targets : Tensor
        All but the last and all but the first, ``(..., T)``. Every position has a target.

    Raises
    ------
    ValueError
        If there are fewer than two tokens.

    Examples
    --------
    >>> next_tokens(torch.tensor([5, 6, 7]))
    (tensor([5, 6]), tensor([6, 7]))
    """
    if not ids.ndim or ids.shape[-1] < 2:
        raise ValueError(
            f"ids has shape {tuple(ids.shape)}, expected at least two tokens: one to read and one "
            "to predict."
        )
    return ids[..., :-1], ids[..., 1:]


def hide_tokens(
    ids: Tensor,
    generator: torch.Generator,
    *,
    mask_token: int,
    vocab_size: int,
    share: float = 0.15,
    keep: Sequence[int] = (),
) -> tuple[Tensor, Tensor]:
    """Hide tokens at random, to be restored from both sides.

    Of the chosen tokens 80 % become `mask_token`, 10 % a random token and 10 % stay, so that the
    model can trust no token, not even one that looks whole (Devlin et al., section 3.1).

    Parameters
    ----------
    ids
        Tokens, any shape.
    generator
        Source of randomness.
    mask_token
        The token that stands for "hidden".
    vocab_size
        Random tokens are drawn below it.
    share
        Of the tokens that are chosen.
    keep
        Tokens that are never chosen, such as the one that fills up.

    Returns
    -------
    inputs, targets : Tensor
        Shaped like `ids`; targets are :data:`IGNORED` where nothing is to be restored.

    Raises
    ------
    ValueError
        If `share` is not in (0, 1].

    Examples
    --------
    >>> ids, chance = torch.arange(3, 1003), torch.Generator().manual_seed(0)
    >>> inputs, targets = hide_tokens(ids, chance, mask_token=0, vocab_size=1003)
    >>> bool(((targets == IGNORED) | (targets == ids)).all())
    True
    >>> 100 < int((inputs == 0).sum()) < 140  # about 80 % of 15 % of a thousand
    True
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}, expected one in (0, 1].")
    chance = torch.rand(ids.shape, generator=generator)
    may = torch.ones_like(ids, dtype=torch.bool)
    for token in keep:
        may &= ids != token
    chosen = (chance < share) & may
    targets = ids.masked_fill(~chosen, IGNORED)
    inputs = ids.masked_fill((chance < 0.8 * share) & may, mask_token)
    other = (chance >= 0.8 * share) & (chance < 0.9 * share) & may
    random = torch.randint(vocab_size, ids.shape, generator=generator)
    return torch.where(other, random, inputs), targets


def cut_spans(
    ids: Tensor,
    generator: torch.Generator,
    *,
    sentinels: Sequence[int],
    share: float = 0.15,
    mean_length: float = 3.0,
) -> tuple[Tensor, Tensor]:
    """Cut stretches out of texts, to be written by a decoder.

    All rows lose the same number of tokens in the same number of stretches, so that the sources
    are of one length, and the targets too: nothing has to be filled up.

    Parameters
    ----------
    ids
        Tokens ``(B, T)``.
    generator
        Source of randomness.
    sentinels
        Tokens that stand for the first, second, ... hole; one more than holes is needed.
    share
        Of the tokens that are cut.
    mean_length
        Of a stretch.

    Returns
    -------
    source, target : Tensor
        The texts with a sentinel in each hole, ``(B, S)``; and each sentinel followed by what was
        cut, with one more sentinel at the end, ``(B, U)``.

    Raises
    ------
    ValueError
        If `ids` is no batch, the texts are too short to leave something, or there are too few
        sentinels.

    Examples
    --------
    >>> chance = torch.Generator().manual_seed(0)
    >>> cut_spans(torch.arange(10)[None], chance, sentinels=[90, 91], share=0.2)
    (tensor([[ 0,  1,  2,  3,  4,  5,  6,  7, 90]]), tensor([[90,  8,  9, 91]]))
    """
    if ids.ndim != 2:
        raise ValueError(f"ids has shape {tuple(ids.shape)}, expected (batch, time).")
    length = ids.shape[1]
    cut = max(1, round(share * length))
    holes = max(1, min(round(cut / mean_length), length - cut))
    if cut >= length:
        raise ValueError(f"{length} tokens are too few to cut {cut} of them.")
    if len(sentinels) <= holes:
        raise ValueError(f"{holes} holes need {holes + 1} sentinels, {len(sentinels)} were given.")
    marks = ids.new_tensor(list(sentinels))[:, None]
    sources, targets = [], []
    for row in ids:
        gaps = _parts(length - cut, holes, generator)
        spans = _parts(cut, holes, generator)
        pieces = row.split([n for pair in zip(gaps, spans, strict=True) for n in pair])
        sources.append(torch.cat([p for i in range(holes) for p in (pieces[2 * i], marks[i])]))
        target = [p for i in range(holes) for p in (marks[i], pieces[2 * i + 1])]
        targets.append(torch.cat([*target, marks[holes]]))
    return torch.stack(sources), torch.stack(targets)


def _parts(total: int, count: int, generator: torch.Generator) -> list[int]:
    """Cut `total` into `count` parts of at least one, all ways equally likely."""
    borders = torch.randperm(total - 1, generator=generator)[: count - 1].sort().values + 1
    return [b - a for a, b in pairwise([0, *borders.tolist(), total])]


def restoring_loss(model: BERT, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy, in nats, of restoring what was hidden.

    Only hidden positions are scored: the others have no target, and the last layer, as wide as the
    vocabulary, is the dearest.

    Parameters
    ----------
    model
        The encoder.
    inputs, targets
        From :func:`hide_tokens`, ``(B, T)``, with at least one target.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> from ravm_course.lm.bert import BERTConfig
    >>> model = BERT(BERTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1))
    >>> ids, chance = torch.randint(9, (32, 8)), torch.Generator().manual_seed(0)
    >>> loss = restoring_loss(model, *hide_tokens(ids, chance, mask_token=9, vocab_size=9))
    >>> abs(loss.item() - 2.303) < 0.3  # ln 10: nothing learned yet
    True
    """
    chosen = targets != IGNORED
    logits = model.score(model.features(inputs)[chosen])
    return F.cross_entropy(logits, targets[chosen])


def writing_loss(model: T5, source: Tensor, target: Tensor, *, begin: int) -> Tensor:
    """Return the mean cross-entropy, in nats, of writing the target after reading the source.

    Parameters
    ----------
    model
        The encoder and decoder.
    source, target
        From :func:`cut_spans`, ``(B, S)`` and ``(B, U)``.
    begin
        Token that the decoder reads first.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> from ravm_course.lm.t5 import T5Config
    >>> model = T5(T5Config(vocab_size=12, channels=16, heads=2, layers=1, hidden=32))
    >>> ids, chance = torch.randint(9, (32, 8)), torch.Generator().manual_seed(0)
    >>> source, target = cut_spans(ids, chance, sentinels=[9, 10])
    >>> writing_loss(model, source, target, begin=11).shape
    torch.Size([])
    """
    first = torch.full_like(target[:, :1], begin)
    logits = model(source, torch.cat([first, target[:, :-1]], dim=1))
    return F.cross_entropy(logits.flatten(0, 1), target.flatten())
