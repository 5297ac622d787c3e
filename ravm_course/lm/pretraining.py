"""Three small models of one size, three exercises, one text: what chapter 9 compares.

A GPT goes on, a BERT restores hidden tokens, a T5 writes what was cut. All read windows of the same
training speeches, as many tokens each, in the same vocabulary: the tokenizer's tokens, the end of a
speech, and a few *marks* that stand for what is missing. The first mark is BERT's mask; T5 needs
one for each hole and one more.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.lm.bert import BERT, BERTConfig
from ravm_course.lm.gpt import GPT, GPTConfig
from ravm_course.lm.objectives import (
    IGNORED,
    cut_spans,
    hide_tokens,
    next_tokens,
    restoring_loss,
    writing_loss,
)
from ravm_course.lm.speech_tokens import SpeechTokens, load_speech_tokens
from ravm_course.lm.t5 import T5, T5Config
from ravm_course.training import half_precision, load_shipped

KINDS = ("gpt", "bert", "t5")

#: tokens of the tokenizer, marks behind the end of a speech, and tokens of a window
TOKENS, MARKS, WINDOW = 2048, 8, 64


def new_model(kind: str, vocab_size: int, *, seed: int = 0) -> nn.Module:
    """Return an untrained model of the size that the chapter compares.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    vocab_size
        V, the marks included.
    seed
        Of the first weights.

    Returns
    -------
    torch.nn.Module
        GPT and BERT of four blocks, or a T5 of two blocks that read and two that write: about a
        million parameters each.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> from ravm_course.nn.transformer import count_parameters
    >>> [count_parameters(new_model(kind, 300)) for kind in KINDS]
    [839936, 857260, 957696]
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "gpt":
            return GPT(GPTConfig(vocab_size, context=WINDOW, channels=128, heads=4, layers=4))
        if kind == "bert":
            return BERT(BERTConfig(vocab_size, context=WINDOW, channels=128, heads=4, layers=4))
        if kind == "t5":
            return T5(T5Config(vocab_size, channels=128, heads=4, layers=2))
    raise ValueError(f"kind is {kind!r}, expected one of {KINDS}.")


def windows_of(
    stream: Tensor, generator: torch.Generator, batch: int = 16, length: int = WINDOW
) -> Tensor:
    """Return stretches of `length` tokens from random places, ``(batch, length)``.

    Raises
    ------
    ValueError
        If the text is shorter than one window.

    Examples
    --------
    >>> windows_of(torch.arange(1000), torch.Generator().manual_seed(0), batch=2).shape
    torch.Size([2, 64])
    """
    if len(stream) < length:
        raise ValueError(f"the text has {len(stream)} tokens, a window needs {length}.")
    first = torch.randint(len(stream) - length + 1, (batch, 1), generator=generator)
    return stream[first + torch.arange(length)]


def exercise(
    kind: str, ids: Tensor, generator: torch.Generator, end: int, *, share: float = 0.15
) -> tuple[Tensor, Tensor]:
    """Turn windows into the exercise of a kind of model.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    ids
        ``(B, T)``.
    generator
        Source of randomness.
    end
        The end of a speech; the marks are the tokens behind it.
    share
        Of the tokens that are hidden or cut.

    Returns
    -------
    inputs, targets : Tensor
        See :mod:`ravm_course.lm.objectives`.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> inputs, targets = exercise("gpt", torch.arange(8)[None], torch.Generator(), end=9)
    >>> targets - inputs
    tensor([[1, 1, 1, 1, 1, 1, 1]])
    """
    if kind == "gpt":
        return next_tokens(ids)
    if kind == "bert":
        return hide_tokens(ids, generator, mask_token=end + 1, vocab_size=end, share=share)
    if kind == "t5":
        marks = range(end + 1, end + 1 + MARKS)
        return cut_spans(ids, generator, sentinels=marks, share=share)
    raise ValueError(f"kind is {kind!r}, expected one of {KINDS}.")


