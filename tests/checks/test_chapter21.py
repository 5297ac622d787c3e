"""Each check of chapter 21 accepts the right answer and rejects what goes wrong in practice."""

import numpy as np
import pytest
import torch

from ravm_course.checks import chapter21
from ravm_course.checks.compare import CheckFailed


def test_accepts_the_right_probability(capsys):
    for answer in (0.48, torch.tensor(0.48), 0.06 + 0.42):
        chapter21.check_pointer_on_paper(answer)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (0.32, "gives it to the rest"),
        (0.41, "both of its places"),
        (0.27, "probabilities add up"),
        (0.8, "divides one probability"),
        (0.42, "by heart as well"),
        (0.1, "from every place"),
    ],
)
def test_names_the_slip(wrong, message):
    with pytest.raises(CheckFailed, match=message):
        chapter21.check_pointer_on_paper(wrong)


def right(by_heart, attention, words, gate):
    mixed = (1 - gate)[:, None] * by_heart
    for b in range(len(words)):
        for s in range(words.shape[1]):
            mixed[b, words[b, s]] += gate[b] * attention[b, s]
    return mixed


def last_place_only(by_heart, attention, words, gate):
    copied = torch.zeros_like(by_heart).scatter(1, words, attention)
    return (1 - gate)[:, None] * by_heart + gate[:, None] * copied


def gate_swapped(by_heart, attention, words, gate):
    return right(by_heart, attention, words, 1 - gate)


def both_in_full(by_heart, attention, words, gate):
    return by_heart.scatter_add(1, words, attention)


def one_gate(by_heart, attention, words, gate):
    return right(by_heart, attention, words, gate.mean().expand(len(gate)))


def copies_alone(by_heart, attention, words, gate):
    return right(torch.zeros_like(by_heart), attention, words, gate)


def test_accepts_a_mixture(capsys):
    chapter21.check_mix(right)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [last_place_only, gate_swapped, both_in_full, one_gate, copies_alone]
)
def test_rejects_a_mixture(wrong):
    with pytest.raises(CheckFailed):
        chapter21.check_mix(wrong)


def choose(likeness, weights):
    scores = [
        sum(weights[j] * likeness[i, j] for j in range(len(weights)) if j != i)
        for i in range(len(weights))
    ]
    return int(np.argmax(scores))


def test_accepts_a_consensus(capsys):
    chapter21.check_consensus(choose)
    assert "Right" in capsys.readouterr().out


def without_diagonal(likeness):
    return likeness - np.diag(np.diag(likeness))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda likeness, weights: int(np.argmax(likeness @ weights)),  # votes for itself
        lambda likeness, weights: int(
            np.argmax(weights @ without_diagonal(likeness))
        ),  # transposed
        lambda likeness, weights: int(np.argmax(without_diagonal(likeness).sum(1))),  # no weights
        lambda likeness, weights: int(np.argmax(weights)),  # the nearest
        lambda likeness, weights: 0,  # the first
    ],
)
def test_rejects_a_consensus(wrong):
    with pytest.raises(CheckFailed):
        chapter21.check_consensus(wrong)


def test_a_cell_left_empty_is_no_error(capsys):
    chapter21.check_mix(lambda *_: ...)
    chapter21.check_consensus(lambda *_: ...)
    assert capsys.readouterr().out.count("Not attempted") == 2
