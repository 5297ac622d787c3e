"""Writing greedily, by chance and by beam agree with each other and with the model's scores."""

import pytest
import torch

from ravm_course.data.pairs import BEGIN, END, PAD, pair_batch
from ravm_course.lm.seq2seq import Seq2Seq, Seq2SeqConfig
from ravm_course.lm.translate import pair_loss, search, write

SOURCE, LENGTHS = torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0], [4, 4, 4, 0]]), torch.tensor([4, 2, 3])


def small(scale=1.0):
    torch.manual_seed(0)
    model = Seq2Seq(Seq2SeqConfig(source_size=12, target_size=7, channels=16)).eval()
    with torch.no_grad():
        model.out.weight *= scale
        model.out.bias[PAD] = -1e9  # as in a trained model, which never expects it
    return model


def scored(model, source, lengths, texts):
    """Return the log-probability of each text and its end, by the loss."""
    return [
        -pair_loss(model, pair_batch([(source[i, : lengths[i]].tolist(), text)])).item()
        * (len(text) + 1)
        for i, text in enumerate(texts)
    ]


@pytest.mark.parametrize("temperature", [0.0, 1.0, 3.0])
def test_log_probs_are_those_of_the_loss(temperature):
    model = small(5.0)
    generator = torch.Generator().manual_seed(1)
    out = write(model, SOURCE, LENGTHS, temperature=temperature, generator=generator)
    ended = (out.tokens == END).any(dim=1)
    assert ended.any()
    expected = torch.tensor(scored(model, SOURCE, LENGTHS, out.texts()), dtype=torch.float64)
    torch.testing.assert_close(out.log_probs[ended], expected[ended], rtol=1e-4, atol=1e-4)


def test_a_text_does_not_depend_on_its_neighbours():
    model = small(5.0)
    together = write(model, SOURCE, LENGTHS, max_tokens=9).texts()
    alone = [
        write(model, SOURCE[i : i + 1, : LENGTHS[i]], max_tokens=9).texts()[0] for i in range(3)
    ]
    assert together == alone


def test_behind_the_end_is_nothing():
    out = write(small(5.0), SOURCE, LENGTHS, temperature=2.0, max_tokens=30)
    for row, text in zip(out.tokens, out.texts(), strict=True):
        assert (row[len(text) + 1 :] == PAD).all()
        assert END not in text


def test_forced_tokens_are_written_and_counted():
    model = small()
    forced = torch.tensor([[5, 6], [6, 5], [4, 4]])
    out = write(model, SOURCE, LENGTHS, max_tokens=3, forced=forced)
    assert torch.equal(out.tokens[:, :2], forced)
    given = torch.cat([torch.full((3, 1), BEGIN), forced], dim=1)
    with torch.no_grad():
        log_probs = model(SOURCE, given, LENGTHS).log_softmax(dim=2)
    expected = log_probs.gather(2, out.tokens[:, :3, None]).sum(dim=(1, 2)).double()
    torch.testing.assert_close(out.log_probs, expected, rtol=1e-5, atol=1e-5)


def test_sampling_follows_the_probabilities():
    model = small()
    many = SOURCE[:1].expand(4000, 4)
    out = write(model, many, temperature=1.0, max_tokens=1,
                generator=torch.Generator().manual_seed(0))  # fmt: skip
    with torch.no_grad():
        p = model(SOURCE[:1], torch.tensor([[BEGIN]])).softmax(dim=2)[0, 0]
    share = torch.bincount(out.tokens[:, 0], minlength=7) / 4000
    assert (share - p).abs().max() < 0.03


def test_search_of_width_one_is_greedy():
    model = small(5.0)
    for i in range(3):
        source = SOURCE[i, : LENGTHS[i]]
        greedy = write(model, source[None], max_tokens=8)
        (found,) = search(model, source, width=1, max_tokens=8)
        assert found.tokens == greedy.texts()[0]
        assert found.log_prob == pytest.approx(greedy.log_probs.item(), abs=1e-4)


def test_a_beam_of_all_beginnings_is_exhaustive_search():
    model = small(3.0)
    source, width = SOURCE[1, :2], 7**3
    found = [h for h in search(model, source, width=width, max_tokens=3) if h.ended]
    found = [h for h in found if PAD not in h.tokens]
    texts = [[], *([a] for a in range(7)), *([a, b] for a in range(7) for b in range(7))]
    texts = [t for t in texts if END not in t and PAD not in t]
    rows = source[None].expand(len(texts), 2)
    exact = []
    for row, text in zip(rows, texts, strict=True):
        with torch.no_grad():
            logits = model(row[None], torch.tensor([[BEGIN, *text]]))[0]
        exact.append(logits.log_softmax(1)[range(len(text) + 1), [*text, END]].sum().item())
    order = sorted(range(len(texts)), key=lambda i: -exact[i])
    assert [h.tokens for h in found] == [texts[i] for i in order]
    assert [h.log_prob for h in found] == pytest.approx([exact[i] for i in order], abs=1e-4)


def test_weights_can_be_replaced():
    model = small()
    own = write(model, SOURCE, LENGTHS, max_tokens=4)
    same = write(model, SOURCE, LENGTHS, max_tokens=4, reweigh=lambda w: w)
    torch.testing.assert_close(own.log_probs, same.log_probs)
    first = torch.zeros(3, 1, 4)
    first[:, :, 0] = 1
    out = write(model, SOURCE, LENGTHS, max_tokens=4, reweigh=lambda w: first)
    assert (out.weights[:, :, 0] == 1).all()
    assert not torch.allclose(out.log_probs, own.log_probs)


def test_memory_may_stand_in_any_order():
    model = small()
    at = model.read(SOURCE, LENGTHS)
    order = torch.tensor([2, 0, 3, 1])
    moved = type(at)(at.memory[:, order], at.present[:, order], at.hidden)
    tokens = torch.tensor([[BEGIN, 5]] * 3)
    logits, _, weights = model.write(tokens, at)
    moved_logits, _, moved_weights = model.write(tokens, moved)
    torch.testing.assert_close(moved_logits, logits)
    torch.testing.assert_close(moved_weights, weights[:, :, order])


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="max_tokens is 0"):
        write(small(), SOURCE, max_tokens=0)
    with pytest.raises(ValueError, match="room for 2 forced tokens"):
        write(small(), SOURCE, max_tokens=1, forced=torch.zeros(3, 2, dtype=torch.long))
