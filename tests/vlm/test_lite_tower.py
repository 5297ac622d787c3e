"""EfficientNet-Lite0 as the image tower: the plain parts, frozen statistics, errors."""

import pytest
import torch
import torch.nn.functional as F

from ravm_course.vision.efficientnet import load_efficientnet
from ravm_course.vlm import CLIP, CLIPConfig, ImageTower, LiteTower


@pytest.fixture(scope="module")
def tower():
    torch.manual_seed(0)
    tower = LiteTower(dim=8, size=32)
    tower.backbone.load_state_dict(load_efficientnet().state_dict())
    return tower.eval()


def pictures(n, size=32):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_is_the_published_network_and_one_matrix(tower):
    images = pictures(2)
    features = load_efficientnet()(images)
    torch.testing.assert_close(tower.features(images), features)
    by_hand = features @ tower.head.weight.T + tower.head.bias
    torch.testing.assert_close(tower(images), by_hand)


def test_larger_pictures_are_averaged_down_and_smaller_ones_taken_as_they_are(tower):
    images = pictures(2, 64)
    torch.testing.assert_close(tower(images), tower(F.avg_pool2d(images, 2)))
    assert tower(pictures(1, 16)).shape == (1, 8)


def test_training_leaves_the_statistics_and_the_rest_of_the_batch_alone(tower):
    before = {k: v.clone() for k, v in tower.backbone.named_buffers()}
    tower.train()
    assert tower.training
    assert tower.dropout.training
    assert not any(module.training for module in tower.backbone.modules())
    images = pictures(4)
    torch.testing.assert_close(
        tower.features(images)[:1], tower.features(images[:1]), rtol=1e-3, atol=1e-4
    )
    assert all(torch.equal(v, before[k]) for k, v in tower.backbone.named_buffers())
    tower.eval()


def test_gradients_reach_the_first_layer():
    torch.manual_seed(0)
    tower = LiteTower(dim=4, size=32).train()
    tower(pictures(2)).square().sum().backward()
    assert tower.backbone.stem.conv.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("images", "error", "match"),
    [
        (torch.zeros(3, 32, 32), ValueError, r"expected \(B, 3, H, W\)"),
        (torch.zeros(1, 1, 32, 32), ValueError, r"expected \(B, 3, H, W\)"),
        (torch.zeros(0, 3, 32, 32), ValueError, "none empty"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), TypeError, "divide by 255"),
    ],
)
def test_what_is_no_picture_is_refused(tower, images, error, match):
    with pytest.raises(error, match=match):
        tower(images)


def test_the_configuration_chooses_the_tower():
    sizes = {"dim": 8, "buckets": 64, "text_width": 8, "text_hidden": 8}
    assert isinstance(CLIP(CLIPConfig(**sizes)).image_tower, ImageTower)
    model = CLIP(CLIPConfig(**sizes, backbone="efficientnet-lite0", image_size=48))
    assert isinstance(model.image_tower, LiteTower)
    assert model.image_tower.size == 48
    with pytest.raises(ValueError, match=r"backbone is 'resnet', expected 'residual' or"):
        CLIP(CLIPConfig(**sizes, backbone="resnet"))
