"""BERT equals transformers'; hiding tokens follows the recipe."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm.bert import BERT, IGNORED, BERTConfig, hide_tokens


def peer(**options):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=50, max_position_embeddings=16, **options,
    )  # fmt: skip
    return transformers.BertForMaskedLM(config).eval()


def test_logits_equal_transformers():
    model = peer()
    for weight in model.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    own, model = BERT.from_transformers(model).double(), model.double()
    ids = torch.randint(40, (3, 16))
    present = torch.arange(16) < torch.tensor([[16], [9], [1]])
    segment = (torch.arange(16) > 5).long().expand(3, 16)
    expected = model(ids, attention_mask=present.long(), token_type_ids=segment).logits
    torch.testing.assert_close(
        own(ids, present, segment)[present], expected[present], rtol=1e-5, atol=1e-8
    )
    torch.testing.assert_close(own(ids[:1]), model(ids[:1]).logits, rtol=1e-5, atol=1e-8)


def test_every_position_sees_the_whole_text_and_no_filling():
    torch.manual_seed(0)
    model = BERT(BERTConfig(vocab_size=40, context=8, channels=16, heads=2, layers=1)).eval()
    ids = torch.randint(40, (1, 8))
    changed = ids.clone()
    changed[:, 7] = (changed[:, 7] + 1) % 40
    assert not torch.allclose(model(ids)[:, 0], model(changed)[:, 0])
    present = torch.arange(8)[None] < 7
    torch.testing.assert_close(model(ids, present)[:, :7], model(changed, present)[:, :7])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999), share=st.floats(0.05, 1))
def test_hidden_tokens_are_a_share_and_the_rest_is_untouched(seed, share):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(2, 50, (8, 400), generator=generator)
    inputs, targets = hide_tokens(ids, 1, 50, generator, share=share, keep=(7,))
    chosen = targets != IGNORED
    assert torch.equal(targets[chosen], ids[chosen])
    assert torch.equal(inputs[~chosen], ids[~chosen])
    assert not chosen[ids == 7].any()
    n, error = int((ids != 7).sum()), 5 * (share * 3200) ** 0.5
    assert abs(int(chosen.sum()) - share * n) < error
    assert abs(int((inputs[chosen] == 1).sum()) - 0.8 * share * n) < error
    assert abs(int((inputs[chosen] == ids[chosen]).sum()) - 0.1 * share * n) < error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BERT.from_transformers(peer(hidden_act="relu")), "hidden_act is 'relu'"),
        (lambda: BERT(BERTConfig(9))(torch.zeros(1, 300, dtype=torch.long)), "context of 256"),
        (lambda: BERT(BERTConfig(9))(torch.zeros(0, dtype=torch.long)), r"expected \(batch, time"),
        (lambda: hide_tokens(torch.ones(3), 0, 5, None, share=0), "share is 0"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
