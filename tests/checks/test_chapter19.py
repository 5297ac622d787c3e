"""Each check of chapter 19 accepts the right answer and rejects what goes wrong in practice."""

import math

import numpy as np
import pytest

from ravm_course.checks import chapter19
from ravm_course.checks.compare import CheckFailed

MEASURES = (0.5, 7 / 12, 0.6934)


def test_measures(capsys):
    chapter19.check_measures(*MEASURES)
    chapter19.check_measures(..., ..., ...)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (0, 1.0, "begin at 1"),  # ranks from zero
        (0, 2.0, "One over"),  # the rank itself
        (0, (1 / 2 + 1 / 3) / 2, "first relevant"),  # mean over all relevant items
        (1, (1 / 2 + 2 / 3) / 5, "over the relevant"),  # divided by all five
        (1, 1 / 2, "over the relevant"),  # the reciprocal rank again
        (1, 2 / 5, "At each relevant"),  # precision at five
        (1, (0 + 1 / 2 + 2 / 3 + 2 / 4 + 2 / 5) / 5, "At each relevant"),  # at every rank
        (2, 1 / math.log2(3) + 1 / math.log2(4), "best"),  # not divided
        (2, 1.0, "log2"),  # ranks from zero
        (2, (1 / 2 + 1 / 3) / (1 + 1 / 2), "log2"),  # 1 / r
    ],
)
def test_measures_rejects(place, wrong, message):
    answers = list(MEASURES)
    answers[place] = wrong
    with pytest.raises(CheckFailed, match=message):
        chapter19.check_measures(*answers)


def right_max_sim(query, document, mask):
    kept = document[mask]
    return sum(max(float(q @ d) for d in kept) for q in query) / len(query)


def test_max_sim(capsys):
    chapter19.check_max_sim(right_max_sim)
    assert capsys.readouterr().out.startswith("Right: 7")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda q, d, m: right_max_sim(q, d, np.ones(len(d), bool)),  # mask forgotten
        lambda q, d, m: float((np.where(m, q @ d.T, 0)).max(axis=1).mean()),  # filling scores zero
        lambda q, d, m: float((np.where(m, q @ d.T, -9)).max(axis=1).mean()),  # not low enough
        lambda q, d, m: float((np.where(m, q @ d.T, -1e9)).max(axis=1).mean()),  # nor this
        lambda q, d, m: right_max_sim(q, d[: m.sum()], m[m]),  # filling not at the end
        lambda q, d, m: float((q @ d[m].T).max(axis=0).mean()),  # the other way round
        lambda q, d, m: float((q @ d[m].T).max()),  # the best pair alone
        lambda q, d, m: float((q @ d[m].T).mean()),  # mean instead of maximum
        lambda q, d, m: float((q @ d[m].T).max(axis=1).sum()),  # sum instead of mean
        lambda q, d, m: float(q.mean(0) @ d[m].mean(0)),  # one vector a side
    ],
)
def test_max_sim_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter19.check_max_sim(wrong)


def right_pairwise(scores, relevance):
    losses = [
        max(b - a, 0) + math.log1p(math.exp(-abs(b - a)))
        for a, ra in zip(scores.tolist(), relevance.tolist(), strict=True)
        for b, rb in zip(scores.tolist(), relevance.tolist(), strict=True)
        if ra > rb
    ]
    return sum(losses) / len(losses)


def changed(difference, *, equal=False, mean=True):
    def wrong(scores, relevance):
        pairs = relevance[:, None] > relevance[None, :]
        if equal:
            pairs = relevance[:, None] >= relevance[None, :]
        losses = np.logaddexp(0, difference(scores))[pairs]
        return float(losses.mean() if mean else losses.sum())

    return wrong


def test_pairwise(capsys):
    chapter19.check_pairwise(right_pairwise)
    assert capsys.readouterr().out.startswith("Right: 5")


@pytest.mark.parametrize(
    "wrong",
    [
        changed(lambda s: s[:, None] - s[None, :]),  # the sign
        changed(lambda s: s[None, :] - s[:, None], equal=True),  # equal pairs counted
        changed(lambda s: s[None, :] - s[:, None], mean=False),  # the sum
        changed(lambda s: np.zeros((len(s), len(s)))),  # scores forgotten
        lambda s, r: float(
            np.maximum(0, 1 + s[None, :] - s[:, None])[r[:, None] > r[None, :]].mean()
        ),  # hinge
        lambda s, r: float(np.logaddexp(0, np.where(r > 0, -s, s)).mean()),  # pointwise
    ],
)
def test_pairwise_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter19.check_pairwise(wrong)


@pytest.mark.parametrize(
    ("check", "name"),
    [(chapter19.check_max_sim, "max_sim"), (chapter19.check_pairwise, "pairwise")],
)
def test_a_stub_is_not_an_error(check, name, capsys):
    def stub(*arguments):
        return ...

    stub.__name__ = name
    check(stub)
    assert f"Not attempted yet: write {name}" in capsys.readouterr().out
