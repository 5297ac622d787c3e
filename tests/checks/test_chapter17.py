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
def test_rejects_wrong_losses(wrong, capsys):
    with pytest.raises(CheckFailed, match=r"case \d of 5 disagrees"):
        chapter17.check_contrastive_loss(wrong)
    assert capsys.readouterr().out == "", "nothing is called right before all of it is checked"


def as_a_number(images, texts, temperature):
    return right(images, texts, temperature).item()


def detached(images, texts, temperature):
    return right(images, texts, temperature).detach()


def wrapped_anew(images, texts, temperature):
    return torch.tensor(right(images, texts, temperature).item(), requires_grad=True)


def without_gradients(images, texts, temperature):
    with torch.no_grad():
        return right(images, texts, temperature)


def by_numpy(images, texts, temperature):
    images, texts = (torch.from_numpy(x.detach().numpy()) for x in (images, texts))
    return right(images, texts, temperature)


def texts_detached(images, texts, temperature):
    return right(images, texts.detach(), temperature)


def images_detached(images, texts, temperature):
    return right(images.detach(), texts, temperature)


def lengths_detached(images, texts, temperature):
    images = images / images.norm(dim=1, keepdim=True).detach()
    return right_of_unit(images, texts / texts.norm(dim=1, keepdim=True), temperature)


def negatives_detached(images, texts, temperature):
    """Treat the other side of each direction as constants, as a plain gather does."""
    u, v = F.normalize(images, dim=1), F.normalize(texts, dim=1)
    own = torch.arange(len(u))
    rows = F.cross_entropy(u @ v.detach().T / temperature, own)
    return (rows + F.cross_entropy(v @ u.detach().T / temperature, own)) / 2


def right_of_unit(u, v, temperature):
    s, own = u @ v.T / temperature, torch.arange(len(u))
    return (F.cross_entropy(s, own) + F.cross_entropy(s.T, own)) / 2


def normalises_in_place(images, texts, temperature):
    images /= images.norm(dim=1, keepdim=True)
    return right(images, texts, temperature)


def normalises_texts_in_place(images, texts, temperature):
    texts[:] = F.normalize(texts, dim=1)
    return right(images, texts, temperature)


def scales_in_place(images, texts, temperature):
    return right(images.mul_(1 / temperature), texts, temperature)


def plain_exponentials(images, texts, temperature):
    e = logits(images, texts, temperature).exp()
    rows, columns = e.diagonal() / e.sum(1), e.diagonal() / e.sum(0)
    return -(rows.log() + columns.log()).mean() / 2


def logarithm_of_a_softmax(images, texts, temperature):
    s = logits(images, texts, temperature)
    return -(s.softmax(1).diagonal().log() + s.softmax(0).diagonal().log()).mean() / 2


def a_small_number_added(images, texts, temperature):
    s = logits(images, texts, temperature)
    p, q = s.softmax(1).diagonal(), s.softmax(0).diagonal()
    return -((p + 1e-12).log() + (q + 1e-12).log()).mean() / 2


def gradient_overflows(images, texts, temperature):
    """Choose the stable value where the plain one fails; its gradient is NaN all the same."""
    plain, stable = (f(images, texts, temperature) for f in (plain_exponentials, right))
    return torch.where(plain.isfinite(), plain, stable)


def only_in_double(images, texts, temperature):
    s = logits(images, texts, temperature)
    own = torch.eye(len(s), dtype=torch.float64)
    return right(images, texts, temperature) + 0 * (own @ s).sum()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (as_a_number, "it is a float that does not know how it was computed"),
        (detached, "it is a Tensor that does not know how it was computed"),
        (without_gradients, "it is a Tensor that does not know how it was computed"),
        (by_numpy, "does not know how it was computed"),
        (wrapped_anew, "no gradient reaches `images`"),
        (images_detached, "no gradient reaches `images`"),
        (texts_detached, "no gradient reaches `texts`"),
        (lengths_detached, "its gradient for `images` is not"),
        (negatives_detached, "its gradient for `images` is not"),
        (normalises_in_place, "`images` is no longer what it was before the call"),
        (normalises_texts_in_place, "`texts` is no longer what it was before the call"),
        (scales_in_place, "`images` is no longer what it was before the call"),
        (plain_exponentials, "right in float64, but nan differs.*logsumexp"),
        (logarithm_of_a_softmax, "right in float64, but inf differs.*logsumexp"),
        (a_small_number_added, "right in float64, but .* differs.*logsumexp"),
        (gradient_overflows, "its gradient is not finite in float32.*logsumexp"),
        (only_in_double, "with float32 tensors it raised RuntimeError"),
    ],
)
def test_rejects_a_loss_that_is_right_in_value_only(wrong, message, capsys):
    with pytest.raises(CheckFailed, match=message):
        chapter17.check_contrastive_loss(wrong)
    assert capsys.readouterr().out == "", "nothing is called right before all of it is checked"


def test_two_pairs():
    # (ln(1 + e^-3) + ln(1 + e^-1) + 2 ln(1 + e^-2)) / 4
    chapter17.check_two_pairs(0.15393)
    chapter17.check_two_pairs(0.154)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (0.181, "mean over the rows alone"),
        (0.127, "mean over the columns alone"),
        (0.6157, "sum of the four terms"),
        (0.308, "sum of the two directions"),
        (0.5154, "leaves out the temperature"),
        (0.654, "multiplies by the temperature"),
        (-0.15393, "sign is wrong"),
        (0.2221, "base 2"),
        (0.0669, "base 10"),
        (0.857, "This is a probability"),
        (0.8613, "mean of four probabilities"),
        (0.1493, "logarithm of a mean"),
        (torch.tensor(0.6157), "sum of the four terms"),
        (0.2, "Multiply the similarities by 5"),
        (float("nan"), "Multiply the similarities by 5"),
        ("0.154", "is a text"),
    ],
)
def test_two_pairs_rejects_and_says_what_was_forgotten(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
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
