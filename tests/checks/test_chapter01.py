"""Each check of chapter 1 accepts right answers and rejects plausible mistakes."""

import math
from fractions import Fraction

import numpy as np
import pytest

from ravm_course.checks import chapter01
from ravm_course.checks.compare import CheckFailed


def test_by_hand_accepts_the_right_numbers(capsys):
    chapter01.check_by_hand(1.75, 3 / 4)
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    "entropy",
    [
        1.75 * math.log(2),  # nats
        1.75 * math.log10(2),  # base 10
        (1 + 2 + 3 + 3) / 4,  # all costs alike
        2.0,  # a fair choice among four
        1 / 2 + 2 / 4 + 3 / 8,  # d forgotten
        -1.75,  # the sign
    ],
)
def test_by_hand_rejects_an_entropy(entropy):
    with pytest.raises(CheckFailed):
        chapter01.check_by_hand(entropy, ...)


@pytest.mark.parametrize(
    "posterior",
    [
        12 / 13,  # the prior forgotten
        3.0,  # odds, not a probability
        (12 / 5) / (1 + 12 / 5),  # odds of 1 : 5
        1 - 3 / 4,  # of the other century
        12 / 5,  # prior times likelihood ratio, not normalised
    ],
)
def test_by_hand_rejects_a_posterior(posterior):
    with pytest.raises(CheckFailed):
        chapter01.check_by_hand(..., posterior)


@pytest.mark.parametrize("answer", ["3/4", None, [0.75]])
def test_by_hand_asks_for_a_number(answer):
    for answers in ((answer, ...), (..., answer)):
        with pytest.raises(CheckFailed, match="give a number"):
            chapter01.check_by_hand(*answers)


def test_by_hand_takes_numbers_of_numpy_and_fractions(capsys):
    chapter01.check_by_hand(np.float64(1.75), Fraction(3, 4))
    chapter01.check_by_hand(np.array(1.75), 3 / 4)
    assert capsys.readouterr().out.count("Right") == 4


def posterior(prior, log_likelihood, *, log=math.log, use_prior=True, shift=max, normalise=True):
    sums = [
        value + (log(p) if use_prior and p > 0 else -math.inf if p == 0 else 0)
        for p, value in zip(prior, log_likelihood, strict=True)
    ]
    largest = shift(sums)
    weights = [math.exp(value - largest) for value in sums]
    return [w / sum(weights) for w in weights] if normalise else weights


def test_posterior_accepts_a_list_and_an_array(capsys):
    chapter01.check_posterior(posterior)
    chapter01.check_posterior(lambda prior, logs: np.array(posterior(prior, logs)))
    assert capsys.readouterr().out.count("Right: 7") == 2


@pytest.mark.parametrize(
    "mistake",
    [
        {"use_prior": False},  # the likelihood alone
        {"shift": lambda sums: 0},  # underflows for long texts
        {"normalise": False},  # does not sum to one
        {"log": math.log2},  # two bases mixed
    ],
)
def test_posterior_rejects(mistake):
    with pytest.raises(CheckFailed):
        chapter01.check_posterior(lambda *arguments: posterior(*arguments, **mistake))


def test_posterior_rejects_a_largest_that_was_ruled_out():
    def wrong(prior, logs):
        weights = [p * math.exp(v - max(logs)) for p, v in zip(prior, logs, strict=True)]
        return [w / sum(weights) for w in weights]

    with pytest.raises(CheckFailed):
        chapter01.check_posterior(wrong)


def test_posterior_rejects_the_mean_subtracted():
    def by_lists(prior, logs):
        mean = sum(logs) / len(logs)
        weights = [p * math.exp(v - mean) for p, v in zip(prior, logs, strict=True)]
        return [w / sum(weights) for w in weights]

    def by_arrays(prior, logs):
        with np.errstate(over="ignore", invalid="ignore"):
            weights = np.array(prior) * np.exp(np.array(logs) - np.mean(logs))
            return weights / weights.sum()

    for wrong in (by_lists, by_arrays):
        with pytest.raises(CheckFailed, match="case 5"):
            chapter01.check_posterior(wrong)


def test_posterior_rejects_logarithms_added_to_probabilities():
    def wrong(prior, logs):
        return posterior([1.0] * len(prior), [p + v for p, v in zip(prior, logs, strict=True)])

    with pytest.raises(CheckFailed):
        chapter01.check_posterior(wrong)


def information(table, *, log=math.log2, skip=True, ratio="both", weight="joint"):
    total = sum(map(sum, table))
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    result = 0.0
    for i, row in enumerate(table):
        for j, cell in enumerate(row):
            if skip and not cell:
                continue
            independent = {
                "both": rows[i] * columns[j] / total,
                "row": rows[i],
                "column": columns[j],
            }[ratio]
            p = cell / total if weight == "joint" else rows[i] * columns[j] / total**2
            result += p * log(cell / independent)
    return result


def test_information_accepts_a_loop(capsys):
    chapter01.check_information(information)
    assert "Right: 6" in capsys.readouterr().out


@pytest.mark.parametrize(
    "mistake",
    [
        {"log": math.log},  # nats
        {"skip": False},  # the logarithm of zero
        {"ratio": "row"},  # a conditional entropy, with the wrong sign
        {"ratio": "column"},
        {"weight": "independent"},  # the divergence the other way round
    ],
)
def test_information_rejects(mistake):
    with pytest.raises(CheckFailed):
        chapter01.check_information(lambda table: information(table, **mistake))


def test_information_rejects_an_entropy_and_smoothed_counts():
    def smoothed(table):
        return information([[cell + 1 for cell in row] for row in table])

    def of_rows(table):
        total = sum(map(sum, table))
        return -sum(sum(r) / total * math.log2(sum(r) / total) for r in table if sum(r))

    for wrong in (smoothed, of_rows):
        with pytest.raises(CheckFailed):
            chapter01.check_information(wrong)


def test_stubs_are_not_attempted(capsys):
    chapter01.check_by_hand(..., ...)
    chapter01.check_posterior(lambda prior, log_likelihood: ...)
    chapter01.check_information(lambda table: ...)
    assert capsys.readouterr().out.count("Not attempted yet") == 4
