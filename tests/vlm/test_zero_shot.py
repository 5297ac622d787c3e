"""Classes by their names."""

import pytest
import torch

from ravm_course.vlm import CLIP, CLIPConfig, class_weights, classify, zero_shot


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return CLIP(CLIPConfig(dim=16, channels=(8,), blocks=(1,), buckets=256, text_width=8)).eval()


def test_one_name_and_the_plain_template_is_the_text_vector(model):
    torch.testing.assert_close(
        class_weights(model, ["cat", "狗"]), model.encode_text(["cat", "狗"])
    )


def test_templates_are_averaged_and_of_unit_length(model):
    weights = class_weights(model, ["cat"], ["{}", "a drawing of {}"])
    mean = model.encode_text(["cat", "a drawing of cat"]).mean(0)
    torch.testing.assert_close(weights[0], mean / mean.norm())


def test_probabilities_sum_to_one_and_the_scale_keeps_their_order(model):
    images = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    p = zero_shot(model, images, ["cat", ["dog", "狗"], "fish"], ["{}", "one {}"])
    assert p.shape == (5, 3)
    torch.testing.assert_close(p.sum(1), torch.ones(5))
    features, weights = torch.eye(3)[:2], torch.eye(3)
    assert torch.equal(
        classify(features, weights, 1).argsort(), classify(features, weights, 9).argsort()
    )


def test_errors(model):
    with pytest.raises(ValueError, match="every class needs a name"):
        class_weights(model, ["cat", []])
    with pytest.raises(ValueError, match="at least one class"):
        class_weights(model, [])
    with pytest.raises(ValueError, match=r"has no \{\}"):
        class_weights(model, ["cat"], ["a picture"])
    with pytest.raises(ValueError, match="templates is empty"):
        class_weights(model, ["cat"], [])
    with pytest.raises(ValueError, match="with the same D"):
        classify(torch.ones(1, 3), torch.ones(1, 4))
