"""T5 equals transformers'; cut spans can be put back."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm.t5 import T5, T5Config, cut_spans


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


@settings(max_examples=50, deadline=None)
@given(
    length=st.integers(2, 80),
    share=st.floats(0.01, 0.49),
    mean_length=st.floats(1, 10),
    seed=st.integers(0, 9999),
)
def test_cut_spans_can_be_put_back(length, share, mean_length, seed):
    ids, sentinels = list(range(length)), list(range(1000, 1100))
    generator = torch.Generator().manual_seed(seed)
    source, target = cut_spans(ids, sentinels, generator, share=share, mean_length=mean_length)
    places = [i for i, token in enumerate(target) if token >= 1000]
    spans = {target[a]: target[a + 1 : b] for a, b in pairwise(places)}
    whole = [t for token in source for t in spans.get(token, [token])]
    assert whole == ids
    assert sum(map(len, spans.values())) == max(1, round(share * length))
    assert all(spans.values())
    assert [t for t in source if t >= 1000] == sentinels[: len(spans)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: T5.from_transformers(peer(feed_forward_proj="gated-gelu")),
            "feed_forward_proj is 'gated-gelu'",
        ),
        (lambda: T5(T5Config(9, heads=3)), "3 heads do not divide 128"),
        (lambda: cut_spans([5], [90, 91], torch.Generator()), "1 tokens are too few"),
        (
            lambda: cut_spans([*range(60)], [90, 91], torch.Generator()),
            "3 holes need 4 sentinels, 2 were given",
        ),
        (
            lambda: T5(T5Config(9)).encode(torch.zeros(1, 0, dtype=torch.long)),
            "source has shape",
        ),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
