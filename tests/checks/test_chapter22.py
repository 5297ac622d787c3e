"""Each check of chapter 22 accepts the right answer and rejects what goes wrong in practice."""

import numpy as np
import pytest

from ravm_course.checks import chapter22
from ravm_course.checks.compare import CheckFailed
from ravm_course.text.answers import token_f1


def test_f1_accepts_what_the_package_computes(capsys):
    chapter22.check_f1(token_f1("Denmark, Sweden and the UK", "Denmark"))
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        1 / 3,  # the article was counted
        1 / 2,  # "and" was taken away, as if it were an article
        1 / 4,  # precision alone
        1.0,  # recall alone
        5 / 8,  # the arithmetic mean
        0.0,  # exact match
    ],
)
def test_f1_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter22.check_f1(wrong)


def vote(readings):
    shares = {}
    for text, score, weight in readings:
        shares.setdefault(text.lower(), []).append(weight * score)
    best = max(shares, key=lambda text: sum(shares[text]))
    return best, sum(shares[best]) / sum(weight for *_, weight in readings)


def nearest_only(readings):
    text, score, weight = max(readings, key=lambda r: r[2])
    return text.lower(), score * weight / sum(w for *_, w in readings)


def by_count(readings):
    texts = [text.lower() for text, *_ in readings]
    best = max(texts, key=texts.count)
    return best, texts.count(best) / len(texts)


def case_matters(readings):
    shares = {}
    for text, score, weight in readings:
        shares[text] = shares.get(text, 0) + weight * score
    best = max(shares, key=shares.get)
    return best.lower(), shares[best] / sum(weight for *_, weight in readings)


def not_normalised(readings):
    best, share = vote(readings)
    return best, share * sum(weight for *_, weight in readings)


def loudest_only(readings):
    text, score, weight = max(readings, key=lambda r: r[1] * r[2])
    return text.lower(), score * weight / sum(w for *_, w in readings)


def never_silent(readings):
    said = [reading for reading in readings if reading[0]]
    best, share = vote(said)
    return best, share * sum(r[2] for r in said) / sum(r[2] for r in readings)


def test_vote_accepts_another_way(capsys):
    chapter22.check_vote(vote)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [nearest_only, by_count, case_matters, not_normalised, loudest_only, never_silent]
)
def test_vote_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter22.check_vote(wrong)


def threshold(confidence, right, risk):
    best = np.inf
    for candidate in confidence:
        answered = confidence >= candidate
        if (~right[answered]).mean() <= risk:
            best = min(best, candidate)
    return float(best)


def first_that_breaks(confidence, right, risk):
    best = np.inf
    for candidate in np.unique(confidence)[::-1]:
        if (~right[confidence >= candidate]).mean() > risk:
            return float(best)
        best = candidate
    return float(best)


def ties_cut(confidence, right, risk):
    order = np.argsort(-confidence, kind="stable")
    risks = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    fits = np.flatnonzero(risks <= risk)
    return float(confidence[order][fits[-1]]) if len(fits) else np.inf


def risk_of_all(confidence, right, risk):
    best = np.inf
    for candidate in confidence:
        if (~right & (confidence >= candidate)).sum() / len(right) <= risk:
            best = min(best, candidate)
    return float(best)


def in_the_order_given(confidence, right, risk):
    risks = np.cumsum(~right) / np.arange(1, len(right) + 1)
    fits = np.flatnonzero(risks <= risk)
    return float(confidence[fits[-1]]) if len(fits) else np.inf


def zero_if_none(confidence, right, risk):
    found = threshold(confidence, right, risk)
    return 0.0 if np.isinf(found) else found


def test_threshold_accepts_another_way(capsys):
    chapter22.check_threshold(threshold)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [first_that_breaks, ties_cut, risk_of_all, in_the_order_given, zero_if_none]
)
def test_threshold_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter22.check_threshold(wrong)