def exercise_loss(end: int) -> Callable[[nn.Module, tuple[Tensor, Tensor]], Tensor]:
    """Return the loss of all three kinds of model on their exercise, as ``loss(model, batch)``.

    Products are computed in bfloat16, as in training, where the processor can.

    Examples
    --------
    >>> model, chance = new_model("bert", 300), torch.Generator().manual_seed(0)
    >>> batch = exercise("bert", torch.randint(290, (16, 64)), chance, end=290)
    >>> exercise_loss(290)(model, batch).shape
    torch.Size([])
    """

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, targets = batch
        with half_precision(inputs.device):
            if isinstance(model, BERT):
                return restoring_loss(model, inputs, targets)
            if isinstance(model, T5):
                return writing_loss(model, inputs, targets, begin=end)
            return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())

    return loss


@torch.no_grad()
def text_loss(model: nn.Module, batch: tuple[Tensor, Tensor], end: int) -> Tensor:
    """Return the natural log-loss of each target that is a token of the text, not a mark, ``(N,)``.

    Parameters
    ----------
    model
        In evaluation mode.
    batch
        From :func:`exercise`.
    end
        The end of a speech.

    Examples
    --------
    >>> model, chance = new_model("t5", 300).eval(), torch.Generator().manual_seed(0)
    >>> batch = exercise("t5", torch.randint(290, (16, 64)), chance, end=290)
    >>> text_loss(model, batch, end=290).shape  # ten tokens cut from each of 16 windows
    torch.Size([160])
    """
    inputs, targets = batch
    chosen = (targets != IGNORED) & (targets <= end)
    if isinstance(model, T5):
        first = torch.full_like(targets[:, :1], end)
        logits = model(inputs, torch.cat([first, targets[:, :-1]], dim=1))
    else:
        logits = model(inputs)
    return F.cross_entropy(logits[chosen], targets[chosen], reduction="none")


def load_pretrained(kind: str) -> tuple[nn.Module, SpeechTokens]:
    """Return a model that ships with the course, and the speeches in its tokens.

    It was trained by ``tools/pretrain.py``; how, and how its loss fell, stands in
    ``shipped_facts("objective-gpt")`` and so on, see :mod:`ravm_course.training.shipped`.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.

    Returns
    -------
    model, speeches
        The model in evaluation mode, in single precision, without gradients.

    Raises
    ------
    ravm_course.data.files.DataError
        If the checkpoint is missing or damaged.

    Examples
    --------
    >>> model, speeches = load_pretrained("gpt")
    >>> model(speeches.test.ids[0][None, :9]).shape
    torch.Size([1, 9, 2057])
    """
    speeches = load_speech_tokens(TOKENS)
    model = new_model(kind, speeches.vocab_size + MARKS)
    return load_shipped(model, f"objective-{kind}"), speeches


def without_attention(model: GPT | BERT) -> None:
    """Let attention add nothing, now and in training: each position sees itself alone.

    Examples
    --------
    >>> model = new_model("gpt", 300).eval()
    >>> without_attention(model)
    >>> first, second = model(torch.tensor([[1, 7], [2, 7]]))[:, 1]
    >>> torch.equal(first, second)  # after 1 and after 2, all the same
    True
    """
    for block in model.blocks:
        for parameter in block.attention.project_out.parameters():
            parameter.data.zero_()
            parameter.requires_grad_(False)


def with_left_token(model: BERT) -> None:
    """Add to the vector of each position that of the token before, without attention.

    Examples
    --------
    >>> model = new_model("bert", 300).eval()
    >>> without_attention(model)
    >>> with_left_token(model)
    >>> first, second = model(torch.tensor([[1, 7], [2, 7]]))[:, 1]
    >>> torch.equal(first, second)
    False
    """

    def add_left(module: nn.Module, tokens: tuple[Tensor], vectors: Tensor) -> Tensor:
        return vectors + F.pad(vectors, (0, 0, 1, 0))[:, :-1]

    model.token.register_forward_hook(add_left)
