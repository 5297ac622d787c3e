"""The recurrent language model: a state that is carried, a gradient that is cut, and scores."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm.recurrent import CELLS, RecurrentLM, RecurrentLMConfig, Windows, score_texts
from ravm_course.training import fit

PEERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def model_of(cell="lstm", vocab_size=11, seed=0, **options):
    torch.manual_seed(seed)
    config = RecurrentLMConfig(vocab_size, channels=8, cell=cell, **options)
    return RecurrentLM(config).double().eval()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("tied", [True, False])
def test_it_equals_pytorchs_layers_put_together(cell, tied):
    model = model_of(cell, layers=2, tied=tied)
    peer = PEERS[cell](8, 8, 2, batch_first=True).double()
    peer.load_state_dict(model.recurrent.state_dict())
    ids = torch.randint(11, (3, 9))
    expected = model.out(peer(model.token(ids))[0])
    torch.testing.assert_close(model(ids)[0], expected)
    assert (model.out.weight is model.token.weight) == tied
    assert model(ids)[0].shape == (3, 9, 11)


@pytest.mark.parametrize("cell", CELLS)
def test_the_first_loss_is_that_of_knowing_nothing(cell):
    model = model_of(cell, vocab_size=100)
    windows = Windows(torch.randint(100, (2000,)), batch=4, window=50)
    loss = windows.loss(model, windows.draw(torch.Generator()))
    assert loss.item() == pytest.approx(math.log(100), abs=0.2)


@pytest.mark.parametrize("cell", CELLS)
def test_the_future_does_not_change_the_past(cell):
    model = model_of(cell)
    ids = torch.randint(11, (1, 12))
    other = ids.clone()
    other[0, 7:] = (other[0, 7:] + 1) % 11
    before, after = model(ids)[0], model(other)[0]
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


@pytest.mark.parametrize("cell", CELLS)
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5), window=st.integers(1, 40))
def test_scores_do_not_depend_on_windows_or_on_other_texts(cell, lengths, window):
    model = model_of(cell).float()
    texts = [torch.randint(11, (n,)) for n in lengths]
    scores = score_texts(model, texts, begin=10, window=window)
    for text, score in zip(texts, scores, strict=True):
        read = torch.cat([torch.tensor([10]), text[:-1]])[None]
        with torch.no_grad():
            logs = model(read)[0].log_softmax(dim=2)[0]
        expected = logs.gather(1, text[:, None])[:, 0]
        torch.testing.assert_close(score, expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 60), batch=st.integers(1, 4), window=st.integers(1, 8))
def test_windows_follow_one_another_and_begin_again(n, batch, window):
    ids = torch.arange(n)
    if n // batch <= window:
        with pytest.raises(ValueError, match="more tokens than a window"):
            Windows(ids, batch, window)
        return
    windows = Windows(ids, batch, window)
    generator = torch.Generator()
    rows = n // batch
    starts = torch.arange(batch)[:, None] * rows
    for _ in range(2):  # twice through the text
        for begin in range(0, rows - window, window):
            expected = starts + torch.arange(begin, begin + window + 1)
            assert torch.equal(windows.draw(generator), expected)


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_goes_on_and_the_gradient_does_not(cell):
    model = model_of(cell)
    ids = torch.randint(11, (40,))
    windows = Windows(ids, batch=2, window=5)
    first = windows.draw(torch.Generator())
    windows.loss(model, first)
    kept = windows.state
    second = windows.draw(torch.Generator())
    loss = windows.loss(model, second)
    together = torch.cat([first[:, :-1], second[:, :-1]], dim=1)
    logits = model(together)[0][:, 5:]
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), second[:, 1:].flatten())
    torch.testing.assert_close(loss, expected)  # as if the text had been read in one piece
    for part in kept if isinstance(kept, tuple) else (kept,):
        assert not part.requires_grad
    loss.backward()
    cut = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    expected.backward()
    whole = [p.grad for p in model.parameters()]
    assert not all(torch.allclose(a, b) for a, b in zip(cut, whole, strict=True))


def test_behind_the_end_the_state_is_empty():
    windows = Windows(torch.arange(10), batch=1, window=4)
    model = model_of()
    for _ in range(2):
        windows.loss(model, windows.draw(torch.Generator()))
    assert windows.state is not None
    windows.draw(torch.Generator())
    assert windows.state is None


@pytest.mark.parametrize("cell", CELLS)
def test_it_learns_a_text_that_repeats(cell):
    torch.manual_seed(0)
    model = RecurrentLM(RecurrentLMConfig(vocab_size=5, channels=16, cell=cell))
    ids = torch.tensor([0, 1, 2, 0, 3, 4]).repeat(100)  # after 0 comes 1 or 3: memory is needed
    windows = Windows(ids, batch=4, window=12)
    history = fit(model, windows.loss, windows.draw, steps=150, lr=0.02, progress=False)
    assert history.losses[-1] < 0.05
    scores = score_texts(model, [ids[:60]], begin=4)[0]
    assert scores[1:].min() > math.log(0.8)


def test_dropout_acts_in_training_only():
    model = model_of(dropout=0.5)
    ids = torch.randint(11, (2, 4))
    assert torch.equal(model(ids)[0], model(ids)[0])
    model.train()
    assert not torch.equal(model(ids)[0], model(ids)[0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: model_of("elman"), ValueError, "cell is 'elman', expected one of rnn, lstm, gru"),
        (lambda: model_of(vocab_size=0), ValueError, "vocab_size is 0"),
        (lambda: model_of(layers=0), ValueError, "num_layers is 0"),
        (lambda: model_of()(torch.tensor([1, 2])), ValueError, r"expected \(batch, time\)"),
        (lambda: model_of()(torch.zeros(1, 0, dtype=int)), ValueError, "at least one token"),
        (lambda: model_of()(torch.tensor([[11]])), IndexError, "out of range"),
        (lambda: model_of()(torch.tensor([[1]]), torch.zeros(1, 1, 8)), ValueError, "expected 2"),
        (lambda: Windows(torch.zeros(2, 9), 1, 4), ValueError, "one text"),
        (lambda: Windows(torch.arange(9), 0, 4), ValueError, "batch is 0"),
        (lambda: score_texts(model_of(), [], begin=0), ValueError, "no texts"),
        (
            lambda: score_texts(model_of(), [torch.arange(3), torch.arange(0)], begin=0),
            ValueError,
            "at least one token",
        ),
    ],
)
def test_wrong_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
