"""EfficientNet-Lite0 against the package its weights come from, and what it refuses."""

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ravm_course.nn.transformer import count_parameters
from ravm_course.training import shipped_facts
from ravm_course.vision import EfficientNetLite0, load_efficientnet
from ravm_course.vision.efficientnet import ConvNorm, from_published, same_padding


@pytest.fixture(scope="module")
def source():
    """Return the source package's network with normalisations that do something."""
    torch.manual_seed(0)
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return network


def test_logits_equal_those_of_the_source_package(source):
    ours = from_published(source.state_dict())
    pictures = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        expected = source((pictures * 255 - 127) / 128)
        torch.testing.assert_close(ours(pictures), expected, rtol=1e-4, atol=1e-5)


def test_gradients_equal_those_of_the_source_package(source):
    ours = from_published(source.state_dict())
    pictures = torch.rand(1, 3, 224, 224)
    theirs = pictures.clone()
    for images in (pictures, theirs):
        images.requires_grad_()
    ours(pictures).square().sum().backward()
    source((theirs * 255 - 127) / 128).square().sum().backward()
    torch.testing.assert_close(pictures.grad, theirs.grad, rtol=1e-3, atol=1e-5)


@given(st.integers(1, 300), st.sampled_from([1, 3, 5]), st.integers(1, 3))
def test_padding_gives_sides_divided_by_the_stride_and_rounded_up(size, kernel, stride):
    before, behind = same_padding(size, kernel, stride)
    assert 0 <= behind - before <= 1
    padded = size + before + behind
    assert padded >= kernel
    assert (padded - kernel) // stride + 1 == -(-size // stride)


def test_padding_on_both_sides_would_give_other_outputs():
    layer = ConvNorm(3, 4, kernel=3, stride=2).eval()
    picture = torch.rand(1, 3, 8, 8)
    other = nn.functional.conv2d(picture, layer.conv.weight, stride=2, padding=1)
    other = nn.functional.relu6(layer.norm(other))
    assert other.shape == layer(picture).shape
    assert not torch.allclose(other, layer(picture))


@pytest.mark.parametrize("side", [1, 31, 33, 64, 96])
def test_any_size_goes_in(side):
    model = EfficientNetLite0(classes=None).eval()
    cells = -(-side // 32)
    with torch.no_grad():
        assert model.maps(torch.rand(1, 3, side, side)).shape == (1, 1280, cells, cells)


def test_the_shipped_encoder_is_the_published_one():
    facts = shipped_facts("efficientnet-lite0")
    assert facts["largest_difference_of_logits"] < 1e-4
    assert facts["smallest_cosine_after_rounding"] > 0.9999
    model = load_efficientnet()
    assert count_parameters(EfficientNetLite0(classes=None)) == 3_371_008
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ("images", "error"),
    [
        (torch.rand(3, 8, 8), r"shape \(3, 8, 8\), expected \(B, 3, H, W\)"),
        (torch.rand(1, 1, 8, 8), r"shape \(1, 1, 8, 8\)"),
        (torch.rand(0, 3, 8, 8), "none empty"),
        (torch.rand(1, 3, 0, 8), "none empty"),
    ],
)
def test_what_is_no_batch_of_pictures_is_refused(images, error):
    with pytest.raises(ValueError, match=error):
        EfficientNetLite0(classes=None)(images)


def test_bytes_are_refused():
    with pytest.raises(TypeError, match=r"torch.uint8, expected floating point in \[0, 1\]"):
        EfficientNetLite0(classes=None)(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
