"""The speeches as token ids: what every entry of the race reads, and the bytes it pays for.

The tokenizer is that of chapter 4, trained on the training speeches alone. One more token ends each
speech, and stands before the first one of a text for a model that needs something to look at. Bits
per byte count every token with that end, over every byte of the raw text; so entries with different
tokens compare.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from ravm_course.data.sentences import speech_split
from ravm_course.data.speeches import load_speeches
from ravm_course.text.tokenizer import BPETokenizer


@dataclass(frozen=True)
class Part:
    """Some speeches as ids.

    Attributes
    ----------
    ids
        For each speech its tokens ``(T,)``, int64, the last of them the end of the speech.
    n_bytes
        Length of each speech in bytes of UTF-8.
    years
        When each was given.
    """

    ids: tuple[Tensor, ...]
    n_bytes: tuple[int, ...]
    years: tuple[int, ...]

    def stream(self) -> Tensor:
        """Return all speeches, one behind the other, ``(T,)``."""
        return torch.cat(self.ids)


@dataclass(frozen=True)
class SpeechTokens:
    """All speeches as ids, split whole.

    Attributes
    ----------
    tokenizer
        Trained on the training speeches.
    train, validation, test
        The parts.
    """

    tokenizer: BPETokenizer
    train: Part
    validation: Part
    test: Part

    @property
    def end(self) -> int:
        """The id that ends a speech: the first behind the tokenizer's."""
        return len(self.tokenizer)

    @property
    def vocab_size(self) -> int:
        """Tokens that a model predicts: the tokenizer's and the end."""
        return len(self.tokenizer) + 1


@functools.cache
def load_speech_tokens(vocab_size: int = 4096) -> SpeechTokens:
    """Train the tokenizer on the training speeches, and encode all of them with it.

    Parameters
    ----------
    vocab_size
        Tokens of the tokenizer, at least 256; the end of a speech is one more.

    Returns
    -------
    SpeechTokens
        Kept for the next call.

    Raises
    ------
    ValueError
        If the vocabulary is smaller than the 256 bytes.

    Examples
    --------
    >>> speeches = load_speech_tokens(512)
    >>> len(speeches.test.ids), sum(speeches.test.n_bytes), speeches.end
    (46, 1876981, 512)
    >>> speeches.tokenizer.decode(speeches.train.ids[0][:-1].tolist())[:15]
    'Fellow-Citizens'
    """
    split = speech_split(load_speeches())
    tokenizer = BPETokenizer.train([speech.text for speech in split[0]], vocab_size)
    end = len(tokenizer)
    parts = (
        Part(
            ids=tuple(torch.tensor([*tokenizer.encode(speech.text), end]) for speech in part),
            n_bytes=tuple(len(speech.text.encode()) for speech in part),
            years=tuple(speech.year for speech in part),
        )
        for part in split
    )
    return SpeechTokens(tokenizer, *parts)
