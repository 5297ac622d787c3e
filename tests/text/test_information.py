"""Entropy and its relatives against scipy and scikit-learn, and the laws that must hold."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats
from sklearn.metrics import mutual_info_score

from ravm_course.text.information import (
    conditional_entropy,
    cross_entropy,
    entropy,
    kl_divergence,
    mutual_information,
)

counts = arrays(np.int64, st.integers(1, 12), elements=st.integers(0, 1000)).filter(np.any)
tables = arrays(
    np.int64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(0, 50)
).filter(np.any)
units = st.sampled_from([("bits", 2), ("nats", math.e)])


@given(counts, units)
def test_entropy_equals_scipy(weights, unit):
    name, base = unit
    assert entropy(weights, unit=name) == pytest.approx(
        stats.entropy(weights, base=base), rel=1e-12, abs=1e-12
    )


@given(st.integers(1, 12), units, st.data())
def test_divergence_and_cross_entropy_equal_scipy(size, unit, data):
    name, base = unit
    p, q = (
        data.draw(arrays(np.int64, size, elements=st.integers(0, 1000)).filter(np.any))
        for _ in range(2)
    )
    theirs = stats.entropy(p, q, base=base)
    assert kl_divergence(p, q, unit=name) == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    assert cross_entropy(p, q, unit=name) == pytest.approx(
        theirs + stats.entropy(p, base=base), rel=1e-12, abs=1e-12
    )


@settings(deadline=None)
@given(tables)
def test_mutual_information_equals_scikit_learn(table):
    theirs = mutual_info_score(None, None, contingency=table)
    assert mutual_information(table, unit="nats") == pytest.approx(theirs, abs=1e-12)
    rows, columns = np.nonzero(table)
    times = table[rows, columns]
    theirs = mutual_info_score(np.repeat(rows, times), np.repeat(columns, times))
    assert mutual_information(table, unit="nats") == pytest.approx(theirs, abs=1e-12)


@given(tables, units)
def test_the_chain_rule(table, unit):
    name, _ = unit
    joint, x = entropy(table, unit=name), entropy(table.sum(axis=1), unit=name)
    assert joint == pytest.approx(x + conditional_entropy(table, unit=name), abs=1e-12)
    y = entropy(table.sum(axis=0), unit=name)
    assert joint == pytest.approx(y + conditional_entropy(table.T, unit=name), abs=1e-12)


@given(tables)
def test_information_is_what_knowing_saves(table):
    x, y = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    information = mutual_information(table)
    assert 0 <= information <= min(x, y) + 1e-12
    assert information == pytest.approx(mutual_information(table.T), abs=1e-12)
    assert information == pytest.approx(y - conditional_entropy(table), abs=1e-12)
    independent = np.outer(table.sum(axis=1), table.sum(axis=0))
    assert information == pytest.approx(kl_divergence(table, independent), abs=1e-12)


@given(tables)
def test_conditioning_never_raises_entropy(table):
    assert -1e-12 <= conditional_entropy(table) <= entropy(table.sum(axis=0)) + 1e-12


@given(counts, st.randoms(use_true_random=False), st.integers(1, 1000))
def test_order_and_scale_do_not_matter(weights, random, factor):
    order = list(range(len(weights)))
    random.shuffle(order)
    assert entropy(weights[order]) == pytest.approx(entropy(weights), abs=1e-12)
    assert entropy(weights * factor) == pytest.approx(entropy(weights), abs=1e-12)
    other = np.arange(1, len(weights) + 1)
    assert kl_divergence(weights[order], other[order]) == pytest.approx(
        kl_divergence(weights, other), abs=1e-12
    )


@given(tables, st.randoms(use_true_random=False))
def test_the_names_of_the_values_do_not_matter(table, random):
    rows, columns = (list(range(size)) for size in table.shape)
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = table[rows][:, columns]
    assert mutual_information(shuffled) == pytest.approx(mutual_information(table), abs=1e-12)
    assert conditional_entropy(shuffled) == pytest.approx(conditional_entropy(table), abs=1e-12)


@given(counts)
def test_entropy_lies_between_certainty_and_a_fair_choice(weights):
    assert 0 <= entropy(weights) <= math.log2(len(weights)) + 1e-12


@given(st.integers(1, 12), st.data())
def test_the_wrong_model_costs_extra(size, data):
    p, q = (
        data.draw(arrays(np.int64, size, elements=st.integers(0, 1000)).filter(np.any))
        for _ in range(2)
    )
    assert kl_divergence(p, q) >= 0
    assert kl_divergence(p, p) == 0
    assert cross_entropy(p, p) == pytest.approx(entropy(p), abs=1e-12)
    assume(np.all((q > 0) | (p == 0)))
    assert cross_entropy(p, q) == pytest.approx(entropy(p) + kl_divergence(p, q), abs=1e-9)


@given(counts)
def test_a_certain_value_has_entropy_zero_and_no_sign(weights):
    assert str(entropy([weights.sum()])) == "0.0"
    assert str(cross_entropy([weights.sum()], [1])) == "0.0"


def test_what_is_impossible_costs_infinitely_much():
    assert kl_divergence([1, 1], [1, 0]) == math.inf
    assert cross_entropy([1, 1], [1, 0]) == math.inf
    assert kl_divergence([1, 0], [1, 1]) == 1


def test_it_is_no_distance():
    assert kl_divergence([9, 1], [1, 1]) != pytest.approx(kl_divergence([1, 1], [9, 1]))


@given(counts)
def test_miller_madow_adds_its_formula(weights):
    seen, n = np.count_nonzero(weights), weights.sum()
    more = entropy(weights, unit="nats", correction="miller-madow") - entropy(weights, unit="nats")
    assert more == pytest.approx((seen - 1) / (2 * n), abs=1e-12)


@given(tables)
def test_corrections_of_parts_add_up(table):
    corrected = {"correction": "miller-madow"}
    whole = entropy(table, **corrected)
    x, y = (entropy(table.sum(axis=axis), **corrected) for axis in (1, 0))
    assert conditional_entropy(table, **corrected) == pytest.approx(whole - x, abs=1e-12)
    assert mutual_information(table, **corrected) == pytest.approx(x + y - whole, abs=1e-12)


@pytest.mark.parametrize("n", [200, 1000])
def test_miller_madow_removes_most_of_the_bias_where_all_values_are_seen(n):
    truth = np.array([0.4, 0.3, 0.2, 0.1])
    draws = np.random.default_rng(0).multinomial(n, truth, size=20_000)
    plug_in = np.mean([entropy(c) for c in draws]) - entropy(truth)
    corrected = np.mean([entropy(c, correction="miller-madow") for c in draws]) - entropy(truth)
    assert plug_in == pytest.approx(-3 / (2 * n) / math.log(2), rel=0.1)
    assert abs(corrected) < abs(plug_in) / 5


def test_it_does_not_where_most_values_are_never_seen():
    truth = np.full(10_000, 1 / 10_000)
    draw = np.random.default_rng(0).multinomial(500, truth)
    assert entropy(draw, correction="miller-madow") < entropy(truth) - 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: entropy([1, -1]), "a weight is -1"),
        (lambda: entropy([1, math.nan]), "a weight is nan"),
        (lambda: entropy([math.inf]), "a weight is inf"),
        (lambda: entropy([]), "no weight is above 0"),
        (lambda: entropy([0, 0]), "no weight is above 0"),
        (lambda: entropy([1], unit="bytes"), "unit is 'bytes'"),
        (lambda: entropy([1], correction="jackknife"), "correction is 'jackknife'"),
        (lambda: entropy([0.5, 0.5], correction="miller-madow"), "give counts"),
        (lambda: conditional_entropy([1, 2]), r"shape \(2,\)"),
        (lambda: mutual_information(np.ones((2, 2, 2))), r"shape \(2, 2, 2\)"),
        (lambda: cross_entropy([1], [1, 1]), r"p has shape \(1,\) but q has \(2,\)"),
        (lambda: kl_divergence([1, 1], [1]), "the same values"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("function", [entropy, conditional_entropy, mutual_information])
def test_inputs_are_left_alone_and_results_are_plain_floats(function):
    table = np.array([[1, 0], [2, 3]])
    before = table.copy()
    assert type(function(table, correction="miller-madow")) is float
    np.testing.assert_array_equal(table, before)
