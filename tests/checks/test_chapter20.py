"""Each check of chapter 20 accepts the right answer and rejects what goes wrong in practice."""

import math

import numpy as np
import pytest

from ravm_course.checks import chapter20
from ravm_course.checks.compare import CheckFailed

FIRST = math.e / (1 + math.e)


def test_two_passages_accepts_the_right_number(capsys):
    chapter20.check_two_passages(0.392)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        0.3,  # the mean of .5 and .1: no weights
        FIRST * 0.5,  # only the first passage; also what "not here" has
        (0.9 * 0.5 + 0.8 * 0.1) / 1.7,  # similarities as weights, no softmax
        (math.exp(0.9) * 0.5 + math.exp(0.8) * 0.1) / (math.exp(0.9) + math.exp(0.8)),  # no 1/tau
        (1 - FIRST) * 0.5 + FIRST * 0.1,  # the farther passage weighs more
        FIRST * 1.0 + (1 - FIRST) * 0.1,  # "not here" left out, and the rest made to sum to one
        0.39,  # two decimals
    ],
)
def test_two_passages_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter20.check_two_passages(wrong)


def test_two_passages_asks_for_a_number():
    with pytest.raises(CheckFailed, match="write a number"):
        chapter20.check_two_passages("0.392")


def best_span(start, end, longest):
    best = None
    for i in range(len(start)):
        for j in range(i, min(i + longest, len(end))):
            if best is None or start[i] + end[j] > start[best[0]] + end[best[1]]:
                best = i, j
    return best


def each_alone(start, end, longest):
    return int(start.argmax()), int(end.argmax())


def end_before_start(start, end, longest):
    pairs = [(i, j) for i in range(len(start)) for j in range(len(end)) if abs(i - j) < longest]
    return max(pairs, key=lambda p: start[p[0]] + end[p[1]])


def any_length(start, end, longest):
    return best_span(start, end, len(start))


def one_too_short(start, end, longest):
    return best_span(start, end, max(1, longest - 1))


def one_too_long(start, end, longest):
    return best_span(start, end, longest + 1)


def end_after_start_is_fixed_first(start, end, longest):
    i = int(start.argmax())
    return i, i + int(end[i : i + longest].argmax())


def start_before_end_is_fixed_first(start, end, longest):
    j = int(end.argmax())
    i = max(0, j - longest + 1)
    return i + int(start[i : j + 1].argmax()), j


def starts_from_zero_score(start, end, longest):
    best, score = (0, 0), 0.0
    for i in range(len(start)):
        for j in range(i, min(i + longest, len(end))):
            if start[i] + end[j] > score:
                best, score = (i, j), start[i] + end[j]
    return best


def end_is_exclusive(start, end, longest):
    i, j = best_span(start, end, longest)
    return i, j + 1


def product_of_logits(start, end, longest):
    pairs = [(i, j) for i in range(len(start)) for j in range(i, min(i + longest, len(end)))]
    return max(pairs, key=lambda p: start[p[0]] * end[p[1]])


def test_best_span_accepts_the_right_function(capsys):
    chapter20.check_best_span(best_span)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        each_alone,
        end_before_start,
        any_length,
        one_too_short,
        one_too_long,
        end_after_start_is_fixed_first,
        start_before_end_is_fixed_first,
        starts_from_zero_score,
        end_is_exclusive,
        product_of_logits,
    ],
)
def test_best_span_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter20.check_best_span(wrong)


def system(
    query, vectors, readings, k, temperature, *,
    sign=1, unit=True, softmax="k", source="winner", votes=True,
):  # fmt: skip
    """Answer with one part replaced by a mistake."""
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if unit else vectors
    similar = rows @ (query / np.linalg.norm(query) if unit else query)
    nearest = np.argsort(-sign * similar, kind="stable")[:k]
    scores = np.exp((similar - similar.max()) / temperature)
    weights = scores[nearest]
    if softmax == "k":
        weights = weights / weights.sum()
    elif softmax == "store":
        weights = weights / scores.sum()
    elif softmax == "uniform":
        weights = np.full(k, 1 / k)
    shares = {int(z): w * readings[z][1] for z, w in zip(nearest, weights, strict=True)}
    total = {}
    for z, share in shares.items():
        text = readings[z][0]
        total[text] = total.get(text, 0) + share if votes else max(total.get(text, 0), share)
    best = max(total, key=total.get)
    if source == "nearest":
        z = int(nearest[0])
    elif source == "first with the text":
        z = next(int(z) for z in nearest if readings[z][0] == best)
    elif source == "surest reading":
        z = max((z for z in shares if readings[z][0] == best), key=lambda z: readings[z][1])
    elif source == "place":
        z = max(range(k), key=lambda i: shares[int(nearest[i])] * (readings[nearest[i]][0] == best))
    else:
        z = max((z for z in shares if readings[z][0] == best), key=shares.get)
    return best, float(total[best]), z


def test_answer_accepts_the_right_system(capsys):
    chapter20.check_answer(system)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    "mistake",
    [
        {"sign": -1},  # the farthest instead of the nearest
        {"unit": False},  # inner product of vectors that are not normalised
        {"softmax": "store"},  # over the whole store instead of the k hits
        {"softmax": "uniform"},  # nearness forgotten
        {"softmax": "none"},  # weights that do not sum to one
        {"source": "nearest"},  # cites the nearest, whatever it says
        {"source": "first with the text"},  # not the one that spoke loudest
        {"source": "surest reading"},  # nearness forgotten where the source is chosen
        {"source": "place"},  # the place among the hits instead of the row of the store
        {"votes": False},  # the best single passage instead of the sum
    ],
    ids=str,
)
def test_answer_rejects(mistake):
    def wrong(query, vectors, readings, k, temperature):
        return system(query, vectors, readings, k, temperature, **mistake)

    with pytest.raises(CheckFailed):
        chapter20.check_answer(wrong)
