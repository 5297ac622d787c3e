"""Shannon's guessing game, which asks how many guesses the next letter of a text takes.

A player sees a text up to some point and guesses the next letter until it is right; then the
letter after it, and so on (Shannon 1951, "Prediction and entropy of printed English"). The text is
written with 27 symbols, the letters a to z and the space. How often the first guess was right, the
second, and so on, gives a lower and an upper bound on the entropy of the text a letter, for a
player who always guesses the likeliest letter next.

Anything that maps what was read and what was tried to a guess can play: a person at the keyboard
(:func:`ask`) or a model of letters (:class:`LetterGuesser`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ravm_course.text.information import entropy
from ravm_course.text.ngram import NGramLM

SYMBOLS = "abcdefghijklmnopqrstuvwxyz "
Guesser = Callable[[str, str], str | None]


@dataclass(frozen=True)
class Passage:
    """A text of which the beginning is shown and the rest must be guessed.

    Attributes
    ----------
    shown, hidden : str
        Both in the 27 `SYMBOLS`.
    """

    shown: str
    hidden: str

    def __post_init__(self):
        for name in ("shown", "hidden"):
            strange = sorted(set(getattr(self, name)) - set(SYMBOLS))
            if strange:
                raise ValueError(f"{name} holds {strange[0]!r}: pass the text to to_symbols first.")
        if not self.hidden:
            raise ValueError("hidden is empty: leave at least one symbol to guess.")


def to_symbols(text: str) -> str:
    """Reduce an English text to the letters a to z and single spaces.

    Parameters
    ----------
    text
        Any text. Whatever is not an English letter becomes a space.

    Returns
    -------
    str
        No space at either end, and no two in a row.

    Examples
    --------
    >>> to_symbols("We, the People (1787)")
    'we the people'
    """
    return re.sub("[^a-z]+", " ", text.lower()).strip()


def play(passage: Passage, guesser: Guesser) -> list[int]:
    """Let a player guess the hidden symbols one after the other.

    Parameters
    ----------
    passage
        What is shown at the beginning and what is hidden.
    guesser
        Called with the text so far and the symbols that were tried in vain; returns a symbol
        that was not tried, or None to stop the game.

    Returns
    -------
    list of int
        How many guesses each symbol took, 1 to 27; shorter than the hidden text if the player
        stopped.

    Raises
    ------
    ValueError
        If the player's guess is no symbol or was tried before.

    Examples
    --------
    A player who knows the alphabet and nothing else:

    >>> play(Passage("", "bad"), lambda text, tried: SYMBOLS[len(tried)])
    [2, 1, 4]
    """
    guesses: list[int] = []
    for place, symbol in enumerate(passage.hidden):
        text, tried = passage.shown + passage.hidden[:place], ""
        while not tried.endswith(symbol):
            guess = guesser(text, tried)
            if guess is None:
                return guesses
            if len(guess) != 1 or guess not in SYMBOLS or guess in tried:
                raise ValueError(f"the guess {guess!r} after {tried!r}: give a symbol not tried.")
            tried += guess
        guesses.append(len(tried))
    return guesses


def ask(text: str, tried: str) -> str | None:
    """Ask the person at the keyboard for a guess; a player for :func:`play`.

    Parameters
    ----------
    text
        What was read so far.
    tried
        What was guessed in vain at this place.

    Returns
    -------
    str or None
        A symbol that was not tried; None if the person writes ``stop``.
    """
    wrong = f"   not {', '.join(tried.replace(' ', '_'))}" if tried else ""
    print(f"… {text[-70:].replace(' ', '_')}▢{wrong}")
    while True:
        given = input("next letter (_ for a space, stop to end): ").strip().lower() or "_"
        if given == "stop":
            return None
        guess = " " if given == "_" else given
        if len(guess) == 1 and guess in SYMBOLS and guess not in tried:
            return guess
        print("Give one letter that you have not tried yet.")


class LetterGuesser:
    """A letter model as a player: always guesses the likeliest symbol that is left.

    Parameters
    ----------
    lm
        A fitted n-gram model whose tokens are single characters, the 27 `SYMBOLS` among them.

    Raises
    ------
    ValueError
        If the model does not know a symbol.

    Examples
    --------
    >>> texts = [list("the theme of the thesis"), list(SYMBOLS)]
    >>> player = LetterGuesser(NGramLM(3, "add-k", k=0.1).fit(texts))
    >>> play(Passage("the", " the"), player)
    [1, 1, 1, 1]
    >>> player.bits(Passage("the", " the")).round(2).tolist()
    [1.67, 1.44, 0.88, 0.71]
    """

    def __init__(self, lm: NGramLM):
        missing = [symbol for symbol in SYMBOLS if symbol not in lm.vocabulary]
        if missing:
            raise ValueError(
                f"the model does not know {missing[0]!r}: fit it on lists of characters, with "
                "vocabulary=list(SYMBOLS) if the text is short."
            )
        self.lm = lm
        self._ids = np.array([lm.vocabulary[symbol] for symbol in SYMBOLS])
        self._last: tuple[str | None, str] = (None, "")

    def probabilities(self, text: str) -> np.ndarray:
        """Return the probability of each symbol after a text.

        Parameters
        ----------
        text
            What was read so far; the model looks at its end.

        Returns
        -------
        numpy.ndarray
            In the order of `SYMBOLS`, shape ``(27,)``; they sum to one, since in the game the
            text does not end and holds nothing else.
        """
        probs = self.lm.distribution(list(text[max(0, len(text) - self.lm.order + 1) :]))
        return probs[self._ids] / probs[self._ids].sum()

    def __call__(self, text: str, tried: str) -> str:
        """Return the likeliest symbol that was not tried, the first of equals."""
        if self._last[0] != text:
            order = np.argsort(-self.probabilities(text), kind="stable")
            self._last = (text, "".join(SYMBOLS[i] for i in order))
        return next(symbol for symbol in self._last[1] if symbol not in tried)

    def bits(self, passage: Passage) -> np.ndarray:
        """Return -log2 of the probability of each hidden symbol, shape ``(len(hidden),)``."""
        text = passage.shown + passage.hidden
        start = len(passage.shown)
        return np.array(
            [
                -np.log2(self.probabilities(text[:i])[SYMBOLS.index(text[i])])
                for i in range(start, len(text))
            ]
        )


def bounds(guesses: Sequence[int]) -> tuple[float, float]:
    r"""Return Shannon's lower and upper bound on the entropy, in bits a symbol.

    With :math:`q_i` the share of symbols that took i guesses, they are
    :math:`\sum_i i (q_i - q_{i+1}) \log_2 i` and :math:`-\sum_i q_i \log_2 q_i` (Shannon 1951,
    section 5). Both hold for a player who guesses in the order of the true probabilities, and for
    shares known exactly; from few symbols the upper bound comes out too low on average, as every
    entropy does that is computed from counts.

    Parameters
    ----------
    guesses
        How many guesses each symbol took, at least one number, each 1 to 27.

    Returns
    -------
    tuple of float
        Lower and upper bound.

    Raises
    ------
    ValueError
        If there are no numbers or one is out of range.

    Examples
    --------
    >>> lower, upper = bounds([1, 1, 1, 2])
    >>> round(lower, 4), round(upper, 4)
    (0.5, 0.8113)
    """
    guesses = np.asarray(guesses)
    if guesses.size == 0 or guesses.min() < 1 or guesses.max() > len(SYMBOLS):
        raise ValueError("guesses must hold at least one number, each from 1 to 27.")
    share = np.bincount(guesses, minlength=len(SYMBOLS) + 2)[1:] / guesses.size
    i = np.arange(1, len(SYMBOLS) + 1)
    lower = float((i * (share[:-1] - share[1:]) * np.log2(i)).sum())
    return lower, entropy(share)
