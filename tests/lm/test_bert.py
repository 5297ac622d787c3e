"""BERT equals transformers', filled up or not, at every length; wrong input is named."""

import pytest
import torch

from ravm_course.lm.bert import BERT, BERTConfig


def peer(**options):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=50, max_position_embeddings=100, **options,
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


def test_scoring_some_positions_equals_scoring_all():
    torch.manual_seed(0)
    model = BERT(BERTConfig(vocab_size=40, context=8, channels=16, heads=2, layers=1)).eval()
    ids = torch.randint(40, (2, 8))
    chosen = torch.rand(2, 8) < 0.4
    torch.testing.assert_close(model.score(model.features(ids)[chosen]), model(ids)[chosen])


@pytest.mark.parametrize("length", [1, 2, 100])
def test_logits_equal_transformers_at_every_length(length):
    model = peer()
    own, model = BERT.from_transformers(model).double(), model.double()
    ids = torch.randint(40, (2, length))
    torch.testing.assert_close(own(ids), model(ids).logits, rtol=1e-5, atol=1e-8)


def test_filling_up_changes_nothing():
    model = peer()
    own, model = BERT.from_transformers(model).double(), model.double()
    ids = torch.randint(40, (1, 7))
    filled = torch.cat([ids, torch.full((1, 9), 3)], dim=1)
    present = torch.arange(16)[None] < 7
    torch.testing.assert_close(own(filled, present)[:, :7], own(ids))
    theirs = model(filled, attention_mask=present.long()).logits[:, :7]
    torch.testing.assert_close(own(ids), theirs, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BERT.from_transformers(peer(hidden_act="relu")), "hidden_act is 'relu'"),
        (lambda: BERT(BERTConfig(9))(torch.zeros(1, 300, dtype=torch.long)), "context of 256"),
        (lambda: BERT(BERTConfig(9))(torch.zeros(0, dtype=torch.long)), r"expected \(batch, time"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
