"""Two tasks over sentences of the speeches: from which era, and in their own order or not.

The labels cost nothing, and neither do wrong orders; so one can ask what a hundred of them are
worth. The *era* of a sentence shows in its words. Whether two neighbouring words were exchanged
does not: both versions of a sentence hold the same words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from ravm_course.data.sentences import ERAS, era, sentence_texts
from ravm_course.data.speeches import Speech


class Example(NamedTuple):
    """A sentence with its answer.

    Attributes
    ----------
    text
        As it stands in the speech, or with two words exchanged.
    label
        Index of the era; or 1 if words were exchanged, else 0.
    speech
        Place of its speech among those that were given: sentences of one speech belong together.
    """

    text: str
    label: int
    speech: int


def era_examples(
    speeches: Sequence[Speech], per_speech: int | None = None, *, seed: int = 0
) -> list[Example]:
    """Return sentences of 8 to 40 words with the era of their speech.

    Parameters
    ----------
    speeches
        Where they come from.
    per_speech
        At most so many from each, drawn at random; all without.
    seed
        Of the draw.

    Returns
    -------
    list of Example
        In the order of the speeches.

    Examples
    --------
    >>> from ravm_course.data import load_speeches
    >>> first = era_examples(load_speeches()[:2], per_speech=3)
    >>> [(example.label, example.speech) for example in first]
    [(0, 0), (0, 0), (0, 0), (0, 1), (0, 1), (0, 1)]
    """
    rng = random.Random(seed)
    found = []
    for place, speech in enumerate(speeches):
        texts = [text for text in sentence_texts(speech.text) if 8 <= len(text.split()) <= 40]
        if per_speech is not None and len(texts) > per_speech:
            texts = rng.sample(texts, per_speech)
        found += [Example(text, era(speech.year), place) for text in texts]
    return found


def draw_balanced(examples: Sequence[Example], count: int, *, seed: int) -> list[Example]:
    """Draw equally many examples of each era, for each era by a chance of its own.

    Raises
    ------
    ValueError
        If `count` cannot be shared out among the eras.

    Examples
    --------
    >>> pool = [Example("", label, 0) for label in (0, 1, 2, 3) for _ in range(9)]
    >>> sorted(example.label for example in draw_balanced(pool, 8, seed=0))
    [0, 0, 1, 1, 2, 2, 3, 3]
    """
    if count < 1 or count % len(ERAS):
        raise ValueError(f"count is {count}, expected a positive multiple of {len(ERAS)}.")
    drawn: list[Example] = []
    for label in range(len(ERAS)):
        pool = [example for example in examples if example.label == label]
        drawn += random.Random(f"{seed} {label}").sample(pool, count // len(ERAS))
    random.Random(seed).shuffle(drawn)
    return drawn


def exchange_neighbours(text: str, rng: random.Random) -> str | None:
    """Exchange two neighbouring words that are written in small letters, somewhere in the middle.

    Parameters
    ----------
    text
        A sentence.
    rng
        Chooses the place.

    Returns
    -------
    str or None
        The sentence with two words exchanged; None if there is no such pair.

    Examples
    --------
    >>> exchange_neighbours("We thank the people.", random.Random(0))
    'We the thank people.'
    >>> exchange_neighbours("God bless America.", random.Random(0)) is None
    True
    """
    words = text.split(" ")
    places = [
        i
        for i in range(1, len(words) - 2)
        if words[i] != words[i + 1]
        and all(w.isalpha() and w.islower() for w in (words[i], words[i + 1]))
    ]
    if not places:
        return None
    i = rng.choice(places)
    words[i : i + 2] = words[i + 1], words[i]
    return " ".join(words)


def order_examples(examples: Sequence[Example], *, both: bool, seed: int = 0) -> list[Example]:
    """Ask of sentences whether two neighbouring words were exchanged.

    Parameters
    ----------
    examples
        Sentences; those without two words to exchange are left out.
    both
        Whether each sentence appears twice, as it was and changed; otherwise by turns as it was or
        changed.
    seed
        Of the places.

    Returns
    -------
    list of Example
        With label 1 where words were exchanged.

    Examples
    --------
    >>> one = [Example("We thank the people.", 0, 5)]
    >>> [(example.text, example.label) for example in order_examples(one, both=True)]
    [('We thank the people.', 0), ('We the thank people.', 1)]
    """
    rng = random.Random(seed)
    found: list[Example] = []
    turn = 0
    for example in examples:
        changed = exchange_neighbours(example.text, rng)
        if changed is None:
            continue
        versions = [Example(example.text, 0, example.speech), Example(changed, 1, example.speech)]
        found += versions if both else [versions[turn]]
        turn = 1 - turn
    return found
