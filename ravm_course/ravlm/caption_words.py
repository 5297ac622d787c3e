"""Turn captions into numbers, with room for words that the model has never seen.

A vocabulary is fixed when a model is trained, but a store may be filled later, with names of new
things, or in another language. So every picture brings a second, short list: the unknown words of
the captions that were retrieved for it. They are numbered anew for each picture, and stand behind
the vocabulary (See, Liu & Manning, "Get to the point: summarization with pointer-generator
networks", ACL 2017, section 2.2, extend the vocabulary in this way). A model cannot write such a
word by heart; it can point at it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from ravm_course.data.emoji import normalise_caption

PAD, BEGIN, END, UNKNOWN = range(4)
SPECIAL = ("<pad>", "<begin>", "<end>", "<unknown>")

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_CHINESE}]|[^\W_{_CHINESE}]+(?:[-'][^\W_{_CHINESE}]+)*|[^\w\s]")


def split_words(text: str) -> list[str]:
    """Return the words of a caption in lower case; marks and Chinese characters stand alone.

    Examples
    --------
    >>> split_words("Red (top) with a five-pointed star")
    ['red', '(', 'top', ')', 'with', 'a', 'five-pointed', 'star']
    >>> split_words("老虎 Tiger")
    ['老', '虎', 'tiger']
    """
    return _WORD.findall(normalise_caption(text).replace("’", "'"))


def join_words(words: Sequence[str]) -> str:
    """Return words as one text: spaces between, but none around marks and Chinese characters.

    Examples
    --------
    >>> join_words(["red", "(", "top", ")", ",", "white"])
    'red (top), white'
    >>> join_words(["老", "虎"])
    '老虎'
    """
    text = " ".join(words)
    text = re.sub(r" (?=[,.;:!?)\]])|(?<=[(\[]) ", "", text)
    return re.sub(rf"(?<=[{_CHINESE}]) (?=[{_CHINESE}])", "", text)


class Vocabulary:
    """Words with numbers: the known ones, then places for a picture's own unknown words.

    Parameters
    ----------
    words
        Known words, each once; they are numbered in this order behind the four special ones.
    places
        How many unknown words of one picture can be told apart.

    Attributes
    ----------
    size
        Known words with the special ones, V.

    Examples
    --------
    >>> vocabulary = Vocabulary(["cat", "face"], places=2)
    >>> own = vocabulary.own_words([["wombat", "face"]])
    >>> ids = vocabulary.encode(["wombat", "face"], own)
    >>> ids, vocabulary.decode(ids, own), vocabulary.encode(["wombat"], {})
    ([6, 5], 'wombat face', [3])
    """

    def __init__(self, words: Iterable[str], places: int = 64):
        self.words = tuple(words)
        if len(set(self.words)) < len(self.words) or set(self.words) & set(SPECIAL):
            raise ValueError("a word is given twice, or is a special one: give each word once.")
        if places < 1:
            raise ValueError(f"places is {places}: at least one unknown word must have room.")
        self.places = places
        self._numbers = {word: i for i, word in enumerate((*SPECIAL, *self.words))}
        self.size = len(self._numbers)

    @classmethod
    def of(cls, captions: Iterable[str], *, min_count: int = 1, places: int = 64) -> Vocabulary:
        """Return the vocabulary of the words that occur `min_count` times or more, sorted."""
        counts = Counter(word for caption in captions for word in split_words(caption))
        return cls(sorted(word for word, n in counts.items() if n >= min_count), places)

    def __contains__(self, word: str) -> bool:
        return word in self._numbers

    def own_words(
        self,
        captions: Iterable[Sequence[str]],
        order: Sequence[int] | None = None,
        hidden: Collection[str] = (),
    ) -> dict[str, int]:
        """Give the unknown words of one picture's captions numbers from V on.

        Parameters
        ----------
        captions
            Each a sequence of words.
        order
            The places in the order in which they are given away; ascending without. Words that
            find no place stay unknown.
        hidden
            Known words that are to be treated like unknown ones: what a model is trained with, to
            learn to copy what it does not know.
        """
        words = dict.fromkeys(word for caption in captions for word in caption)
        unknown = [word for word in words if word not in self._numbers or word in hidden]
        free = range(self.places) if order is None else order
        return {word: self.size + int(place) for word, place in zip(unknown, free, strict=False)}

    def encode(self, words: Sequence[str], own: dict[str, int]) -> list[int]:
        """Return the number of each word, `UNKNOWN` where it has none."""
        return [own.get(word) or self._numbers.get(word, UNKNOWN) for word in words]

    def decode(self, ids: Iterable[int], own: dict[str, int]) -> str:
        """Return the text of some numbers, up to the first `END`."""
        back = {number: word for word, number in own.items()}
        known, words = (*SPECIAL, *self.words), []
        for number in ids:
            if number == END:
                break
            words.append(known[number] if number < self.size else back.get(number, SPECIAL[3]))
        return join_words(words)
