"""Filling up has no influence; each way lets exactly its own part learn, and all of it."""

import pytest
import torch
from torch import nn

from ravm_course.lm import BERT, GPT, T5, BERTConfig, GPTConfig, T5Config, merge_lora
from ravm_course.lm.finetune import WAYS, TextClassifier, fill_up, text_vectors

TEXTS = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]


def models():
    torch.manual_seed(0)
    return {
        "gpt": GPT(GPTConfig(vocab_size=20, context=8, channels=16, heads=2, layers=2)),
        "bert": BERT(BERTConfig(vocab_size=20, context=8, channels=16, heads=2, layers=2)),
        "t5": T5(T5Config(vocab_size=20, channels=16, heads=2, layers=2, hidden=32)),
    }


@pytest.mark.parametrize("kind", models())
def test_a_text_has_the_vector_that_it_has_alone(kind):
    model = models()[kind].double().eval()
    together = text_vectors(model, *fill_up(TEXTS, filler=19))
    other = text_vectors(model, *fill_up(TEXTS, filler=0))
    torch.testing.assert_close(together, other)
    for text, vector in zip(TEXTS, together, strict=True):
        alone = text_vectors(model, *fill_up([text], filler=19))
        torch.testing.assert_close(alone[0], vector)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", models())
def test_what_may_learn_learns_and_nothing_else(kind, way):
    classifier = TextClassifier(models()[kind], 3, way, rank=2)
    classifier.head.weight.data.normal_()
    before = {name: p.clone() for name, p in classifier.named_parameters()}
    free = {name for name, p in classifier.named_parameters() if p.requires_grad}
    optimizer = torch.optim.SGD([p for p in classifier.parameters() if p.requires_grad], lr=0.1)
    ids, present = fill_up(TEXTS, filler=0)
    for _ in range(2):  # LoRA's first half moves once the second has
        optimizer.zero_grad()
        logits = classifier(ids, present)
        nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
        optimizer.step()
    moved = {name for name, p in classifier.named_parameters() if not torch.equal(p, before[name])}
    assert moved == free
    first_block = [name for name in free if ".blocks.0." in name]
    assert bool(first_block) == (way in ("lora", "full"))
    assert ("encoder.token.weight" in free) == (way == "full")
    if way == "lora":
        assert all(name.endswith((".up", ".down")) or "head" in name for name in free)
        merged = classifier(ids, present)
        torch.testing.assert_close(merge_lora(classifier)(ids, present), merged)


def test_ways_learn_more_and_more():
    for kind in models():
        counts = [
            sum(
                p.numel()
                for p in TextClassifier(models()[kind], 3, way, rank=1).parameters()
                if p.requires_grad
            )
            for way in ("frozen", "lora", "top", "full")
        ]
        assert counts == sorted(counts)
        assert len(set(counts)) == 4


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="at least one text"):
        fill_up([], filler=0)
    with pytest.raises(ValueError, match="at least one token"):
        fill_up([[1], []], filler=0)
    with pytest.raises(ValueError, match="way is 'half'"):
        TextClassifier(models()["gpt"], 3, "half")
    with pytest.raises(TypeError, match="encoder is a Linear"):
        text_vectors(nn.Linear(1, 1), *fill_up([[1]], filler=0))
