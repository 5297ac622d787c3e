"""The three exercises of one text cost what they should, and what ships has learned something."""

import pytest
import torch

from ravm_course.data import load_speeches
from ravm_course.data.sentences import speech_split
from ravm_course.lm.objectives import IGNORED
from ravm_course.lm.pretraining import (
    KINDS,
    MARKS,
    TOKENS,
    WINDOW,
    exercise,
    exercise_loss,
    load_pretrained,
    new_model,
    text_loss,
    windows_of,
    with_left_token,
    without_attention,
)
from ravm_course.nn.transformer import count_parameters
from ravm_course.training import shipped_facts

END = 290


def batch_of(kind, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return exercise(kind, torch.randint(END, (4, WINDOW), generator=chance), chance, END)


@pytest.mark.parametrize("kind", KINDS)
def test_every_exercise_has_a_loss_and_a_gradient_for_what_is_used(kind):
    model = new_model(kind, END + 1 + MARKS)
    loss = exercise_loss(END)(model, batch_of(kind))
    loss.backward()
    unused = [name for name, p in model.named_parameters() if p.grad is None]
    assert unused == []
    assert loss.isfinite()


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_text_is_that_of_the_targets_without_marks(kind):
    model = new_model(kind, END + 1 + MARKS).eval()
    inputs, targets = batch_of(kind)
    each = text_loss(model, (inputs, targets), END)
    assert len(each) == int(((targets != IGNORED) & (targets <= END)).sum())
    if kind != "t5":  # no marks among the targets: the mean is the loss, up to its rounding
        torch.testing.assert_close(
            each.mean(), exercise_loss(END)(model, (inputs, targets)).detach(), rtol=0.01, atol=0
        )


def test_models_are_of_about_one_size_and_depend_on_the_seed():
    sizes = [count_parameters(new_model(kind, TOKENS + 1 + MARKS)) for kind in KINDS]
    assert max(sizes) < 1.12 * min(sizes)
    first, same, other = (new_model("gpt", 99, seed=seed).token.weight for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_windows_come_from_everywhere_in_the_text():
    stream = torch.arange(WINDOW + 2)
    windows = windows_of(stream, torch.Generator().manual_seed(0), 50)
    assert set(windows[:, 0].tolist()) == {0, 1, 2}
    assert torch.equal(windows - windows[:, :1], torch.arange(WINDOW).expand(50, -1))


def test_without_attention_a_position_sees_itself_alone_and_the_left_token_if_given():
    model = new_model("bert", 99).eval()
    without_attention(model)
    ids = torch.randint(99, (1, 8))
    changed = ids.clone()
    changed[0, 3] = (changed[0, 3] + 1) % 99
    differs = (model(ids) != model(changed)).any(dim=2)[0]
    assert differs.tolist() == [i == 3 for i in range(8)]
    with_left_token(model)
    differs = (model(ids) != model(changed)).any(dim=2)[0]
    assert differs.tolist() == [i in (3, 4) for i in range(8)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_ships_reads_training_speeches_alone_and_beats_the_frequencies(kind):
    model, speeches = load_pretrained(kind)
    years = tuple(speech.year for speech in speech_split(load_speeches())[0])
    assert speeches.train.years == years
    facts = shipped_facts(f"objective-{kind}")
    assert facts["tokens_read"] == 2500 * 16 * WINDOW
    chance = torch.Generator().manual_seed(5)
    windows = windows_of(speeches.validation.stream(), chance, 64)
    loss = text_loss(model, exercise(kind, windows, chance, speeches.end), speeches.end).mean()
    recorded = facts["validation"][-1]["loss"]
    assert abs(float(loss) - recorded) < 0.3
    assert recorded < facts["validation_loss_of_unigram"] - 0.5


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="kind is 'elmo'"):
        new_model("elmo", 9)
    with pytest.raises(ValueError, match="kind is 'elmo'"):
        exercise("elmo", torch.zeros(1, 9), torch.Generator(), 5)
    with pytest.raises(ValueError, match="a window needs 64"):
        windows_of(torch.arange(9), torch.Generator())
