"""Mixtures: a mean of probabilities, with weights that a search does not beat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ravm_course.lm.mixture import mix, mixture_weights

probabilities = st.floats(0.001, 1)


@given(st.lists(st.tuples(probabilities, probabilities), min_size=1, max_size=20))
def test_no_other_weights_make_the_tokens_more_probable(pairs):
    logs = np.log(np.array(pairs).T)
    came = mix(logs, mixture_weights(logs, n_iterations=20_000)).sum()
    best = minimize_scalar(
        lambda w: -mix(logs, [w, 1 - w]).sum(), bounds=(0, 1), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    ends = max(mix(logs, w).sum() for w in ([1, 0], [0, 1]))
    assert came >= max(-best.fun, ends) - 2e-3


def test_a_mixture_is_the_mean_of_the_probabilities():
    rng = np.random.default_rng(0)
    p = rng.uniform(size=(3, 50))
    weights = rng.dirichlet(np.ones(3))
    np.testing.assert_allclose(np.exp(mix(np.log(p), weights)), weights @ p)


def test_one_model_may_hold_a_token_to_be_impossible():
    with np.errstate(divide="ignore"):
        logs = np.log([[0.5, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(np.exp(mix(logs, [0.5, 0.5])), [0.5, 0.25])
    assert mixture_weights(logs)[0] < 0.01
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match="token 1 to be impossible"):
        mixture_weights(np.log([[0.5, 0.0]]))


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(ValueError, match="one for each of 2 models"):
        mix(np.zeros((2, 3)), [1.0])
    with pytest.raises(ValueError, match="sum to 1"):
        mix(np.zeros((2, 3)), [1.0, 1.0])
    for wrong in (np.zeros(3), np.zeros((2, 0))):
        with pytest.raises(ValueError, match="at least one each"):
            mixture_weights(wrong)
    with pytest.raises(ValueError, match="above 0 or NaN"):
        mixture_weights([[0.5, -1]])
