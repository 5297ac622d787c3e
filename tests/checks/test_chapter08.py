"""Each check of chapter 8 accepts right answers and rejects plausible mistakes."""

import math

import pytest
import torch
import torch.nn.functional as F

from ravm_course.checks import chapter08
from ravm_course.checks.compare import CheckFailed

COSTS = (84_934_656, 37_748_736, 9216)


def test_costs_accepts(capsys):
    chapter08.check_costs(*COSTS)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, 12 * 768**2),  # one block
        (0, 12 * 4 * 768**2),  # attention only
        (0, 12 * 6 * 768**2),  # network with one width
        (0, 124_439_808),  # all parameters
        (1, 2 * 12 * 1024 * 768),  # one byte a number, or keys only
        (1, 4 * 2 * 12 * 1024 * 768),  # four bytes
        (1, 2 * 2 * 1024 * 768),  # one layer
        (1, 2 * 2 * 12 * 12 * 1024 * 768),  # times heads
        (2, 6 * 768),  # both halves of the scores
        (2, 24 * 768),  # only the scores, not the means
        (2, 768),
    ],
)
def test_costs_rejects(place, answer):
    answers = [*COSTS]
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter08.check_costs(*answers)


def split_channels(x, heads):
    return x.reshape(len(x), heads, -1).transpose(0, 1)


def causal_heads(q, k, v, heads):
    q, k, v = (split_channels(x, heads) for x in (q, k, v))
    out = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]
    return out.transpose(0, 1).reshape(q.shape[1], -1)


def by_loop(q, k, v, heads):
    width = q.shape[1] // heads
    found = []
    for h in range(heads):
        own = slice(h * width, (h + 1) * width)
        scores = q[:, own] @ k[:, own].T / math.sqrt(width)
        hidden = torch.ones_like(scores).triu(1).bool()
        found.append(scores.masked_fill(hidden, -math.inf).softmax(dim=1) @ v[:, own])
    return torch.cat(found, dim=1)


@pytest.mark.parametrize("right", [causal_heads, by_loop])
def test_causal_heads_accepts(right, capsys):
    chapter08.check_causal_heads(right)
    assert "Right: 6" in capsys.readouterr().out


def variant(
    *, scale=None, diagonal=0, after=False, axis=-1, hide=True, split=split_channels, join=True,
    safe=True,
):  # fmt: skip
    """Attention with one mistake."""

    def causal_heads(q, k, v, heads):
        time, channels = q.shape
        q, k, v = (split(x, heads) for x in (q, k, v))
        scores = q @ k.transpose(1, 2) / (scale(channels, heads) if scale else q.shape[2] ** 0.5)
        seen = torch.ones(scores.shape[1:]).tril(diagonal).bool()
        if hide and not after:
            scores = scores.masked_fill(~seen, -math.inf)
        if safe:
            weights = scores.softmax(dim=axis)
        else:
            weights = scores.exp() / scores.exp().sum(dim=axis, keepdim=True)
        if after:
            weights = weights * seen
        out = weights @ v
        return out.transpose(0, 1).reshape(time, channels) if join else out.reshape(time, channels)

    return causal_heads


@pytest.mark.parametrize(
    "wrong",
    [
        variant(scale=lambda channels, heads: 1),
        variant(scale=lambda channels, heads: channels**0.5),  # of all heads together
        variant(scale=lambda channels, heads: channels / heads),  # no root
        variant(diagonal=1),  # sees the next token
        variant(diagonal=-1),  # does not see itself
        variant(hide=False),
        variant(after=True),
        variant(axis=-2),
        variant(split=lambda x, heads: x.reshape(heads, len(x), -1)),  # mixes time and channels
        variant(join=False),  # heads joined in the wrong order
        variant(safe=False),  # overflows
        lambda q, k, v, heads: causal_heads(q, k, v, 1),  # one head
        lambda q, k, v, heads: causal_heads(q, v, k, heads),  # keys and values exchanged
        lambda q, k, v, heads: causal_heads(k, q, v, heads),  # keys ask
    ],
)
def test_causal_heads_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter08.check_causal_heads(wrong)


def keep_top_p(probabilities, p):
    ordered, tokens = probabilities.sort(descending=True, stable=True)
    kept = ordered * (ordered.cumsum(dim=0) - ordered < p)
    result = torch.zeros_like(probabilities)
    result[tokens] = kept / kept.sum()
    return result


def test_keep_top_p_accepts(capsys):
    chapter08.check_keep_top_p(keep_top_p)
    assert "Right: 8" in capsys.readouterr().out


def reaching_left_out(probabilities, p):
    ordered, tokens = probabilities.sort(descending=True)
    kept = ordered * (ordered.cumsum(dim=0) <= p)
    return torch.zeros_like(probabilities).scatter(0, tokens, kept / kept.sum())


def not_renormalised(probabilities, p):
    return torch.where(keep_top_p(probabilities, p) > 0, probabilities, 0.0)


def threshold(probabilities, p):
    kept = probabilities * (probabilities >= 1 - p)
    return kept / kept.sum()


def in_sorted_order(probabilities, p):
    return keep_top_p(probabilities, p).sort(descending=True).values


def rarest_first(probabilities, p):
    ordered, tokens = probabilities.sort()
    kept = ordered * (ordered.cumsum(dim=0) - ordered < p)
    return torch.zeros_like(probabilities).scatter(0, tokens, kept / kept.sum())


def one_too_many_at_equality(probabilities, p):
    ordered, tokens = probabilities.sort(descending=True, stable=True)
    kept = ordered * (ordered.cumsum(dim=0) - ordered <= p)
    return torch.zeros_like(probabilities).scatter(0, tokens, kept / kept.sum())


def all_that_tie(probabilities, p):
    ordered = probabilities.sort(descending=True).values
    last = ordered[(ordered.cumsum(dim=0) - ordered < p).sum() - 1]
    kept = probabilities * (probabilities >= last)
    return kept / kept.sum()


def without_sorting(probabilities, p):
    kept = probabilities * (probabilities.cumsum(dim=0) - probabilities < p)
    return kept / kept.sum()


@pytest.mark.parametrize(
    "wrong",
    [
        reaching_left_out,
        not_renormalised,
        threshold,
        in_sorted_order,
        rarest_first,
        one_too_many_at_equality,
        all_that_tie,
        without_sorting,
        lambda probabilities, p: probabilities,
    ],
)
def test_keep_top_p_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter08.check_keep_top_p(wrong)


def test_stubs_are_not_attempted(capsys):
    chapter08.check_costs(..., ..., ...)
    chapter08.check_causal_heads(lambda q, k, v, heads: ...)
    chapter08.check_keep_top_p(lambda probabilities, p: ...)
    chapter08.check_keep_top_p(...)
    assert capsys.readouterr().out.count("Not attempted yet") == 6
