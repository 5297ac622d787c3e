r"""Write and read language models as ARPA files, the field's exchange format.

An ARPA file is text: how many n-grams each order has, then one line an n-gram with the log10 of its
probability, its words, and the log10 of its back-off weight (Stolcke 2002, ngram-format(5) of
SRILM)::

    \data\
    ngram 1=4
    ngram 2=2

    \1-grams:
    -0.602	<unk>
    -99	<s>	-0.301
    ...
    \end\

A probability of zero is written -99, as SRILM does, and -99 or less is read as zero. Numbers carry
17 digits where they need them, so what was written is read back equal to the last bit.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ravm_course.text.counts import BOS, EOS, SPECIAL
from ravm_course.text.lookup import Level, find

SEPARATORS = " \t\n\r\v\f\0"
LOG10_ZERO = -99.0
_CHUNK = 1 << 16


def write(path: Path, words: Sequence[str], levels: Sequence[Level]) -> None:
    """Write the tables of a model.

    Parameters
    ----------
    path
        The file, overwritten.
    words
        The vocabulary, by id.
    levels
        Tables of order 1, 2, ...

    Raises
    ------
    ValueError
        If a word is empty or holds a character that separates fields or lines.
    """
    for word in words:
        if not word or any(mark in word for mark in SEPARATORS):
            raise ValueError(
                f"the word {word!r} cannot stand in an ARPA file, where blanks, line ends and NUL "
                "separate: tokenize the text so that no token is empty or holds one."
            )
        try:
            word.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                f"the word {word!r} holds half of a surrogate pair, which UTF-8 cannot write: "
                "decode the text again from its bytes."
            ) from error
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\\data\\\n")
        for n, level in enumerate(levels, 1):
            file.write(f"ngram {n}={len(level)}\n")
        for n, level in enumerate(levels, 1):
            file.write(f"\n\\{n}-grams:\n")
            for start in range(0, len(level), _CHUNK):
                part = np.arange(start, min(start + _CHUNK, len(level)))
                probs = np.maximum(level.log10_prob[part], LOG10_ZERO).tolist()
                weights = np.maximum(level.log10_backoff[part], LOG10_ZERO).tolist()
                rows = [[words[i] for i in row] for row in spell(levels[:n], part).tolist()]
                file.writelines(
                    f"{p!r}\t{' '.join(row)}\n" if w == 0 else f"{p!r}\t{' '.join(row)}\t{w!r}\n"
                    for p, row, w in zip(probs, rows, weights, strict=True)
                )
        file.write("\n\\end\\\n")


def spell(levels: Sequence[Level], index: np.ndarray) -> np.ndarray:
    """Return the words of n-grams of the last of the given orders.

    Parameters
    ----------
    levels
        Tables of order 1 to n.
    index
        Which n-grams, shape ``(K,)``.

    Returns
    -------
    numpy.ndarray
        Word ids, shape ``(K, n)``.
    """
    columns = []
    for level in reversed(levels):
        index, word = np.divmod(level.keys[index], len(levels[0]))
        columns.append(word)
    return np.stack(columns[::-1], axis=1)


def read(path: Path) -> tuple[dict[str, int], list[Level]]:
    """Read the tables of a model.

    Parameters
    ----------
    path
        The file, UTF-8. A missing ``<unk>`` is added with probability zero.

    Returns
    -------
    vocabulary : dict
        Word to id, with the special symbols first.
    levels : list of Level
        Tables of order 1, 2, ...

    Raises
    ------
    ValueError
        If the file is cut short or breaks the format; the message gives the line.
    """
    with path.open("rb") as file:
        lines = _Lines(path.name, file)
        sizes = _read_sizes(lines)
        vocabulary = {word: i for i, word in enumerate(SPECIAL)}
        levels: list[Level] = []
        for n, size in enumerate(sizes, 1):
            lines.expect(f"\\{n}-grams:")
            first = lines.number + 1
            ids, probs, weights = _read_entries(lines, n, size, vocabulary)
            if n == 1:
                levels.append(_unigrams(lines, ids[:, 0], probs, weights, len(vocabulary)))
                continue
            parent = ids[:, 0]
            for level, word in zip(levels[1:], ids.T[1:-1], strict=True):
                parent = find(level.keys, parent * len(vocabulary) + word)
            keys = parent * len(vocabulary) + ids[:, -1]
            by_key = np.argsort(keys, kind="stable")
            if len(keys) and keys[by_key[0]] < 0:
                lines.number = first + int(by_key[0])
                raise lines.error(f"this {n}-gram extends a {n - 1}-gram that is not in the file")
            twice = np.flatnonzero(np.diff(keys[by_key]) == 0)
            if len(twice):
                lines.number = first + int(by_key[twice[0] + 1])
                raise lines.error(f"this {n}-gram stands in the file twice")
            levels.append(Level(keys[by_key], probs[by_key], weights[by_key]))
        lines.expect("\\end\\")
    return vocabulary, levels


class _Lines:
    """The lines of a file, which know their number when something is wrong."""

    def __init__(self, name: str, file: BinaryIO):
        self.name, self.number, self.file = name, 0, file

    def next(self) -> str | None:
        """Return the next line without its end, or None after the last."""
        line = self.file.readline()
        if not line:
            return None
        self.number += 1
        try:
            return line.decode("utf-8").strip(SEPARATORS)
        except UnicodeDecodeError as error:
            raise self.error(f"this is not UTF-8 ({error.reason})") from error

    def filled(self, expected: str) -> str:
        """Return the next line that is not blank."""
        while (line := self.next()) == "":
            pass
        if line is None:
            raise self.error(f"the file ends here, but {expected} should follow")
        return line

    def expect(self, expected: str) -> None:
        """Read the next line that is not blank, which must be this one."""
        if (line := self.filled(expected)) != expected:
            raise self.error(f"found {line[:60]!r} where {expected} should stand")

    def error(self, problem: str) -> ValueError:
        return ValueError(
            f"{self.name}, line {self.number}: {problem}. The file is damaged or is not in ARPA "
            "format: write or fetch it again."
        )


def _read_sizes(lines: _Lines) -> list[int]:
    """Read the header: how many n-grams of each order follow."""
    while lines.filled("\\data\\") != "\\data\\":
        pass  # some tools write comments first
    sizes: list[int] = []
    while line := lines.next():
        key, _, size = line.removeprefix("ngram").partition("=")
        if not (line.startswith("ngram ") and key.strip() == str(len(sizes) + 1)):
            raise lines.error(f"found {line[:60]!r} where 'ngram {len(sizes) + 1}=' should stand")
        if not (size.strip().isascii() and size.strip().isdecimal()):
            raise lines.error(f"the number of {len(sizes) + 1}-grams is {size[:20]!r}")
        sizes.append(int(size))
    if not sizes:
        raise lines.error("there is no line 'ngram 1=' after \\data\\")
    return sizes


def _read_entries(
    lines: _Lines, n: int, size: int, vocabulary: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read one order: word ids (G, n), log10 probabilities (G,), log10 weights (G,)."""
    ids, probs, weights = array("q"), array("d"), array("d")
    for done in range(size):
        line = lines.next()
        if not line:
            lines.number += line is None
            raise lines.error(f"there are {done} {n}-grams, but the header promises {size}")
        fields = [field for field in line.replace("\t", " ").split(" ") if field]
        if len(fields) not in (n + 1, n + 2):
            raise lines.error(f"found {line[:60]!r} where a number and {n} words should stand")
        try:
            prob = float(fields[0])
            weight = float(fields[n + 1]) if len(fields) == n + 2 else 0.0
        except ValueError:
            raise lines.error(f"found {line[:60]!r}, whose number cannot be read") from None
        if not prob <= 0 or not weight < np.inf:
            raise lines.error(f"a log-probability is {prob}, a weight {weight}")
        for word in fields[1 : n + 1]:
            index = vocabulary.setdefault(word, len(vocabulary)) if n == 1 else vocabulary.get(word)
            if index is None:
                raise lines.error(f"the word {word!r} is not among the 1-grams")
            ids.append(index)
        probs.append(prob if prob > LOG10_ZERO else -np.inf)
        weights.append(weight if weight > LOG10_ZERO else -np.inf)
    return np.array(ids, np.int64).reshape(-1, n), np.array(probs), np.array(weights)


def _unigrams(
    lines: _Lines, ids: np.ndarray, probs: np.ndarray, weights: np.ndarray, n_words: int
) -> Level:
    """Put the unigrams in the order of their ids, and check the special symbols."""
    if len(np.unique(ids)) < len(ids):
        raise lines.error("a word stands twice among the 1-grams above")
    for symbol in (BOS, EOS):
        if symbol not in ids:
            raise lines.error(f"{SPECIAL[symbol]} is not among the 1-grams above")
    level = Level(np.arange(n_words), np.full(n_words, -np.inf), np.zeros(n_words))
    level.log10_prob[ids], level.log10_backoff[ids] = probs, weights
    level.log10_prob[BOS] = -np.inf  # lmplz writes 0: there <s> is given, never predicted
    return level
