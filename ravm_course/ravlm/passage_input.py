"""Describe the words of a passage that was not made for a reader: spelling, shape and place.

A vocabulary of common words (:mod:`ravm_course.ravlm.reader_input`) is enough for sentences from
templates. In natural text most words are rare, and rare words still say something: "Buddhist" and
"Buddhists" belong together, and so do "Hinduism" and "Hindu". So a word enters as the sum over its
features, which are itself and its groups of three and four letters, hashed into one table
(:mod:`ravm_course.vlm.hashing`; Bojanowski et al., "Enriching word vectors with subword
information", TACL 2017, section 3.2). Each different word of a batch is looked up once.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ravm_course.data.facts import tokens
from ravm_course.ravlm.reader_input import answer_place, checked_texts, shape
from ravm_course.vlm.hashing import hash_text


class PassageBatch(NamedTuple):
    """Questions and passages as numbers, padded with zeros.

    Attributes
    ----------
    features
        Buckets of the features of all W different words, one after another, shape ``(F,)``; the
        first word is the padding and has bucket 0 alone.
    starts
        Where the features of each word begin, shape ``(W,)``.
    question
        Numbers of words, shape ``(B, Q)``; 0 is padding.
    passage
        Numbers of words, shape ``(B, L)``.
    shapes
        Shapes of the passage's words, shape ``(B, L)``.
    marks
        1 where the word also stands in the question, where it is the first of a paragraph, and
        where it belongs to the title, shape ``(B, L, 3)``.
    gold
        True where an answer starts at word i and has m + 1 words, shape ``(B, L, M)``.
    """

    features: Tensor
    starts: Tensor
    question: Tensor
    passage: Tensor
    shapes: Tensor
    marks: Tensor
    gold: Tensor


def encode_passages(
    questions: Sequence[str],
    passages: Sequence[str],
    titles: Sequence[str] | None,
    answers: Sequence[Sequence[tuple[int, int]]] | None,
    buckets: int,
    max_answer: int,
) -> PassageBatch:
    """Turn texts into a batch: the work of :meth:`.PassageReader.encode`.

    Parameters
    ----------
    questions, passages, titles, answers
        As there.
    buckets
        Rows of the table of features.
    max_answer
        M, the longest answer in words.

    Returns
    -------
    PassageBatch

    Examples
    --------
    >>> batch = encode_passages(["Who?"], ["It is Ada."], None, [[(6, 9)]], 64, max_answer=2)
    >>> batch.passage, batch.gold[0].nonzero().tolist()
    (tensor([[3, 4, 5, 6]]), [[2, 0]])
    """
    asked, read = checked_texts(questions, passages, titles, answers)
    numbers: dict[str, int] = {"": 0}
    n, length = len(read), max(map(len, read))
    question = torch.zeros(n, max(map(len, asked)), dtype=torch.long)
    passage = torch.zeros(n, length, dtype=torch.long)
    shapes = torch.zeros(n, length, dtype=torch.long)
    marks = torch.zeros(n, length, 3)
    gold = torch.zeros(n, length, max_answer, dtype=torch.bool)

    def number(words: Sequence[str]) -> Tensor:
        return torch.tensor([numbers.setdefault(word, len(numbers)) for word in words])

    for b, (ours, theirs) in enumerate(zip(asked, read, strict=True)):
        wanted = [word.lower() for word, *_ in ours]
        words = [word.lower() for word, *_ in theirs]
        title = [word.lower() for word, *_ in tokens(titles[b])] if titles else []
        ends = [0, *(end for *_, end in theirs)]
        first = [
            i == 0 or "\n" in passages[b][ends[i] : start] for i, (_, start, _) in enumerate(theirs)
        ]
        question[b, : len(ours)] = number(wanted)
        passage[b, : len(words)] = number(words)
        shapes[b, : len(words)] = torch.tensor([shape(word) for word, *_ in theirs])
        marks[b, : len(words), 0] = torch.tensor([float(word in wanted) for word in words])
        marks[b, : len(words), 1] = torch.tensor(first, dtype=torch.float)
        marks[b, : len(words), 2] = torch.tensor([float(word in title) for word in words])
        for place in answers[b] if answers else ():
            i, further = answer_place(theirs, place, b, max_answer)
            gold[b, i, further] = True
    bags = [word_features(word, buckets) for word in numbers]
    features = torch.tensor([feature for bag in bags for feature in bag])
    starts = torch.tensor([0, *map(len, bags[:-1])]).cumsum(0)
    return PassageBatch(features, starts, question, passage, shapes, marks, gold)


@functools.lru_cache(maxsize=50_000)
def word_features(word: str, buckets: int) -> tuple[int, ...]:
    """Return the buckets of a word's features; of a mark, which has no letters, one of its own.

    Examples
    --------
    >>> word_features("", 64), len(word_features("oslo", 64)) > 3, len(word_features("%", 64))
    ((0,), True, 1)
    """
    if not word:
        return (0,)
    found = hash_text(word, buckets)
    return found if found != (0,) else hash_text(f"mark{ord(word[0])}", buckets)[:1]
