"""Each check of chapter 2 accepts right answers and rejects plausible mistakes."""

import math
from collections import Counter

import numpy as np
import pytest

from ravm_course.checks import chapter02
from ravm_course.checks.compare import CheckFailed


@pytest.mark.parametrize("answer", [9 ** (1 / 3), 2.08, 2.0801])
def test_hand_perplexity_accepts_the_right_number(answer, capsys):
    chapter02.check_hand_perplexity(answer)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer",
    [
        (9 / 2) ** (1 / 2),  # forgot </s>
        9 ** (1 / 4),  # counted <s>
        9 ** (1 / 2),  # divided by the words without </s>
        1 / 9,  # the probability
        math.exp(math.log2(9) / 3),  # mixed base 2 and base e
        math.log(9) / 3,  # the cross-entropy
    ],
)
def test_hand_perplexity_rejects(answer):
    with pytest.raises(CheckFailed):
        chapter02.check_hand_perplexity(answer)


RIGHT = (2 / 9, 0.5 / 3 + 0.5 / 12, 1 / 6 + 1 / 27)


def test_hand_smoothing_accepts_rounded_numbers(capsys):
    chapter02.check_hand_smoothing(0.222, 0.208, 0.204)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, 2 / 8),  # V without </s>
        (0, 1 / 9),  # the count of the pair left as it was
        (0, 2 / 4),  # one added to the context, not V
        (1, 0.5 / 3 + 0.5 / 9),  # </s> forgotten among the predicted tokens
        (1, 0.5 / 3),  # the unigram forgotten
        (1, 0.5 / 3 + 0.5 / 15),  # <s> counted as predicted
        (1, 1 / 3 + 1 / 12),  # the weights forgotten
        (2, 1 / 6 + 1 / 3 / 12),  # occurrences, not contexts
        (2, 1 / 6 + 1 / 6 / 9),  # one discount given away, two were taken
        (2, 1 / 6),  # nothing given away
    ],
)
def test_hand_smoothing_rejects(place, answer):
    answers = [*RIGHT]
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter02.check_hand_smoothing(*answers)


def test_perplexity_rejects_a_product_that_underflows():
    def product(probability, sentences):
        p, n = 1.0, 0
        for sentence in sentences:
            for pair in zip(["<s>", *sentence], [*sentence, "</s>"], strict=True):
                p, n = p * probability.get(pair, 0.0), n + 1
        return p ** (-1 / n) if p else math.inf

    with pytest.raises(CheckFailed):
        chapter02.check_perplexity(product)


def test_discounts_may_come_as_an_array(capsys):
    def discounts(counts):
        n = np.bincount(counts, minlength=5)
        j = np.arange(1, 4)
        return j - (j + 1) * n[1] / (n[1] + 2 * n[2]) * n[j + 1] / n[j]

    chapter02.check_discounts(discounts)
    assert "Right" in capsys.readouterr().out


def perplexity(
    probability, sentences, *, end=True, extra=0, log=math.log, shift=0, per_sentence=False
):
    total, count, each = 0.0, extra, []
    for sentence in sentences:
        tokens = ["<s>", *sentence, *(["</s>"] if end else [])]
        here = 0.0
        for i in range(1, len(tokens)):
            p = probability.get((tokens[max(0, i - 1 - shift)], tokens[i]), 0.0)
            if p == 0:
                return math.inf
            here += log(p)
        total, count = total + here, count + len(tokens) - 1
        each.append(math.exp(-here / max(1, len(tokens) - 1)))
    return sum(each) / len(each) if per_sentence else math.exp(-total / max(1, count))


def test_perplexity_accepts_a_loop(capsys):
    chapter02.check_perplexity(perplexity)
    assert "Right: 6" in capsys.readouterr().out


@pytest.mark.parametrize(
    "mistake",
    [
        {"end": False},
        {"extra": 1},
        {"log": math.log2},
        {"log": math.log10},
        {"shift": 1},
        {"per_sentence": True},
    ],
)
def test_perplexity_rejects(mistake):
    with pytest.raises(CheckFailed):
        chapter02.check_perplexity(lambda p, s: perplexity(p, s, **mistake))


def test_perplexity_rejects_the_inverted_entropy_and_skipped_zeros():
    def inverted(probability, sentences):
        pairs = [pair for s in sentences for pair in zip(["<s>", *s], [*s, "</s>"], strict=True)]
        values = [probability.get(pair, 0) for pair in pairs]
        return math.inf if 0 in values else 1 / sum(p * math.log(p) for p in values)

    def lenient(probability, sentences):
        known = {**probability}
        return perplexity(_Default(known), sentences)

    for wrong in (inverted, lenient):
        with pytest.raises(CheckFailed):
            chapter02.check_perplexity(wrong)


class _Default(dict):
    """Gives impossible pairs probability one, as a loop that skips them does."""

    def get(self, key, default=None):
        return super().get(key, 1.0)


def discounts(counts, *, y_factor=2, step=1, cap=False, ratio=True):
    of = Counter(min(c, 3) if cap else c for c in counts)
    y = of[1] / (of[1] + y_factor * of[2])
    if not ratio:
        return (y, y, y)
    return tuple(j - (j + step) * y * of[j + 1] / of[j] for j in (1, 2, 3))


def test_discounts_accepts_a_counter(capsys):
    chapter02.check_discounts(discounts)
    assert "Right: 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    "mistake",
    [
        {"y_factor": 1},  # Y = n1 / (n1 + n2)
        {"step": 0},  # j Y instead of (j + 1) Y
        {"cap": True},  # 3 or more counted as n3
        {"ratio": False},  # one discount for all: unmodified Kneser-Ney
    ],
)
def test_discounts_rejects(mistake):
    with pytest.raises(CheckFailed):
        chapter02.check_discounts(lambda counts: discounts(counts, **mistake))


def test_stubs_are_not_attempted(capsys):
    chapter02.check_hand_perplexity(...)
    chapter02.check_perplexity(lambda probability, sentences: ...)
    chapter02.check_discounts(lambda counts: ...)
    assert capsys.readouterr().out.count("Not attempted yet") == 3
