"""Pairs of texts as tensors: what a model that translates is trained on.

Texts of different lengths are filled up to the longest of their batch. What was filled must change
nothing: the lengths say where a source ends, and the loss leaves out targets that are `PAD`. The
writer is *given* the target moved by one place, with a mark of the beginning in front, and is
*expected* to write the target with a mark of the end behind: at each place it has seen what comes
before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

PAD, BEGIN, END, UNKNOWN = range(4)


class Symbols:
    """The symbols of one side, such as characters or words, and their numbers.

    Parameters
    ----------
    symbols
        Without repetition; they get the numbers from 4 on, behind `PAD`, `BEGIN`, `END` and
        `UNKNOWN`.

    Raises
    ------
    ValueError
        If a symbol repeats.

    Examples
    --------
    >>> letters = Symbols.of(["abba", "b"])
    >>> letters.encode("bad"), letters.decode([5, 4, END, 4])
    ([4, 5, 3], ['a', 'b'])
    """

    def __init__(self, symbols: Iterable[str]):
        self.symbols = tuple(symbols)
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols, UNKNOWN + 1)}
        if len(self._ids) != len(self.symbols):
            twice = next(s for s, n in Counter(self.symbols).items() if n > 1)
            raise ValueError(f"the symbol {twice!r} is given twice.")

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], at_least: int = 1) -> Symbols:
        """Collect the symbols of texts, the most frequent first.

        Parameters
        ----------
        texts
            Strings, or lists of words.
        at_least
            How often a symbol must occur.
        """
        count = Counter(symbol for text in texts for symbol in text)
        kept = (symbol for symbol in count if count[symbol] >= at_least)
        return cls(sorted(kept, key=lambda symbol: (-count[symbol], symbol)))

    def __len__(self) -> int:
        """Return the number of symbols, the four marks included."""
        return len(self.symbols) + UNKNOWN + 1

    def encode(self, text: Sequence[str]) -> list[int]:
        """Return the numbers of a text; a symbol that is not known becomes `UNKNOWN`."""
        return [self._ids.get(symbol, UNKNOWN) for symbol in text]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the symbols up to the first `END`, without marks (unknown ones as ``"?"``)."""
        text = []
        for i in ids:
            if i == END:
                break
            if i >= UNKNOWN:
                text.append("?" if i == UNKNOWN else self.symbols[i - UNKNOWN - 1])
        return text


class PairBatch(NamedTuple):
    """Pairs of texts side by side.

    Attributes
    ----------
    source
        ``(B, S)``, filled with `PAD`.
    lengths
        Symbols that count of each source, ``(B,)``.
    given
        The targets behind `BEGIN`, ``(B, T)``.
    expected
        The targets followed by `END`, ``(B, T)``; `PAD` where nothing is expected.
    """

    source: Tensor
    lengths: Tensor
    given: Tensor
    expected: Tensor


def pad(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return texts as one tensor ``(B, T)`` filled with `PAD`, and their lengths ``(B,)``.

    Raises
    ------
    ValueError
        If there is no text.

    Examples
    --------
    >>> pad([[7, 8, 9], [5]])
    (tensor([[7, 8, 9],
            [5, 0, 0]]), tensor([3, 1]))
    """
    if not texts:
        raise ValueError("there are no texts: give at least one.")
    lengths = torch.tensor([len(text) for text in texts])
    longest = int(lengths.max())
    return torch.tensor([[*text, *[PAD] * (longest - len(text))] for text in texts]), lengths


def pair_batch(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> PairBatch:
    """Lay pairs of texts side by side.

    Parameters
    ----------
    pairs
        Numbers of source and target, without marks.

    Raises
    ------
    ValueError
        If there is no pair, or a source is empty.

    Examples
    --------
    >>> batch = pair_batch([([7, 8], [9]), ([6], [5, 4])])
    >>> batch.given.tolist(), batch.expected.tolist()
    ([[1, 9, 0], [1, 5, 4]], [[9, 2, 0], [5, 4, 2]])
    """
    source, lengths = pad([one for one, _ in pairs])
    if not lengths.all():
        raise ValueError("a source is empty: a reader needs at least one symbol.")
    given, _ = pad([[BEGIN, *other] for _, other in pairs])
    expected, _ = pad([[*other, END] for _, other in pairs])
    return PairBatch(source, lengths, given, expected)
