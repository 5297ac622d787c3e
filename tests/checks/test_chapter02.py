"""Each check of chapter 2 accepts right answers and rejects plausible mistakes."""

import math
from collections import Counter

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
    assert "Right: 5" in capsys.readouterr().out


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
