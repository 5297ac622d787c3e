"""The hidden Markov model against all its paths, against itself, and against hostile input."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ravm_course.text import trellis
from ravm_course.text.hmm import HMM
from ravm_course.text.ngram import NGramLM
from ravm_course.text.trellis import Packed


def drawn(n_states, n_symbols, seed, zeros=0.0):
    """Return a random model; `zeros` is the share of entries that are ruled out."""
    rng = np.random.default_rng(seed)

    def table(*shape):
        weights = rng.exponential(size=shape) * (rng.random(shape) >= zeros)
        weights[..., 0] += 1e-3
        return weights / weights.sum(axis=-1, keepdims=True)

    return HMM(
        n_states,
        n_symbols,
        table(n_states),
        table(n_states, n_states),
        table(n_states, n_symbols),
    )


models = st.builds(
    drawn,
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 10**6),
    st.sampled_from([0.0, 0.0, 0.4]),
)


@st.composite
def models_with_sequences(draw, max_length=6):
    model = draw(models)
    symbol = st.integers(0, len(model.symbols) - 1)
    sequences = draw(st.lists(st.lists(symbol, max_size=max_length), min_size=1, max_size=4))
    return model, sequences


def path_probability(model, sequence, path):
    """Return p(symbols, path), one factor after another."""
    p = model.initial[path[0]] if path else 1.0
    for t, (state, symbol) in enumerate(zip(path, sequence, strict=True)):
        p *= model.emission[state, symbol]
        p *= model.transition[state, path[t + 1]] if t + 1 < len(path) else 1.0
    return p


def all_paths(model, sequence):
    paths = itertools.product(range(len(model.states)), repeat=len(sequence))
    return {path: path_probability(model, sequence, path) for path in paths}


def log(value):
    return math.log(value) if value > 0 else -math.inf


@settings(deadline=None, max_examples=150)
@given(models_with_sequences())
def test_forward_backward_and_the_sum_over_all_paths_agree(case):
    model, sequences = case
    likelihood = model.log_likelihood(sequences)
    pairs = zip(sequences, model.forward(sequences), model.backward(sequences), strict=True)
    for i, (sequence, alpha, beta) in enumerate(pairs):
        expected = log(sum(all_paths(model, sequence).values()))
        assert likelihood[i] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        for row in alpha + beta:  # at every time the nodes share out the whole likelihood
            assert np.logaddexp.reduce(row) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    lengths = [len(sequence) for sequence in sequences]
    each = np.split(model.log_probs(sequences), np.cumsum(lengths)[:-1])
    for logs, expected in zip(each, likelihood, strict=True):
        assert logs.sum() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=150)
@given(models_with_sequences())
def test_viterbi_is_the_best_of_all_paths(case):
    model, sequences = case
    assume(np.isfinite(model.log_likelihood(sequences)).all())
    paths, scores = model.viterbi(sequences)
    for sequence, path, score in zip(sequences, paths, scores, strict=True):
        best = max(all_paths(model, sequence).values())
        assert score == pytest.approx(log(best), rel=1e-9, abs=1e-9)
        assert log(path_probability(model, sequence, path)) == pytest.approx(score, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(models_with_sequences())
def test_posteriors_are_shares_of_paths_and_sum_to_one(case):
    model, sequences = case
    assume(np.isfinite(model.log_likelihood(sequences)).all())
    for sequence, posterior in zip(sequences, model.posterior(sequences), strict=True):
        assert posterior.shape == (len(sequence), len(model.states))
        np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-12)
        share = np.zeros_like(posterior)
        for path, p in all_paths(model, sequence).items():
            share[np.arange(len(path)), list(path)] += p
        if len(share):
            share /= share[0].sum()
        np.testing.assert_allclose(posterior, share, atol=1e-10)


@settings(deadline=None, max_examples=60)
@given(models_with_sequences(max_length=12))
def test_em_never_lowers_the_likelihood_and_keeps_distributions(case):
    model, sequences = case
    assume(any(sequences) and np.isfinite(model.log_likelihood(sequences)).all())
    before = model.log_likelihood(sequences).sum()
    history = model.baum_welch(sequences, n_iterations=8, tolerance=-1)
    assert history[0] == pytest.approx(before, abs=1e-9)
    assert history[-1] == pytest.approx(model.log_likelihood(sequences).sum(), abs=1e-9)
    assert len(history) == 9
    assert (np.diff(history) >= -1e-8).all()
    for table in (model.initial, model.transition, model.emission):
        assert table.min() >= 0
        np.testing.assert_allclose(table.sum(axis=-1), 1, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(models_with_sequences(max_length=12))
def test_scaling_and_logarithms_agree(case):
    model, sequences = case
    log_likelihood = model.log_likelihood(sequences)
    assume(np.isfinite(log_likelihood).all())
    scaled = model._trellis(sequences)
    logs = model._trellis(sequences)
    logs.__dict__["scaled"] = None  # as if scaling could not be trusted
    assert scaled.scaled is not None
    for a, b in (
        (scaled.forward(), logs.forward()),
        (scaled.backward(), logs.backward()),
        (scaled.log_next(), logs.log_next()),
        *zip(scaled.expected_counts(), logs.expected_counts(), strict=True),
    ):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_many_sequences_equal_one_at_a_time():
    model = drawn(3, 5, seed=1)
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 5, n) for n in (4, 0, 9, 1, 9, 2)]
    paths, scores = model.viterbi(sequences)
    for i, sequence in enumerate(sequences):
        np.testing.assert_allclose(model.forward(sequences)[i], model.forward([sequence])[0])
        np.testing.assert_allclose(model.posterior(sequences)[i], model.posterior([sequence])[0])
        assert paths[i] == model.viterbi([sequence])[0][0]
        assert scores[i] == pytest.approx(model.viterbi([sequence])[1][0], abs=1e-12)


def test_packing_puts_each_time_together_and_gives_everything_back():
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 99, n) for n in (2, 0, 5, 1, 5)]
    packed = Packed.of(sequences)
    for back, sequence in zip(packed.split(packed.ids), sequences, strict=True):
        np.testing.assert_array_equal(back, sequence)
    assert packed.starts.tolist() == [0, 4, 7, 9, 11, 13]
    times = packed.split(np.repeat(np.arange(5), np.diff(packed.starts)))
    for time in times:
        np.testing.assert_array_equal(time, np.arange(len(time)))
    rows = packed.split(np.arange(13))
    before = dict(zip(range(4, 13), packed.before.tolist(), strict=True))
    for row in rows:
        assert [before[r] for r in row[1:].tolist()] == row[:-1].tolist()
    assert packed.sums(np.ones(13)).tolist() == [2, 0, 5, 1, 5]


def test_a_hundred_thousand_steps_do_not_underflow():
    model = drawn(3, 6, seed=2)
    symbols = [int(v) for v in np.random.default_rng(0).integers(0, 6, 100_000)]
    likelihood = model.log_likelihood([symbols])[0]
    assert -400_000 < likelihood < -100_000
    beta = model.backward([symbols])[0]
    first = np.log(model.initial) + np.log(model.emission[:, symbols[0]]) + beta[0]
    assert np.logaddexp.reduce(first) == pytest.approx(likelihood, rel=1e-12)
    score = model.viterbi([symbols])[1][0]
    assert -math.inf < score < likelihood
    assert (np.diff(model.baum_welch([symbols], n_iterations=1)) > 0).all()


def two_coins():
    """Return a model of two coins, of which one is chosen once and for all."""
    return HMM(2, "ab", [0.5, 0.5], np.eye(2), [[0.9, 0.1], [0.1, 0.9]])


def test_evidence_that_comes_late_is_not_lost():
    """After 400 a, the weight of the second coin is 9^-400, below what a float can hold."""
    model, sequence = two_coins(), ["a"] * 400 + ["b"] * 600
    assert model._trellis([sequence]).scaled is None
    expected = np.logaddexp(
        400 * math.log(0.9) + 600 * math.log(0.1), 400 * math.log(0.1) + 600 * math.log(0.9)
    ) + math.log(0.5)
    assert model.log_likelihood([sequence])[0] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(model.posterior([sequence])[0][:, 1], 1, atol=1e-9)
    assert model.viterbi([sequence])[0][0] == [1] * 1000
    model.baum_welch([sequence], n_iterations=1)
    np.testing.assert_allclose(model.emission[1], [0.4, 0.6], rtol=1e-9)


def test_a_rare_symbol_alone_does_not_call_for_logarithms():
    tiny = 1e-290
    model = HMM(2, "ab", [0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]], [[1, 0], [1 - tiny, tiny]])
    assert model._trellis([["a", "b", "b", "a"]]).scaled is not None
    expected = math.log(0.9 * 0.5 * 0.1 / 0.9 + 0.5 * 0.8) + math.log(0.8) + 2 * math.log(tiny)
    assert model.log_likelihood([["a", "b", "b", "a"]])[0] == pytest.approx(expected, rel=1e-12)


def test_what_is_impossible_is_minus_infinity_or_an_error():
    model = HMM(2, "ab", [1, 0], [[0, 1], [1, 0]], np.eye(2))  # a b a b ...
    sequences = [list("abab"), list("abba"), list("b"), []]
    assert model.log_likelihood(sequences).tolist() == [0, -math.inf, -math.inf, 0]
    assert model.log_probs(sequences).tolist() == [0] * 6 + [-math.inf] * 3
    for call in (model.posterior, model.viterbi, model.baum_welch):
        with pytest.raises(ValueError, match="sequence 1 has probability zero"):
            call(sequences)


def test_counting_is_adding_up_and_dividing():
    model = HMM("XY", ["a", "b", "<unk>"])
    model.fit([list("aab"), list("b?")], [list("XXY"), list("YX")], k_emission=1, k_transition=0)
    assert model.initial.tolist() == [0.5, 0.5]
    assert model.transition.tolist() == [[0.5, 0.5], [1, 0]]
    assert model.emission.tolist() == [[3 / 6, 1 / 6, 2 / 6], [1 / 5, 3 / 5, 1 / 5]]
    smooth = HMM("XY", "ab").fit([["a"]], [["X"]], k_emission=0.5, k_transition=2)
    assert smooth.initial.tolist() == [0.6, 0.4]
    assert smooth.transition.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert smooth.emission.tolist() == [[0.75, 0.25], [0.5, 0.5]]


def test_counting_samples_recovers_the_model():
    model = drawn(3, 4, seed=3)
    symbols, path = model.sample(30_000, seed=0)
    again = HMM(3, 4).fit([symbols], [path])
    np.testing.assert_allclose(again.transition, model.transition, atol=0.03)
    np.testing.assert_allclose(again.emission, model.emission, atol=0.03)
    assert model.sample(5, seed=1) == model.sample(5, seed=1)
    assert len({tuple(model.sample(9, seed=seed)[0]) for seed in range(9)}) > 5


def test_with_one_state_a_symbol_it_is_the_bigram_model():
    sentences = ["abacab", "bbca", "cab"]
    lm = NGramLM(2, "mle").fit([list(s) for s in sentences])
    chain = HMM("abc", "abc").fit(
        [list(s) for s in sentences], [list(s) for s in sentences], k_emission=0, k_transition=0
    )
    np.testing.assert_array_equal(chain.emission, np.eye(3))
    for text in ("abac", "cab", "bbab"):
        pairs = zip(["<s>", *text], text, strict=False)
        # the chain has no </s>: take the probability of going on out of the bigram's
        bigram = sum(
            lm.log_prob(b, [a])
            - (math.log(1 - math.exp(lm.log_prob("</s>", [a]))) if a != "<s>" else 0)
            for a, b in pairs
        )
        assert chain.log_likelihood([list(text)])[0] == pytest.approx(bigram, rel=1e-12)


def test_equal_states_stay_equal_and_random_ones_part():
    sequences = [list("abcabcabcabd" * 4)]
    equal = HMM(2, "abcd", [0.5, 0.5], np.full((2, 2), 0.5), np.full((2, 4), 0.25))
    equal.baum_welch(sequences, n_iterations=20)
    np.testing.assert_allclose(equal.emission[0], equal.emission[1], atol=1e-12)
    parted = HMM.random(2, "abcd", seed=0)
    parted.baum_welch(sequences, n_iterations=50)
    assert np.abs(parted.emission[0] - parted.emission[1]).max() > 0.2


def test_unknown_symbols_are_read_as_unk_if_there_is_one():
    model = HMM(2, ["<unk>", "a"], [0.5, 0.5], np.full((2, 2), 0.5), [[0.2, 0.8], [0.6, 0.4]])
    assert model.log_likelihood([["zzz"]])[0] == pytest.approx(math.log(0.4))


def test_states_that_em_empties_keep_their_rows():
    model = HMM(2, "ab", [1, 0], [[1, 0], [0.5, 0.5]], [[0.5, 0.5], [0.3, 0.7]])
    model.baum_welch([list("abab")], n_iterations=3)
    assert model.transition[1].tolist() == [0.5, 0.5]
    assert model.emission[1].tolist() == [0.3, 0.7]


def fitted():
    return drawn(2, 3, seed=0)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: HMM(0, "ab"), ValueError, "states is 0"),
        (lambda: HMM(2, "aba"), ValueError, "symbols name 'a' twice"),
        (lambda: HMM(1, "ab", [1]), ValueError, "together, or none"),
        (lambda: HMM(2, "ab", [1], np.eye(2), np.eye(2)), ValueError, r"initial has shape \(1,\)"),
        (lambda: HMM(2, "ab", [1, 0], np.eye(2), [[1, 0], [0.5, 0.4]]), ValueError, "row 1 of em"),
        (lambda: HMM(2, "ab", [2, -1], np.eye(2), np.eye(2)), ValueError, "initial sums to"),
        (lambda: HMM(1, "a", [math.nan], [[1]], [[1]]), ValueError, "initial sums to nan"),
        (lambda: HMM(2, "ab").viterbi([["a"]]), ValueError, "call fit"),
        (lambda: fitted().forward([]), ValueError, "no sequences"),
        (lambda: fitted().forward("abc"), TypeError, "is the string"),
        (lambda: fitted().forward([[0, 7]]), ValueError, "sequence 0 holds the symbol 7"),
        (lambda: fitted().baum_welch([[]]), ValueError, "all sequences are empty"),
        (lambda: fitted().baum_welch([[0]], n_iterations=0), ValueError, "n_iterations is 0"),
        (lambda: fitted().sample(0), ValueError, "length is 0"),
        (lambda: HMM(2, "ab").fit([["a"]], [[0], [1]]), ValueError, "1 sequences but 2 paths"),
        (lambda: HMM(2, "ab").fit([["a"]], [[0, 1]]), ValueError, "sequence 0 has 1 symbols"),
        (lambda: HMM(2, "ab").fit([["a"]], [["?"]]), ValueError, r"the state '\?'"),
        (lambda: HMM(2, "ab").fit([["a"]], [[0]], k_emission=-1), ValueError, "k_emission is -1"),
        (
            lambda: HMM(2, "ab").fit([["a"]], [[0]], k_transition=0),
            ValueError,
            "nothing was counted for the transition of state 0",
        ),
    ],
)
def test_errors_say_what_was_given(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_failed_fit_leaves_the_model_as_it_was():
    model = fitted()
    before = model.emission.copy()
    with pytest.raises(ValueError, match="nothing was counted"):
        model.fit([[0, 1]], [[0, 0]], k_transition=0)
    np.testing.assert_array_equal(model.emission, before)


def test_log_is_silent():
    assert np.isneginf(trellis.log(np.zeros(1))).all()
