"""Learn to write captions, write them, and load the captioners that ship with the course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ravm_course.ravlm.caption_batches import Found, pack_source
from ravm_course.ravlm.caption_words import BEGIN, END, PAD, UNKNOWN, Vocabulary
from ravm_course.ravlm.captioner import Captioner, CaptionerConfig, Source
from ravm_course.training import load_shipped, shipped_facts


class Description(NamedTuple):
    """What was written, and for each of its words (and the end) how probable copying was."""

    text: str
    copied: tuple[float, ...]


def caption_loss(model: Captioner, batch: tuple[Source, Tensor]) -> Tensor:
    """Return the mean negative log-likelihood of the right words.

    A right word that has no number (`UNKNOWN`) is not counted: it can neither be written nor
    copied.

    Parameters
    ----------
    model
        The captioner.
    batch
        A source, and the right captions with `BEGIN` and `END`, filled up with `PAD`, ``(B, T)``.
    """
    source, caption = batch
    right = caption[:, 1:]
    log_probs = model(source, caption[:, :-1])
    counted = (right != PAD) & (right != UNKNOWN)
    return -log_probs.gather(2, right[..., None]).squeeze(-1)[counted].mean()


@torch.no_grad()
def write_captions(model: Captioner, source: Source) -> tuple[Tensor, Tensor]:
    """Write word by word, always the likeliest, until all captions have ended.

    Parameters
    ----------
    model
        In evaluation mode.
    source
        What is described, for B pictures.

    Returns
    -------
    words : Tensor
        ``(B, T)``, each row up to its `END`, then `PAD`.
    copied : Tensor
        The gate at each word, ``(B, T)``: how probable it was that the word was copied.
    """
    memory = model.read(source)
    written = torch.full((len(source.parts), 1), BEGIN, device=source.parts.device)
    ended = torch.zeros(len(written), dtype=torch.bool, device=written.device)
    gates = []
    for _ in range(model.config.longest + 1):
        log_probs, gate = model.write(memory, source, written)
        new = log_probs[:, -1].argmax(-1).masked_fill(ended, PAD)
        gates.append(gate[:, -1].masked_fill(ended, 0.0))
        written = torch.cat([written, new[:, None]], dim=1)
        ended = ended | (new == END)
        if bool(ended.all()):
            break
    return written[:, 1:], torch.stack(gates, dim=1)


def describe(
    model: Captioner,
    vocabulary: Vocabulary,
    parts: Tensor,
    found: Sequence[Sequence[Found]],
    *,
    batch: int = 64,
) -> list[Description]:
    """Describe pictures, with what was retrieved for each.

    Parameters
    ----------
    model, vocabulary
        Which belong together.
    parts
        Of the pictures, ``(N, P, D)``.
    found
        What was retrieved for each, nearest first.
    batch
        Pictures described at a time.

    Returns
    -------
    list of Description

    Examples
    --------
    >>> vocabulary = Vocabulary(["cat"], places=2)
    >>> config = CaptionerConfig(vocabulary.size, 2, parts=1, part_channels=8, channels=16)
    >>> model = Captioner(config).eval()
    >>> len(describe(model, vocabulary, torch.zeros(3, 1, 8), [[Found("cat", 1.0)], [], []]))
    3
    """
    described = []
    for start in range(0, len(parts), batch):
        some = slice(start, start + batch)
        source, own = pack_source(
            vocabulary, parts[some], found[some], longest=model.config.longest
        )
        words, gates = write_captions(model, source)
        for ids, row, gate in zip(words.tolist(), own, gates.tolist(), strict=True):
            end = ids.index(END) + 1 if END in ids else len(ids)
            described.append(Description(vocabulary.decode(ids, row), tuple(gate[:end])))
    return described


def load_captioner(name: str) -> tuple[Captioner, Vocabulary]:
    """Return a captioner that ships with the course, and its vocabulary.

    Parameters
    ----------
    name
        ``"flag-captioner"``, which describes flags in a sentence, or ``"name-captioner"``, which
        names emoji. Both were made by ``tools/train_captioner.py``.

    Raises
    ------
    ravm_course.data.files.DataError
        If there is no such checkpoint, or it is damaged.

    Examples
    --------
    >>> model, vocabulary = load_captioner("flag-captioner")
    >>> model.config.way, "horizontal" in vocabulary
    ('pointer', True)
    """
    facts = shipped_facts(name)
    model = Captioner(CaptionerConfig(**facts["config"]))
    return load_shipped(model, name), Vocabulary(facts["words"], model.config.places)
