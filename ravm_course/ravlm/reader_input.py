"""Describe each word of a passage by numbers.

A reader sees no letters: every word that :func:`ravm_course.data.facts.tokens` finds is described
twice. Its *identity* is a row of a small vocabulary, built from training passages only;
a word outside it, such as the name of a town that no training passage mentions, shares one row
with all other unknown words. Its *shape* (does it begin with a capital, is it a number, is it
Chinese?) is known for every word. A reader that has to copy "Ouagadougou" without ever having met
it can rely on the shape and on the known words around it: the idea of the token features of Chen
et al., "Reading Wikipedia to answer open-domain questions", ACL 2017, section 3.2.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ravm_course.data.facts import tokens

#: longest passage and question, in words: a longer one is refused, not cut in silence
MAX_WORDS = 4096


#: the shapes that :func:`shape` tells apart; row 0 is kept for padding
SHAPES = ("padding", "lower", "Capitalised", "UPPER", "mIxed", "number", "punctuation", "chinese")

#: rows of the vocabulary that are no words
PADDING, UNKNOWN = 0, 1


@functools.lru_cache(maxsize=50_000)
def shape(word: str) -> int:
    """Return what a word looks like, as an index into :data:`SHAPES`.

    Parameters
    ----------
    word
        One word of :func:`ravm_course.data.facts.tokens`.

    Returns
    -------
    int
        From 1 to ``len(SHAPES) - 1``.

    Examples
    --------
    >>> [SHAPES[shape(word)] for word in ("city", "Oslo", "USA", "McKean", "1905", ",", "首")]
    ['lower', 'Capitalised', 'UPPER', 'mIxed', 'number', 'punctuation', 'chinese']
    """
    if "\u3400" <= word[0] <= "\u9fff":
        return 7
    if word[0].isdecimal():
        return 5
    if not word[0].isalpha():
        return 6
    if word.islower():
        return 1
    if word.isupper() and len(word) > 1:
        return 3
    parts = re.split(r"['’.\-]", word)
    if word[0].isupper() and all(part.islower() or part.istitle() for part in parts):
        return 2
    return 4


def build_vocabulary(texts: Iterable[str], min_texts: int = 2) -> tuple[str, ...]:
    """List the words that occur in at least `min_texts` of the texts, in lower case.

    Counting texts, not occurrences, keeps out the names that one passage repeats: they would be
    learned by heart instead of copied.

    Parameters
    ----------
    texts
        Passages and questions of the training set, and of nothing else.
    min_texts
        How many texts must hold a word.

    Returns
    -------
    tuple of str
        Sorted, so that the same texts give the same vocabulary in any order.

    Raises
    ------
    ValueError
        If no word qualifies.

    Examples
    --------
    >>> build_vocabulary(["The capital is Oslo.", "The capital is Rome."])
    ('.', 'capital', 'is', 'the')
    """
    counts = Counter(
        word for text in texts for word in {token.lower() for token, *_ in tokens(text)}
    )
    found = tuple(sorted(word for word, count in counts.items() if count >= min_texts))
    if not found:
        raise ValueError(f"no word occurs in {min_texts} texts: give more texts, or ask for fewer.")
    return found


class ReaderBatch(NamedTuple):
    """Questions and passages as numbers, padded with zeros.

    Attributes
    ----------
    question
        Rows of the vocabulary, shape ``(B, Q)``.
    passage
        Rows of the vocabulary, shape ``(B, L)``.
    shapes
        Shapes of the passage's words, ``(B, L)``.
    marks
        1 where the word also stands in the question, where it belongs to the passage's title, and
        where its sentence names the title, ``(B, L, 3)``.
    gold
        True where an answer starts at word i and has m + 1 words, ``(B, L, M)``; all False where
        the passage has no answer.
    """

    question: Tensor
    passage: Tensor
    shapes: Tensor
    marks: Tensor
    gold: Tensor


def encode(
    questions: Sequence[str],
    passages: Sequence[str],
    titles: Sequence[str] | None,
    answers: Sequence[tuple[int, int] | None] | None,
    rows: Mapping[str, int],
    max_answer: int,
) -> ReaderBatch:
    """Turn texts into a batch: the work of :meth:`ravm_course.ravlm.reader.Reader.encode`.

    Parameters
    ----------
    questions, passages, titles, answers
        As there.
    rows
        Row of the embedding table for each word of the vocabulary.
    max_answer
        Longest answer in words.

    Returns
    -------
    ReaderBatch

    Examples
    --------
    >>> batch = encode(["Who?"], ["It is Ada."], ["Ada"], [(6, 9)], {"is": 2}, max_answer=2)
    >>> batch.passage, batch.gold[0].nonzero().tolist()
    (tensor([[1, 2, 1, 1]]), [[2, 0]])
    """
    asked, read = checked_texts(questions, passages, titles, answers)
    n, length = len(read), max(map(len, read))
    batch = ReaderBatch(
        question=torch.zeros(n, max(map(len, asked)), dtype=torch.long),
        passage=torch.zeros(n, length, dtype=torch.long),
        shapes=torch.zeros(n, length, dtype=torch.long),
        marks=torch.zeros(n, length, 3),
        gold=torch.zeros(n, length, max_answer, dtype=torch.bool),
    )
    for b, (ours, theirs) in enumerate(zip(asked, read, strict=True)):
        words = [word.lower() for word, *_ in theirs]
        batch.question[b, : len(ours)] = _ids((word.lower() for word, *_ in ours), rows)
        batch.passage[b, : len(theirs)] = _ids(words, rows)
        batch.shapes[b, : len(theirs)] = torch.tensor([shape(word) for word, *_ in theirs])
        wanted = {word.lower() for word, *_ in ours}
        batch.marks[b, : len(theirs), 0] = torch.tensor([float(w in wanted) for w in words])
        title = [word.lower() for word, *_ in tokens(titles[b])] if titles else []
        sentence = _sentences(words)
        for i in range(len(words) if title else 0):
            if words[i : i + len(title)] == title:
                batch.marks[b, i : i + len(title), 1] = 1
                batch.marks[b, : len(words), 2][sentence == sentence[i]] = 1
        if answers and answers[b] is not None:
            i, further = answer_place(theirs, answers[b], b, max_answer)
            batch.gold[b, i, further] = True
    return batch


def _sentences(words: Sequence[str]) -> Tensor:
    """Give each word the number of its sentence; the stop of "St." ends none."""
    ends = [word == "." and i > 0 and words[i - 1] != "st" for i, word in enumerate(words)]
    return torch.tensor([False, *ends[:-1]]).cumsum(0)


def _ids(words: Iterable[str], rows: Mapping[str, int]) -> Tensor:
    return torch.tensor([rows.get(word, UNKNOWN) for word in words])


def checked_texts(
    questions: Sequence[str],
    passages: Sequence[str],
    titles: Sequence[str] | None,
    answers: Sequence | None,
) -> tuple[list[list[tuple[str, int, int]]], list[list[tuple[str, int, int]]]]:
    """Return the words of all questions and of all passages, or say what is wrong with them."""
    given = {"questions": questions, "passages": passages, "titles": titles, "answers": answers}
    for name, values in given.items():
        if isinstance(values, str):
            raise TypeError(f"{name} is one string, {values[:60]!r}: pass a list of strings.")
        if values is not None and len(values) != len(questions):
            raise ValueError(
                f"{len(questions)} questions but {len(values)} {name}: give one for each."
            )
    if not len(questions):
        raise ValueError("there are no questions: pass at least one.")
    asked = [checked_words(text, "question", i) for i, text in enumerate(questions)]
    read = [checked_words(text, "passage", i) for i, text in enumerate(passages)]
    return asked, read


def checked_words(text: str, kind: str, i: int) -> list[tuple[str, int, int]]:
    """Split a text and refuse one that cannot be read."""
    if not isinstance(text, str):
        raise TypeError(f"{kind} {i} must be a str, got {type(text).__name__}: {text!r}.")
    words = tokens(text)
    if not words:
        raise ValueError(f"{kind} {i} has no words: {text[:60]!r}. Give it at least one.")
    if len(words) > MAX_WORDS:
        raise ValueError(
            f"{kind} {i} has {len(words)} words, more than {MAX_WORDS}: cut it into pieces."
        )
    return words


def answer_place(
    words: list[tuple[str, int, int]], answer: tuple[int, int], b: int, max_answer: int
) -> tuple[int, int]:
    """Return the first word of an answer that is given in characters, and how many follow it."""
    starts = {start: i for i, (_, start, _) in enumerate(words)}
    ends = {end: i for i, (_, _, end) in enumerate(words)}
    if answer[0] not in starts or answer[1] not in ends or answer[1] <= answer[0]:
        raise ValueError(
            f"answer {b} reaches from character {answer[0]} to {answer[1]}, "
            "which is not where words begin and end."
        )
    first, further = starts[answer[0]], ends[answer[1]] - starts[answer[0]]
    if further >= max_answer:
        raise ValueError(
            f"answer {b} has {further + 1} words, more than max_answer, "
            f"{max_answer}: leave it out or raise max_answer."
        )
    return first, further
