"""Each check of chapter 23 accepts the right answer and rejects what goes wrong in practice."""

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax

from ravm_course.checks import chapter23
from ravm_course.checks.compare import CheckFailed


def test_slope_accepts_the_right_number(capsys):
    chapter23.check_slope_on_paper(-0.214)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (0.214, "sign"),
        (0.514, "posterior alone"),
        (0.3 - 0.6 / 1.3, "distillation"),
        (0.12, "sums to one"),
        (-0.3, "not a posterior"),
        (-0.2, "Prior minus posterior"),
    ],
)
def test_slope_rejects_and_says_why(wrong, said):
    with pytest.raises(CheckFailed, match=said):
        chapter23.check_slope_on_paper(wrong)


def marginal(scores, log_reading):
    joint = log_softmax(scores, axis=1) + log_reading
    gradient = softmax(scores, axis=1) - softmax(joint, axis=1)
    return -logsumexp(joint, axis=1).mean(), gradient / len(scores)


def mean_of_logs(scores, log_reading):
    prior = softmax(scores, axis=1)
    return -(prior * log_reading).sum(1).mean(), marginal(scores, log_reading)[1]


def no_prior_in_posterior(scores, log_reading):
    gradient = softmax(scores, axis=1) - softmax(log_reading, axis=1)
    return marginal(scores, log_reading)[0], gradient / len(scores)


def wrong_sign(scores, log_reading):
    loss, gradient = marginal(scores, log_reading)
    return loss, -gradient


def sum_over_rows(scores, log_reading):
    loss, gradient = marginal(scores, log_reading)
    return loss * len(scores), gradient * len(scores)


def scores_taken_for_probabilities(scores, log_reading):
    joint = scores + log_reading
    return -logsumexp(joint, axis=1).mean(), marginal(scores, log_reading)[1]


def overflows(scores, log_reading):
    with np.errstate(all="ignore"):
        weights = np.exp(scores)
        prior = weights / weights.sum(1, keepdims=True)
        joint = prior * np.exp(log_reading)
        gradient = prior - joint / joint.sum(1, keepdims=True)
        return -np.log(joint.sum(1)).mean(), gradient / len(scores)


def underflows(scores, log_reading):
    with np.errstate(all="ignore"):
        joint = softmax(scores, axis=1) * np.exp(log_reading)
        gradient = softmax(scores, axis=1) - joint / joint.sum(1, keepdims=True)
        return -np.log(joint.sum(1)).mean(), gradient / len(scores)


def largest_of_the_whole_array(scores, log_reading):
    def log_sum(x):
        return x.max() + np.log(np.exp(x - x.max()).sum(1, keepdims=True))

    with np.errstate(all="ignore"):
        log_prior = scores - log_sum(scores)
        joint = log_prior + log_reading
        log_answer = log_sum(joint)
        gradient = np.exp(log_prior) - np.exp(joint - log_answer)
        return -log_answer.mean(), gradient / len(scores)


def logarithm_of_a_prior_that_is_zero(scores, log_reading):
    prior = softmax(scores, axis=1)
    with np.errstate(all="ignore"):
        joint = np.log(prior) + log_reading
        gradient = prior - softmax(joint, axis=1)
        return -logsumexp(joint, axis=1).mean(), gradient / len(scores)


def test_marginal_accepts_the_right_function(capsys):
    chapter23.check_marginal(marginal)
    assert "Right: 8 cases" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        mean_of_logs,
        no_prior_in_posterior,
        wrong_sign,
        sum_over_rows,
        scores_taken_for_probabilities,
        overflows,
        underflows,
        largest_of_the_whole_array,
        logarithm_of_a_prior_that_is_zero,
    ],
)
def test_marginal_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter23.check_marginal(wrong)
