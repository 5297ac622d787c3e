"""Sequence to sequence: padding is not seen, steps equal the whole, a toy is learned."""

import pytest
import torch
import torch.nn.functional as F

from ravm_course.lm.seq2seq import Seq2Seq, Seq2SeqConfig


def small(**options):
    torch.manual_seed(0)
    return Seq2Seq(Seq2SeqConfig(source_size=12, target_size=9, channels=16, **options)).eval()


def test_filling_changes_nothing():
    model = small()
    source, target = torch.randint(12, (1, 5)), torch.randint(9, (1, 4))
    filled = torch.cat([source, torch.full((1, 3), 11)], dim=1)
    torch.testing.assert_close(
        model(filled, target, torch.tensor([5])), model(source, target), rtol=1e-5, atol=1e-6
    )


def test_step_by_step_equals_all_at_once():
    model = small()
    source, target = torch.randint(12, (2, 5)), torch.randint(9, (2, 4))
    at, pieces = model.read(source), []
    for token in target.split(1, dim=1):
        logits, at, _ = model.write(token, at)
        pieces.append(logits)
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(source, target))


def test_weights_are_on_what_is_there_and_sum_to_one():
    model = small()
    at = model.read(torch.randint(12, (2, 5)), torch.tensor([5, 2]))
    weights = model.write(torch.randint(9, (2, 4)), at)[2]
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(2, 4))
    assert (weights[1, :, 2:] == 0).all()
    assert (weights[0] > 0).all()


def test_rows_can_be_picked():
    model = small()
    at = model.read(torch.randint(12, (3, 5)))
    rows = torch.tensor([2, 2, 0])
    tokens = torch.tensor([[1], [1], [1]])
    torch.testing.assert_close(
        model.write(tokens, at.select(rows))[0], model.write(tokens, at)[0][rows]
    )


def test_looking_makes_reversal_learnable_in_moments():
    losses = {}
    for looks in (True, False):
        model = small(looks=looks).train()
        generator = torch.Generator().manual_seed(1)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(150):
            source = torch.randint(2, 9, (32, 8), generator=generator)
            target = source.flip(1)
            given = F.pad(target[:, :-1], (1, 0), value=1)
            loss = F.cross_entropy(model(source, given).flatten(0, 1), target.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[looks] = loss.item()
    assert losses[True] < 0.5 * losses[False]


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="channels is 7, expected an even number"):
        Seq2Seq(Seq2SeqConfig(5, 5, channels=7))
    with pytest.raises(ValueError, match="source has shape"):
        small().read(torch.zeros(2, 0, dtype=torch.long))
