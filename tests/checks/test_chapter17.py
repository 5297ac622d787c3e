"""Each check of chapter 17 accepts the right answer and rejects what goes wrong in practice."""

import pytest
import torch
import torch.nn.functional as F

from ravm_course.checks import chapter17
from ravm_course.checks.compare import CheckFailed


def logits(images, texts, temperature):
    return F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature


def right(images, texts, temperature):
    s = logits(images, texts, temperature)
    rows = torch.logsumexp(s, 1) - s.diagonal()
    columns = torch.logsumexp(s, 0) - s.diagonal()
    return (rows + columns).mean() / 2


def rows_only(images, texts, temperature):
    s = logits(images, texts, temperature)
    return F.cross_entropy(s, torch.arange(len(s)))


def rows_twice(images, texts, temperature):  # softmax over the wrong axis for one direction
    s = logits(images, texts, temperature)
    answers = torch.arange(len(s))
    return (F.cross_entropy(s, answers) + F.cross_entropy(s.T.T, answers)) / 2


def softmax_over_everything(images, texts, temperature):
    s = logits(images, texts, temperature)
    return torch.logsumexp(s.flatten(), 0) - s.diagonal().mean()


def no_temperature(images, texts, temperature):
    return right(images, texts, 1.0)


def times_temperature(images, texts, temperature):
    return right(images, texts, 1 / temperature)


def not_normalised(images, texts, temperature):
    s = images @ texts.T / temperature
    answers = torch.arange(len(s))
    return (F.cross_entropy(s, answers) + F.cross_entropy(s.T, answers)) / 2


def normalised_over_the_batch(images, texts, temperature):
    s = F.normalize(images, dim=0) @ F.normalize(texts, dim=0).T / temperature
    answers = torch.arange(len(s))
    return (F.cross_entropy(s, answers) + F.cross_entropy(s.T, answers)) / 2


def summed_not_averaged(images, texts, temperature):
    return right(images, texts, temperature) * 2


def soft_targets(images, texts, temperature):
    """Compute what a well-known simple implementation has."""
    s = texts @ images.T / temperature
    targets = F.softmax((images @ images.T + texts @ texts.T) / 2 * temperature, dim=-1)
    columns = (-targets.T * F.log_softmax(s.T, dim=-1)).sum(1)
    return ((-targets * F.log_softmax(s, dim=-1)).sum(1) + columns).mean() / 2


def soft_targets_on_unit_vectors(images, texts, temperature):
    return soft_targets(F.normalize(images, dim=1), F.normalize(texts, dim=1), temperature)


def test_accepts_the_right_loss(capsys):
    chapter17.check_contrastive_loss(right)
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    "wrong",
    [
        rows_only,
        rows_twice,
        softmax_over_everything,
        no_temperature,
        times_temperature,
        not_normalised,
        normalised_over_the_batch,
        summed_not_averaged,
        soft_targets,
        soft_targets_on_unit_vectors,
        lambda images, texts, temperature: right(images, texts, temperature).item() + 1e-3,
    ],
)
def test_rejects_wrong_losses(wrong):
    with pytest.raises(CheckFailed):
        chapter17.check_contrastive_loss(wrong)


def test_two_pairs():
    # (ln(1 + e^-3) + ln(1 + e^-1) + 2 ln(1 + e^-2)) / 4
    chapter17.check_two_pairs(0.15393)
    chapter17.check_two_pairs(0.154)


@pytest.mark.parametrize(
    "wrong",
    [
        0.1809,  # rows only
        0.1269,  # columns only
        0.6157,  # the sum of the four
        0.3079,  # the sum of the two directions
        0.5483,  # without the temperature
        -0.15393,
        float("nan"),
    ],
)
def test_two_pairs_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter17.check_two_pairs(wrong)


def test_class_weights(capsys):
    chapter17.check_class_weights(lambda texts: F.normalize(texts.sum(1), dim=-1))
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda texts: texts.mean(1),  # not brought back to unit length
        lambda texts: F.normalize(texts.mean(0), dim=-1),  # mean over the classes
        lambda texts: F.normalize(texts.mean(1), dim=0),  # length over the classes
        lambda texts: texts[:, 0],  # the first template only
        lambda texts: F.normalize(texts.mean(1), dim=-1)[0],
        lambda texts: F.softmax(texts.mean(1), dim=-1),
    ],
)
def test_class_weights_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter17.check_class_weights(wrong)


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (chapter17.check_contrastive_loss, "contrastive_loss"),
        (chapter17.check_class_weights, "class_vectors"),
    ],
)
def test_a_stub_is_not_an_error(check, name, capsys):
    def stub(*arguments):
        return ...

    stub.__name__ = name
    check(stub)
    assert f"Not attempted yet: write {name}" in capsys.readouterr().out
