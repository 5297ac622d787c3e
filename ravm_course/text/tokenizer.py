"""Byte-pair encoding: any text as a sequence of token numbers, and back without loss.

The tokens are sequences of bytes. The 256 single bytes are among them, so that every text in every
script can be written, and there is no unknown word; the longer ones were learned from text, see
:mod:`ravm_course.text.bpe_train`. The design is that of GPT-2 (Radford et al. 2019, section 2.2),
and the files are those of Hugging Face, see :mod:`ravm_course.text.tokenizer_files`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Literal

import numpy as np

from ravm_course.text import tokenizer_files
from ravm_course.text.bpe_apply import apply_merges
from ravm_course.text.bpe_train import count_pretokens, learn_merges
from ravm_course.text.pretokenise import BYTES, pretokenise, to_visible

_REMEMBERED = 2**17  # pre-tokens whose tokens are kept, so that memory stays bounded
_LONGEST = 64  # longer pre-tokens hardly ever come back


class BPETokenizer:
    """A byte-level BPE tokenizer with GPT-2's cuts between words.

    Usually made by :meth:`train` or :meth:`load`.

    Parameters
    ----------
    vocabulary
        Token, as bytes, to its number. All 256 single bytes must be there.
    merges
        The pairs of tokens to merge, the first learned first.
    special
        Tokens that stand for no text, such as ``{"<|endoftext|>": 0}``, with their numbers. All
        numbers together are 0 to V - 1, each once.

    Attributes
    ----------
    vocabulary : dict
        Token to number, without the special ones.
    merges : tuple of tuple
        The pairs, in order.
    special : dict
        Special token to number.

    Raises
    ------
    ValueError
        If a byte is missing, a number is missing or used twice, a merge needs or makes a token
        that is not in the vocabulary, or a pair is merged twice.

    Examples
    --------
    >>> tokenizer = BPETokenizer.train("low low low lower lower newest newest", vocab_size=262)
    >>> tokenizer.tokenize("the lowest")
    ['t', 'h', 'e', 'Ġlow', 'es', 't']
    >>> ids = tokenizer.encode("the lowest 字")
    >>> ids
    [83, 71, 68, 258, 260, 83, 220, 161, 255, 245]
    >>> tokenizer.decode(ids)
    'the lowest 字'
    """

    def __init__(
        self,
        vocabulary: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]],
        special: Mapping[str, int] | None = None,
    ):
        self.vocabulary = dict(vocabulary)
        self.merges = tuple((left, right) for left, right in merges)
        self.special = dict(special or {})
        self._check()
        number = self.vocabulary
        self._token: dict[int, bytes] = {i: token for token, i in number.items()}
        self._token |= {i: token.encode() for token, i in self.special.items()}
        self._visible = {i: to_visible(token) for token, i in number.items()}
        self._of_byte = [number[bytes([byte])] for byte in range(256)]
        self._ranks = {
            (number[left], number[right]): (rank, number[left + right])
            for rank, (left, right) in enumerate(self.merges)
        }
        longest_first = sorted(self.special, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._ids_of = _Memory(self._encode_pretoken)

    def _check(self) -> None:
        missing = [token[0] for token in BYTES if token not in self.vocabulary]
        if missing:
            raise ValueError(
                f"the vocabulary lacks {len(missing)} of the 256 single bytes, such as "
                f"{missing[0]:#04x}: without them some texts cannot be written. Add them."
            )
        numbers = sorted([*self.vocabulary.values(), *self.special.values()])
        if numbers != list(range(len(numbers))):
            wrong = next((i for i, n in enumerate(numbers) if i != n), 0)
            raise ValueError(
                f"{len(numbers)} tokens must have the numbers 0 to {len(numbers) - 1}, each once, "
                f"but in their place {wrong} stands {numbers[wrong]}."
            )
        for rank, (left, right) in enumerate(self.merges):
            for token in (left, right, left + right):
                if token not in self.vocabulary:
                    raise ValueError(
                        f"merge {rank} joins {left!r} and {right!r}, but {token!r} is not in the "
                        "vocabulary: the two do not belong together."
                    )
        if len(set(self.merges)) < len(self.merges):
            twice = next(pair for i, pair in enumerate(self.merges) if pair in self.merges[:i])
            raise ValueError(f"the pair {twice} stands twice among the merges: remove one.")
        if "" in self.special:
            raise ValueError("a special token is the empty string: give it at least one character.")

    def __repr__(self) -> str:
        extra = f", special={list(self.special)}" if self.special else ""
        return f"BPETokenizer({len(self):,} tokens, {len(self.merges):,} merges{extra})"

    def __len__(self) -> int:
        """Return V, the size of the vocabulary with the special tokens."""
        return len(self.vocabulary) + len(self.special)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BPETokenizer):
            return NotImplemented
        mine, theirs = (
            (tokenizer.vocabulary, tokenizer.merges, tokenizer.special)
            for tokenizer in (self, other)
        )
        return mine == theirs

    __hash__ = None  # two that are equal may live in different places

    @classmethod
    def train(
        cls, text: str | Iterable[str], vocab_size: int, *, special: Sequence[str] = ()
    ) -> BPETokenizer:
        """Learn a vocabulary from text.

        Parameters
        ----------
        text
            A text, or several; no token crosses the border of two.
        vocab_size
            V, the tokens wanted in all: special ones, 256 bytes, and the rest learned. There will
            be fewer if the text has no more pairs to merge.
        special
            Tokens that stand for no text; they get the first numbers.

        Returns
        -------
        BPETokenizer

        Raises
        ------
        ValueError
            If `vocab_size` leaves no room for the bytes, a special token is named twice, or a
            text holds half of a surrogate pair.

        Examples
        --------
        >>> tokenizer = BPETokenizer.train(["a rose is", "a rose"], 260, special=["<|end|>"])
        >>> tokenizer
        BPETokenizer(260 tokens, 3 merges, special=['<|end|>'])
        >>> tokenizer.merges
        ((b'o', b's'), (b'r', b'os'), (b' ', b'ros'))
        """
        special = [special] if isinstance(special, str) else list(special)
        least = len(BYTES) + len(special)
        if vocab_size < least:
            raise ValueError(
                f"vocab_size is {vocab_size}: give at least {least}, for 256 bytes and "
                f"{len(special)} special token(s)."
            )
        if len(set(special)) < len(special):
            raise ValueError(f"special names a token twice: {special}.")
        pretokens = count_pretokens([text] if isinstance(text, str) else text)
        counts = {_utf8(pretoken): count for pretoken, count in pretokens.items()}
        merges = learn_merges(counts, vocab_size - least)
        tokens = [*BYTES, *(left + right for left, right in merges)]
        vocabulary = {token: i for i, token in enumerate(tokens, len(special))}
        return cls(vocabulary, merges, {token: i for i, token in enumerate(special)})

    def shrink(self, vocab_size: int) -> BPETokenizer:
        """Return the tokenizer that training would have given for a smaller vocabulary.

        Training is greedy: the first merges do not depend on how many follow.

        Parameters
        ----------
        vocab_size
            V of the new one.

        Returns
        -------
        BPETokenizer

        Raises
        ------
        ValueError
            If `vocab_size` is larger than now or too small for the bytes, or if the numbers of
            the tokens are not in the order of the merges.

        Examples
        --------
        >>> text = "a rose is a rose is a rose"
        >>> BPETokenizer.train(text, 262).shrink(258) == BPETokenizer.train(text, 258)
        True
        """
        drop = len(self) - vocab_size
        if not 0 <= drop <= len(self.merges):
            raise ValueError(
                f"vocab_size is {vocab_size}: give {len(self) - len(self.merges)} to {len(self)}."
            )
        merges = self.merges[: len(self.merges) - drop]
        gone = {left + right for left, right in self.merges[len(merges) :]}
        vocabulary = {token: i for token, i in self.vocabulary.items() if token not in gone}
        return BPETokenizer(vocabulary, merges, self.special)

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Turn a text into token numbers.

        Parameters
        ----------
        text
            Any text of Unicode characters.
        allow_special
            Read the names of special tokens in the text as these tokens. By default they are
            text like any other: whoever writes a text must not be able to end it for the model.

        Returns
        -------
        list of int
            Numbers from 0 to V - 1.

        Raises
        ------
        ValueError
            If the text holds half of a surrogate pair, which is no character.
        TypeError
            If `text` is not a string.

        Examples
        --------
        >>> tokenizer = BPETokenizer.train("", 257, special=["<|end|>"])
        >>> tokenizer.encode("!<|end|>", allow_special=True)
        [1, 0]
        >>> len(tokenizer.encode("!<|end|>"))
        8
        """
        if not isinstance(text, str):
            raise TypeError(f"text is a {type(text).__name__}: give a string.")
        if not (allow_special and self.special):
            return list(chain.from_iterable(map(self._ids_of.__getitem__, pretokenise(text))))
        ids: list[int] = []
        end = 0
        for found in self._special.finditer(text):
            ids += self.encode(text[end : found.start()])
            ids.append(self.special[found.group()])
            end = found.end()
        return ids + self.encode(text[end:])

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens, each written in visible characters, one for each byte.

        Parameters
        ----------
        text
            As for :meth:`encode`.

        Returns
        -------
        list of str
            See :func:`ravm_course.text.pretokenise.to_visible`.

        Examples
        --------
        >>> BPETokenizer.train("a rose is a rose", 260).tokenize("a rosé")
        ['a', 'Ġros', 'Ã', '©']
        """
        return list(map(self._visible.__getitem__, self.encode(text)))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        r"""Return the bytes that token numbers stand for; special tokens give their names.

        Parameters
        ----------
        ids
            Numbers from 0 to V - 1.

        Returns
        -------
        bytes

        Raises
        ------
        ValueError
            If a number is no token's.

        Examples
        --------
        >>> tokenizer = BPETokenizer.train("", 256)
        >>> tokenizer.decode_bytes(tokenizer.encode("字")[:2])
        b'\xe5\xad'
        """
        ids = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        try:
            return b"".join(map(self._token.__getitem__, ids))
        except KeyError as error:
            raise ValueError(
                f"{error.args[0]!r} is no token: this tokenizer has the numbers 0 to "
                f"{len(self) - 1}. Were the numbers made by another tokenizer?"
            ) from None

    def decode(
        self, ids: Iterable[int], errors: Literal["replace", "strict", "ignore"] = "replace"
    ) -> str:
        """Return the text that token numbers stand for.

        Parameters
        ----------
        ids
            Numbers from 0 to V - 1. Whole texts come back as they were; a sequence that ends in
            the middle of a character is not text.
        errors
            What to do with bytes that are no text: ``"replace"`` by U+FFFD, ``"strict"`` to raise
            UnicodeDecodeError, ``"ignore"`` to leave them out.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If a number is no token's.

        Examples
        --------
        >>> tokenizer = BPETokenizer.train("", 256)
        >>> tokenizer.decode(tokenizer.encode("naïve")[:3])
        'na�'
        """
        return self.decode_bytes(ids).decode("utf-8", errors)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tokenizer as ``tokenizer.json``, which Hugging Face's tokenizers read too.

        Parameters
        ----------
        path
            The file. It is replaced in one step.

        Raises
        ------
        FileNotFoundError
            If its folder does not exist.
        """
        tokenizer_files.write_json(path, self.vocabulary, self.merges, self.special)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BPETokenizer:
        """Read a byte-level BPE tokenizer from a ``tokenizer.json``, ours or Hugging Face's.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        BPETokenizer

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged or cut off, or describes a tokenizer that would not give the
            same numbers here (another model, another way to cut words, a normalisation).

        Examples
        --------
        >>> import tempfile
        >>> tokenizer = BPETokenizer.train("a rose is a rose", 260)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tokenizer.save(f"{folder}/tokenizer.json")
        ...     BPETokenizer.load(f"{folder}/tokenizer.json") == tokenizer
        True
        """
        return cls._of_file(path, tokenizer_files.read_json(path))

    @classmethod
    def load_gpt2(
        cls,
        vocabulary: str | os.PathLike[str],
        merges: str | os.PathLike[str],
        *,
        special: Sequence[str] = ("<|endoftext|>",),
    ) -> BPETokenizer:
        """Read the two files in which GPT-2's tokenizer was published.

        Parameters
        ----------
        vocabulary
            ``encoder.json``, also known as ``vocab.json``: token to number.
        merges
            ``vocab.bpe``, also known as ``merges.txt``: a pair a line.
        special
            Which tokens of the vocabulary are special.

        Returns
        -------
        BPETokenizer

        Raises
        ------
        FileNotFoundError
            If a file does not exist.
        ValueError
            If a file is damaged or cut off, or the two do not belong together.
        """
        return cls._of_file(merges, tokenizer_files.read_gpt2(vocabulary, merges, special))

    @classmethod
    def _of_file(cls, path: str | os.PathLike[str], parts: tokenizer_files._Parts) -> BPETokenizer:
        try:
            return cls(*parts)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from None

    def _encode_pretoken(self, pretoken: str) -> list[int]:
        of_byte = self._of_byte
        return apply_merges([of_byte[byte] for byte in _utf8(pretoken)], self._ranks)


class _Memory(dict):
    """Pre-token to token numbers: computes what it lacks, keeps what is likely to come back."""

    def __init__(self, compute: Callable[[str], list[int]]):
        super().__init__()
        self._compute = compute

    def __missing__(self, pretoken: str) -> list[int]:
        ids = self._compute(pretoken)
        if len(self) < _REMEMBERED and len(pretoken) <= _LONGEST:
            self[pretoken] = ids
        return ids


def _utf8(pretoken: str) -> bytes:
    try:
        return pretoken.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the text holds {pretoken[error.start]!r}, half of a surrogate pair, which is no "
            f"character and has no UTF-8 form (near {pretoken[:30]!r}). It comes from text that "
            "was decoded wrongly: repair it there, or replace it with "
            "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')."
        ) from None
