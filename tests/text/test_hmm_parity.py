"""The hidden Markov model against hmmlearn, with both of its implementations."""

import numpy as np
import pytest

from ravm_course.text.hmm import HMM

hmmlearn = pytest.importorskip("hmmlearn.hmm")
K, V = 4, 7


def pair(implementation, zeros=False, seed=0):
    """Return a random model twice, and random sequences as both take them."""
    rng = np.random.default_rng(seed)
    initial = rng.dirichlet(np.ones(K))
    transition, emission = (rng.dirichlet(np.ones(n), K) for n in (K, V))
    if zeros:  # left to right, and states that cannot emit some symbols
        transition = np.triu(transition)
        transition[-1, 0] = 1.0  # and round
        emission[0, 1] = emission[2, 3] = 0.0
    transition, emission = (t / t.sum(axis=1, keepdims=True) for t in (transition, emission))
    ours = HMM(K, V, initial, transition, emission)
    theirs = hmmlearn.CategoricalHMM(
        K,
        n_features=V,
        implementation=implementation,
        params="ste",
        init_params="",
        n_iter=1,
        tol=0,
    )
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = initial, transition, emission
    sequences = [rng.integers(0, V, n) for n in (30, 1, 200, 17, 17)]
    return ours, theirs, sequences, np.concatenate(sequences)[:, None], [30, 1, 200, 17, 17]


cases = pytest.mark.parametrize(
    ("implementation", "zeros", "seed"),
    [(i, z, s) for i in ("log", "scaling") for z in (False, True) for s in range(3)],
)


@cases
def test_log_likelihood(implementation, zeros, seed):
    ours, theirs, sequences, stacked, lengths = pair(implementation, zeros, seed)
    assert ours.log_likelihood(sequences).sum() == pytest.approx(
        theirs.score(stacked, lengths), abs=1e-8
    )
    for sequence, value in zip(sequences, ours.log_likelihood(sequences), strict=True):
        assert value == pytest.approx(theirs.score(sequence[:, None]), abs=1e-8)


@cases
def test_posteriors(implementation, zeros, seed):
    ours, theirs, sequences, stacked, lengths = pair(implementation, zeros, seed)
    np.testing.assert_allclose(
        np.concatenate(ours.posterior(sequences)),
        theirs.predict_proba(stacked, lengths),
        rtol=0,
        atol=1e-8,
    )


@cases
def test_viterbi_path_and_score(implementation, zeros, seed):
    ours, theirs, sequences, stacked, lengths = pair(implementation, zeros, seed)
    paths, scores = ours.viterbi(sequences)
    score, path = theirs.decode(stacked, lengths)
    assert scores.sum() == pytest.approx(score, abs=1e-8)
    assert np.concatenate(paths).tolist() == path.tolist()


@cases
def test_one_step_of_em(implementation, zeros, seed):
    ours, theirs, sequences, stacked, lengths = pair(implementation, zeros, seed)
    history = ours.baum_welch(sequences, n_iterations=1)
    before = theirs.score(stacked, lengths)
    theirs.fit(stacked, lengths)
    assert history[0] == pytest.approx(before, abs=1e-8)
    for mine, reference in (
        (ours.initial, theirs.startprob_),
        (ours.transition, theirs.transmat_),
        (ours.emission, theirs.emissionprob_),
    ):
        np.testing.assert_allclose(mine, reference, rtol=0, atol=1e-8)


def test_thirty_steps_of_em_end_in_the_same_place():
    ours, theirs, sequences, stacked, lengths = pair("scaling")
    ours.baum_welch(sequences, n_iterations=30, tolerance=-1)
    theirs.n_iter = theirs.monitor_.n_iter = 30
    theirs.tol = theirs.monitor_.tol = -np.inf
    theirs.fit(stacked, lengths)
    np.testing.assert_allclose(ours.emission, theirs.emissionprob_, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.transition, theirs.transmat_, rtol=0, atol=1e-8)


def test_where_scaling_alone_goes_wrong_we_agree_with_their_logarithms():
    model = HMM(2, 2, [0.5, 0.5], np.eye(2), [[0.9, 0.1], [0.1, 0.9]])
    sequence = np.repeat([0, 1], [400, 600])
    values = {}
    for implementation in ("log", "scaling"):
        theirs = hmmlearn.CategoricalHMM(2, n_features=2, implementation=implementation)
        theirs.startprob_, theirs.transmat_ = model.initial, model.transition
        theirs.emissionprob_ = model.emission
        values[implementation] = theirs.score(sequence[:, None])
    assert model.log_likelihood([sequence])[0] == pytest.approx(values["log"], abs=1e-8)
    first_coin_alone = np.log(0.5) + 400 * np.log(0.9) + 600 * np.log(0.1)
    assert values["scaling"] == pytest.approx(first_coin_alone, abs=1e-6)
    assert values["log"] > first_coin_alone + 400
