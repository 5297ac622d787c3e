"""Each check of chapter 24 accepts the right answer and rejects what goes wrong in practice."""

import math

import pytest
import torch
import torch.nn.functional as F

from ravm_course.checks import chapter24
from ravm_course.checks.compare import CheckFailed


def test_accepts_the_right_lead(capsys):
    lead = 1.5 + 3 * 2 * math.exp(-0.6) - 1.0 - 3 * math.exp(-0.2)
    for answer in (lead, round(lead, 3), torch.tensor(lead)):
        chapter24.check_cache_on_paper(answer)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (-1.3366, "asked is B minus A"),
        (0.7789, "leaves out alpha"),
        (0.8366, "the names speak as well"),
        (-0.3098, "the cache adds up"),
        (0.5 + 3 * (2 * math.exp(0.6) - math.exp(0.2)), "sign of the exponent"),
        (0.5 + 3 * (2 * math.exp(1.4) - math.exp(1.8)), "is 1 at most"),
        (2.0, "through the exponential"),
        (1.34, "right to two decimals"),
        (1.2, "A gets 1.0"),
    ],
)
def test_names_the_slip(wrong, message):
    with pytest.raises(CheckFailed, match=message):
        chapter24.check_cache_on_paper(wrong)


def cache(features, weights, keys, labels, scale, alpha, beta, *, exponent=None, classes=None):
    near = features @ keys.T
    heard = (-beta * (1 - near)).exp() if exponent is None else exponent(near, beta)
    values = F.one_hot(labels, classes or len(weights)).to(heard.dtype)
    return scale * features @ weights.T + alpha * heard @ values


def averaged(features, weights, keys, labels, scale, alpha, beta):
    text = scale * features @ weights.T
    heard = cache(features, weights, keys, labels, 0, 1, beta)
    counts = torch.bincount(labels, minlength=len(weights)).clamp(min=1)
    return text + alpha * heard / counts


def loudest_only(features, weights, keys, labels, scale, alpha, beta):
    heard = (-beta * (1 - features @ keys.T)).exp()
    best = torch.zeros(len(features), len(weights), dtype=heard.dtype)
    index = labels.expand(len(features), -1)
    return scale * features @ weights.T + alpha * best.scatter_reduce(1, index, heard, "amax")


def softmax_over_keys(features, weights, keys, labels, scale, alpha, beta):
    return cache(
        features,
        weights,
        keys,
        labels,
        scale,
        alpha,
        beta,
        exponent=lambda x, b: (b * x).softmax(1),
    )


def no_scale(features, weights, keys, labels, scale, alpha, beta):
    return cache(features, weights, keys, labels, 1.0, alpha, beta)


def alpha_on_the_names(features, weights, keys, labels, scale, alpha, beta):
    return cache(features, weights, keys, labels, scale * alpha, 1.0, beta)


def wrong_sign(features, weights, keys, labels, scale, alpha, beta):
    return cache(features, weights, keys, labels, scale, alpha, -beta)


def exponential_of_the_cosine(features, weights, keys, labels, scale, alpha, beta):
    return cache(
        features, weights, keys, labels, scale, alpha, beta, exponent=lambda x, b: (b * x).exp()
    )


def classes_by_the_labels(features, weights, keys, labels, scale, alpha, beta):
    return cache(features, weights, keys, labels, scale, alpha, beta, classes=int(labels.max()) + 1)


def distance_squared(features, weights, keys, labels, scale, alpha, beta):
    return cache(features, weights, keys, labels, scale, alpha, 2 * beta)


def test_accepts_the_right_cache(capsys):
    chapter24.check_cache_logits(cache)
    assert capsys.readouterr().out.startswith("Right: 5 cases agree")


@pytest.mark.parametrize(
    "wrong",
    [
        averaged,
        loudest_only,
        softmax_over_keys,
        no_scale,
        alpha_on_the_names,
        wrong_sign,
        exponential_of_the_cosine,
        classes_by_the_labels,
        distance_squared,
    ],
)
def test_rejects_wrong_caches(wrong, capsys):
    with pytest.raises(CheckFailed, match=r"case \d of 5 disagrees"):
        chapter24.check_cache_logits(wrong)
    assert capsys.readouterr().out == ""


def test_rejects_a_cache_that_writes_into_the_store():
    def in_place(features, weights, keys, labels, scale, alpha, beta):
        came = cache(features, weights, keys, labels, scale, alpha, beta)
        keys.mul_(2)
        return came

    with pytest.raises(CheckFailed, match="`keys` was changed"):
        chapter24.check_cache_logits(in_place)


def prototypes(features, keys, labels, classes, *, unit=True, empty=-math.inf, mean=True):
    rows = []
    for c in range(classes):
        some = keys[labels == c]
        if not len(some):
            rows.append(torch.full((len(features),), empty, dtype=keys.dtype))
            continue
        row = some.mean(0) if mean else some[0]
        rows.append(features @ (row / row.norm() if unit else row))
    return torch.stack(rows, dim=1)


def test_accepts_the_right_prototypes(capsys):
    chapter24.check_prototypes(prototypes)
    assert capsys.readouterr().out.startswith("Right: 3 cases agree")


@pytest.mark.parametrize(
    "options", [{"unit": False}, {"empty": 0.0}, {"empty": math.nan}, {"mean": False}]
)
def test_rejects_wrong_prototypes(options):
    def wrong(features, keys, labels, classes):
        return prototypes(features, keys, labels, classes, **options)

    with pytest.raises(CheckFailed, match=r"case \d of 3 disagrees"):
        chapter24.check_prototypes(wrong)


@pytest.mark.parametrize("name", ["features", "keys"])
def test_rejects_prototypes_that_change_what_they_were_given(name):
    def in_place(features, keys, labels, classes):
        came = prototypes(features, keys, labels, classes)
        {"features": features, "keys": keys}[name].zero_()
        return came

    with pytest.raises(CheckFailed, match=f"`{name}` was changed"):
        chapter24.check_prototypes(in_place)


def test_not_attempted(capsys):
    chapter24.check_cache_on_paper(...)
    chapter24.check_cache_logits(lambda *a: ...)
    chapter24.check_prototypes(lambda *a: ...)
    assert capsys.readouterr().out.count("Not attempted yet") == 3
