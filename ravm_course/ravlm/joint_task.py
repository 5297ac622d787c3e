"""Flags and questions from which a retriever must learn without being told the passage.

A picture of a flag is asked for its country's capital, currency or continent. Given are the
picture, the question and the answer; *not* given is which of the passages speaks of the country.
The pictures come as vectors of the general towers of chapter 17, which were not made for flags; one
linear map, the retriever, bends them towards flags. A small reader points at answers. Both are
trained on 155 countries and tested on 60 others, whose flags and passages are new.

The answers differ in what they tell about the passage: hardly any two countries share a capital,
several share a currency, dozens share a continent. And since each passage also states facts about
*other* countries, a right answer can stand in a wrong passage.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.data.facts import (
    RELATIONS,
    answer_of,
    fact_countries,
    load_country_split,
    make_passage,
    tokens,
)
from ravm_course.data.wordings import QUESTIONS_EN
from ravm_course.ravlm.flag_qa import STORE_STYLES, flag_images
from ravm_course.vlm import CLIP, to_float

#: the artist whose pictures are asked about
QUERY_STYLE = "emojione"


class LinearRetriever(nn.Module):
    """One linear map for queries and keys, then cosines, times a scale.

    Before training the map is the identity: vectors are compared as the towers made them.

    Parameters
    ----------
    dim
        Size of the vectors.
    scale
        What cosines are multiplied by: one over the temperature.

    Examples
    --------
    >>> retriever = LinearRetriever(2, scale=10.0)
    >>> retriever(torch.tensor([[3.0, 4.0]]), torch.eye(2)).tolist()
    [[6.0, 8.0]]
    """

    def __init__(self, dim: int, scale: float = 20.0):
        super().__init__()
        self.map = nn.Linear(dim, dim, bias=False)
        nn.init.eye_(self.map.weight)
        self.scale = scale

    def encode(self, vectors: Tensor) -> Tensor:
        """Map vectors ``(N, D)`` to unit vectors ``(N, D)``."""
        return F.normalize(self.map(vectors), dim=-1)

    def compare(self, queries: Tensor, index: Tensor) -> Tensor:
        """Return cosines ``(B, N)`` of B queries ``(B, D)`` with N encoded keys ``(N, D)``."""
        return self.encode(queries) @ index.T

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return scores ``(B, N)`` of N keys ``(N, D)`` for B queries ``(B, D)``."""
        return self.scale * self.compare(queries, self.encode(keys))


@torch.no_grad()
def tower_vectors(towers: CLIP, style: str) -> Tensor:
    """Return the unit vectors of the flags of all countries of the task in one style.

    Parameters
    ----------
    towers
        Such as ``load_pretrained("towers")``.
    style
        One of the three of :func:`ravm_course.data.load_flags`.

    Returns
    -------
    Tensor
        Shape ``(235, D)``, in the order of :func:`ravm_course.data.facts.fact_countries`.
    """
    pictures = to_float(flag_images(fact_countries(), style))
    return torch.cat([towers.encode_image(part) for part in pictures.split(32)])


@dataclass(frozen=True, eq=False)
class JointTask:
    """Vectors, passages and questions; everything is numbered by row of `countries`.

    Attributes
    ----------
    countries
        N indices into :func:`ravm_course.data.load_countries`.
    queries
        Vectors of the pictures that are asked about, shape ``(N, D)``.
    keys
        Of each passage the mean of the vectors of its country's two other pictures, ``(N, D)``.
    passages, titles
        N texts each.
    questions
        Q questions; `relation` has for each the place in ``RELATIONS``, ``(Q,)``.
    answers
        For each relation the N right answers, in lower case.
    contains
        Whether a passage holds the answer about a country, wherever in its text, ``(3, N, N)``:
        relation, country asked about, passage.
    rows
        Rows of the countries of ``"train"``, ``"validation"`` and ``"test"``.
    """

    countries: tuple[int, ...]
    queries: Tensor
    keys: Tensor
    passages: tuple[str, ...]
    titles: tuple[str, ...]
    questions: tuple[str, ...]
    relation: Tensor
    answers: tuple[tuple[str, ...], ...]
    contains: Tensor
    rows: dict[str, Tensor]

    def answer_words(self, relation: int, row: int) -> tuple[str, ...]:
        """Return the words of the right answer about a country."""
        return split_answer(self.answers[relation][row])

    def known(self) -> Tensor:
        """Return the rows of training and validation: the store while training."""
        return torch.cat([self.rows["train"], self.rows["validation"]]).sort().values


def load_joint_task(queries: Tensor, keys: Tensor) -> JointTask:
    """Put the task together from vectors of pictures.

    Parameters
    ----------
    queries, keys
        Shape ``(235, D)``, a row for each of :func:`ravm_course.data.facts.fact_countries`.

    Returns
    -------
    JointTask

    Raises
    ------
    ValueError
        If the shapes are others.

    Examples
    --------
    >>> task = load_joint_task(torch.ones(235, 4), torch.ones(235, 4))
    >>> [int(c.sum(1).float().median()) for c in task.contains]  # passages that hold an answer
    [2, 27, 102]
    """
    countries = fact_countries()
    if queries.shape != keys.shape or queries.shape[:1] != (len(countries),):
        raise ValueError(
            f"queries have shape {tuple(queries.shape)} and keys {tuple(keys.shape)}: expected "
            f"({len(countries)}, D) for both, a row for each country."
        )
    passages = [make_passage(country, "train") for country in countries]
    answers = tuple(tuple(answer_of(c, r).lower() for c in countries) for r in RELATIONS)
    words = [words_of(passage.text) for passage in passages]
    held = {
        answer: torch.tensor([bool(places(text, answer)) for text in words])
        for answer in {answer for group in answers for answer in group}
    }
    texts = [(text, r) for r, name in enumerate(RELATIONS) for text in QUESTIONS_EN["train"][name]]
    place = {country: row for row, country in enumerate(countries)}
    return JointTask(
        countries,
        queries,
        keys,
        tuple(passage.text for passage in passages),
        tuple(passage.title for passage in passages),
        tuple(text for text, _ in texts),
        torch.tensor([relation for _, relation in texts]),
        answers,
        torch.stack([torch.stack([held[answer] for answer in group]) for group in answers]),
        {
            name: torch.tensor([place[country] for country in part])
            for name, part in load_country_split().items()
        },
    )


def load_flag_task(towers: CLIP) -> JointTask:
    """Return the task with the vectors of `towers`: EmojiOne asks, two other artists are stored."""
    stored = torch.stack([tower_vectors(towers, style) for style in STORE_STYLES])
    return load_joint_task(tower_vectors(towers, QUERY_STYLE), stored.mean(0))


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return [word.lower() for word, *_ in tokens(text)]


def places(words: Sequence[str], answer: str) -> list[int]:
    """Return where an answer begins in a list of words, all in lower case.

    Examples
    --------
    >>> places(["from", "new", "york", "to", "new", "delhi"], "new delhi")
    [4]
    """
    wanted = split_answer(answer)
    n = len(wanted)
    return [i for i in range(len(words) - n + 1) if tuple(words[i : i + n]) == wanted]


@functools.cache
def split_answer(answer: str) -> tuple[str, ...]:
    """Return the words of an answer, in lower case."""
    return tuple(words_of(answer))
