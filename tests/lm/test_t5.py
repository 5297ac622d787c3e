"""T5 equals transformers', filled up or not, at every length; wrong input is named."""

import pytest
import torch

from ravm_course.lm.t5 import T5, T5Config


def peer(**options):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=40, d_model=24, d_kv=8, num_heads=3, d_ff=50, num_layers=2, **options
    )
    return transformers.T5ForConditionalGeneration(config).eval()


def test_logits_equal_transformers():
    model = peer()
    for weight in model.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    own, model = T5.from_transformers(model).double(), model.double()
    source, target = torch.randint(40, (3, 150)), torch.randint(40, (3, 140))
    present = torch.arange(150) < torch.tensor([[150], [60], [1]])
    expected = model(
        input_ids=source, attention_mask=present.long(), decoder_input_ids=target
    ).logits
    # its norms are computed in single precision
    torch.testing.assert_close(own(source, target, present), expected, rtol=1e-5, atol=2e-6)


def test_the_decoder_sees_no_future_and_the_encoder_does():
    torch.manual_seed(0)
    model = T5(T5Config(vocab_size=20, channels=16, heads=2, layers=2, hidden=32)).eval()
    source, target = torch.randint(20, (1, 6)), torch.randint(20, (1, 6))
    later = target.clone()
    later[:, 4:] = (later[:, 4:] + 1) % 20
    torch.testing.assert_close(model(source, target)[:, :4], model(source, later)[:, :4])
    other = source.clone()
    other[:, 5] = (other[:, 5] + 1) % 20
    assert not torch.allclose(model(source, target)[:, 0], model(other, target)[:, 0])


@pytest.mark.parametrize(("read", "written"), [(1, 1), (2, 300), (300, 2)])
def test_logits_equal_transformers_at_every_length(read, written):
    """Distances beyond the farthest bucket included."""
    model = peer()
    own, model = T5.from_transformers(model).double(), model.double()
    source, target = torch.randint(40, (2, read)), torch.randint(40, (2, written))
    expected = model(input_ids=source, decoder_input_ids=target).logits
    torch.testing.assert_close(own(source, target), expected, rtol=1e-5, atol=2e-6)


def test_filling_up_the_source_changes_nothing():
    torch.manual_seed(0)
    model = T5(T5Config(vocab_size=20, channels=16, heads=2, layers=2, hidden=32)).double().eval()
    source, target = torch.randint(20, (2, 6)), torch.randint(20, (2, 4))
    filled = torch.cat([source, torch.full((2, 5), 7)], dim=1)
    present = torch.arange(11).expand(2, 11) < 6
    torch.testing.assert_close(model(filled, target, present), model(source, target))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: T5.from_transformers(peer(feed_forward_proj="gated-gelu")),
            "feed_forward_proj is 'gated-gelu'",
        ),
        (lambda: T5(T5Config(9, heads=3)), "3 heads do not divide 128"),
        (
            lambda: T5(T5Config(9)).encode(torch.zeros(1, 0, dtype=torch.long)),
            "source has shape",
        ),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
