"""Recurrent layers equal PyTorch's, in outputs and gradients, also on padded batches."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ravm_course.nn import GRU, LSTM, RNN

PAIRS = {"rnn": (RNN, torch.nn.RNN), "lstm": (LSTM, torch.nn.LSTM), "gru": (GRU, torch.nn.GRU)}


def twins(kind, *sizes, **options):
    """Return our layer and PyTorch's with the same weights, in double precision."""
    own, peer = PAIRS[kind]
    torch.manual_seed(0)
    peer = peer(*sizes, batch_first=True, **options).double()
    own = own(*sizes, **options).double()
    own.load_state_dict(peer.state_dict())
    return own, peer


def tensors(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("bidirectional", [False, True])
@settings(max_examples=8, deadline=None)
@given(batch=st.integers(1, 4), time=st.integers(1, 9), layers=st.integers(1, 3))
def test_outputs_and_gradients_equal_pytorch(kind, bidirectional, batch, time, layers):
    own, peer = twins(kind, 3, 5, layers, bidirectional=bidirectional)
    inputs = torch.randn(batch, time, 3, dtype=torch.float64)
    begin = torch.randn(layers * (1 + bidirectional), batch, 5, dtype=torch.float64)
    state = (begin, begin.tanh()) if kind == "lstm" else begin
    results = []
    for layer in (own, peer):
        x = inputs.clone().requires_grad_()
        output, end = layer(x, state)
        weight = torch.linspace(-1, 1, output.numel(), dtype=torch.float64).view_as(output)
        ((output * weight).sum() + sum(s.square().sum() for s in tensors(end))).backward()
        results.append((output, *tensors(end), x.grad, *(p.grad for p in layer.parameters())))
        layer.zero_grad()
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padded_batches_equal_packed_ones(kind, bidirectional):
    own, peer = twins(kind, 3, 5, 2, bidirectional=bidirectional)
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    lengths = torch.tensor([7, 1, 4, 6])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected, expected_end = peer(packed)
    expected, _ = pad_packed_sequence(expected, batch_first=True)
    output, end = own(x, lengths=lengths)
    torch.testing.assert_close(output, expected)
    for ours, theirs in zip(tensors(end), tensors(expected_end), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("kind", PAIRS)
def test_a_text_in_two_parts_is_the_text(kind):
    own, _ = twins(kind, 3, 5)
    x = torch.randn(2, 8, 3, dtype=torch.float64)
    whole, _ = own(x)
    first, state = own(x[:, :3])
    second, _ = own(x[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


@pytest.mark.parametrize("kind", PAIRS)
def test_starts_as_pytorch_does(kind):
    own, peer = PAIRS[kind]
    torch.manual_seed(3)
    ours = own(4, 6, 2, bidirectional=True)
    torch.manual_seed(3)
    theirs = peer(4, 6, 2, bidirectional=True)
    for (name, a), (other, b) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert name == other
        assert torch.equal(a, b)


def test_dropout_between_layers_only_in_training():
    layer = LSTM(3, 50, 2, dropout=0.5)
    x = torch.randn(2, 4, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LSTM(0, 4), "input_size is 0"),
        (lambda: GRU(3, 4, dropout=1.0), "dropout is 1.0"),
        (lambda: RNN(3, 4)(torch.zeros(2, 5, 4)), r"expected \(batch, time, 3\)"),
        (lambda: RNN(3, 4)(torch.zeros(2, 0, 3)), "at least one step"),
        (lambda: LSTM(3, 4)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 4)), "expected 2 of"),
        (lambda: GRU(3, 4)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 5)), r"\(1, 2, 4\)"),
        (lambda: RNN(3, 4)(torch.zeros(2, 5, 3), lengths=torch.tensor([5, 6])), "at most 5"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
