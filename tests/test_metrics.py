"""Measures against their definitions, and the bootstrap against SciPy's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ravm_course.metrics import (
    Interval,
    accuracy,
    bits_per_byte,
    bootstrap_interval,
    cpu_milliseconds,
    paired_bootstrap,
    perplexity,
    ratio_interval,
)


def test_perplexity_and_bits_agree_with_their_definitions():
    p = np.random.default_rng(0).uniform(0.01, 1, 50)
    assert perplexity(np.log(p)) == pytest.approx(np.prod(1 / p) ** (1 / 50))
    assert bits_per_byte(np.log(p), 200) == pytest.approx(-np.log2(p).sum() / 200)
    assert perplexity(np.log(p).reshape(5, 10)) == perplexity(np.log(p))


def test_an_impossible_token_makes_perplexity_infinite():
    assert perplexity([-1.0, -math.inf]) == math.inf
    assert bits_per_byte([-math.inf], 1) == math.inf


@pytest.mark.parametrize("wrong", [[], [0.5], [math.nan], [-1, math.nan]])
def test_what_is_no_log_probability_is_refused(wrong):
    with pytest.raises(ValueError, match="log-probabilit"):
        perplexity(wrong)
    with pytest.raises(ValueError, match="log-probabilit"):
        bits_per_byte(wrong, 1)


def test_refusals_say_what_to_do():
    with pytest.raises(ValueError, match="one prediction for each"):
        accuracy([1, 2], [1])
    with pytest.raises(ValueError, match="at least one"):
        accuracy([], [])
    with pytest.raises(ValueError, match="length of the text"):
        bits_per_byte([-1.0], 0)
    with pytest.raises(ValueError, match="value 1 is not finite"):
        bootstrap_interval([1, math.nan, 2])
    with pytest.raises(ValueError, match="at least two"):
        bootstrap_interval([1, 2], groups=["a", "a"])
    with pytest.raises(ValueError, match="name the group"):
        bootstrap_interval([1, 2], groups=[1])
    with pytest.raises(ValueError, match="same items"):
        paired_bootstrap([1, 2], [1])
    with pytest.raises(ValueError, match=r"shape \(N,\)"):
        bootstrap_interval([[1, 2]])
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap_interval([1, 2], level=95)


@pytest.mark.parametrize("n", [2, 37, 5000])  # 5000 is drawn in several blocks
def test_ungrouped_bootstrap_equals_scipy(n):
    values = np.random.default_rng(1).gamma(2, size=n)
    ours = bootstrap_interval(values, n_resamples=1000, level=0.9, seed=3)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=1000, confidence_level=0.9, method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert ours.mean == pytest.approx(values.mean())


def test_grouped_bootstrap_equals_resampling_whole_groups_in_a_loop():
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 12, 90)
    values = rng.normal(size=90) + groups
    units = [values[groups == g] for g in range(12)]
    draws = np.random.default_rng(5).integers(0, 12, size=(500, 12))
    means = [np.concatenate([units[i] for i in draw]).mean() for draw in draws]
    ours = bootstrap_interval(values, groups=groups, n_resamples=500, seed=5)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_groups_widen_the_interval_and_their_names_do_not_matter():
    values = np.repeat(np.arange(10.0), 20)
    names = np.repeat([f"country {i}" for i in range(10)], 20)
    grouped = bootstrap_interval(values, groups=names)
    assert grouped == bootstrap_interval(values, groups=np.repeat(np.arange(10), 20))
    free = bootstrap_interval(values)
    assert grouped.high - grouped.low > 3 * (free.high - free.low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(300):
        interval = bootstrap_interval(rng.normal(size=60), n_resamples=400, seed=trial)
        hits += interval.low <= 0 <= interval.high
    assert 0.90 <= hits / 300 <= 0.98


def test_paired_bootstrap_sees_a_difference_that_unpaired_intervals_hide():
    difficulty = np.random.default_rng(0).normal(size=200)
    a, b = difficulty + 0.1, difficulty
    assert paired_bootstrap(a, b).low == pytest.approx(0.1)
    assert bootstrap_interval(b).high > bootstrap_interval(a).low


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.integers(0, 3))
def test_interval_is_ordered_inside_the_range_and_repeatable(values, seed):
    interval = bootstrap_interval(values, n_resamples=50, seed=seed)
    slack = 1e-6 * max(map(abs, values))
    assert min(values) - slack <= interval.low <= interval.high <= max(values) + slack
    assert interval == bootstrap_interval(values, n_resamples=50, seed=seed)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.471, 0.44, 0.50), "0.471 [0.44, 0.50]"),
        (Interval(1.0, 1.0, 1.0), "1.000 [1.00, 1.00]"),
        (Interval(-0.0312, -0.034, -0.029), "-0.0312 [-0.034, -0.029]"),
        (Interval(math.inf, 1.0, math.inf), "inf [1.00, inf]"),
    ],
)
def test_intervals_print_with_as_many_digits_as_they_know(interval, text):
    assert str(interval) == text


def test_a_ratio_is_that_of_the_sums_and_its_interval_scipys():
    rng = np.random.default_rng(0)
    sizes = rng.integers(100, 2000, 40)
    bits = sizes * rng.normal(1.4, 0.1, 40)
    came = ratio_interval(bits, sizes)
    assert came.mean == pytest.approx(bits.sum() / sizes.sum())
    assert came.mean != pytest.approx(np.mean(bits / sizes), abs=1e-4)
    expected = stats.bootstrap(
        (bits, sizes), lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis), paired=True,
        method="percentile", n_resamples=9999, rng=1, vectorized=True,
    ).confidence_interval  # fmt: skip
    assert came.low == pytest.approx(expected.low, abs=0.003)
    assert came.high == pytest.approx(expected.high, abs=0.003)


def test_with_equal_denominators_a_ratio_is_a_mean():
    values = np.random.default_rng(1).normal(size=30)
    ratio, mean = ratio_interval(values, np.ones(30)), bootstrap_interval(values)
    assert (ratio.mean, ratio.low, ratio.high) == pytest.approx((mean.mean, mean.low, mean.high))


def test_ratios_without_sense_are_refused():
    with pytest.raises(ValueError, match="give both for each"):
        ratio_interval([1, 2], [1])
    with pytest.raises(ValueError, match="denominator not positive"):
        ratio_interval([1, 2], [1, 0])
    with pytest.raises(ValueError, match="not finite"):
        ratio_interval([1, math.inf], [1, 1])
    with pytest.raises(ValueError, match="at least two"):
        ratio_interval([1], [1])


def test_the_time_of_a_call_leaves_out_the_first_and_takes_the_median(monkeypatch):
    clock = iter([0.0, 0.009, 1.0, 1.001, 2.0, 2.002])
    monkeypatch.setattr("ravm_course.metrics.time.process_time", lambda: next(clock))
    calls = []
    assert cpu_milliseconds(lambda: calls.append(1), repeats=3) == pytest.approx(2.0)
    assert len(calls) == 4
    with pytest.raises(ValueError, match="repeats is 0"):
        cpu_milliseconds(list, repeats=0)
