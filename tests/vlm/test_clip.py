"""The model: unit vectors, the capped scale, towers, errors."""

import math

import numpy as np
import pytest
import torch

from ravm_course.vlm import CLIP, CLIPConfig, ImageTower, TextTower, to_float

SMALL = CLIPConfig(dim=16, channels=(8, 16), blocks=(1, 1), buckets=128, text_width=8)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return CLIP(SMALL).eval()


def pictures(n, size=32, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_vectors_have_length_one(model):
    ones = torch.ones(3)
    torch.testing.assert_close(model.encode_image(pictures(3)).norm(dim=1), ones)
    torch.testing.assert_close(model.encode_text(["cat", "猫", ""]).norm(dim=1), ones)


def test_a_vector_does_not_depend_on_the_rest_of_the_batch_even_in_training(model):
    model.train()
    batch = pictures(4)
    torch.testing.assert_close(model.encode_image(batch)[:1], model.encode_image(batch[:1]))
    model.eval()
    torch.testing.assert_close(model.encode_text(["cat", "a dog"])[:1], model.encode_text(["cat"]))


@pytest.mark.parametrize("size", [32, 48, 64, 80])
def test_pictures_of_any_size(model, size):
    assert model.encode_image(pictures(2, size)).shape == (2, 16)


def test_the_bag_cannot_tell_orders_apart(model):
    a, b = model.encode_text(["dog left of cat", "cat left of dog"])
    assert torch.equal(a, b)


def test_the_scale_is_capped_at_100_and_can_come_back(model):
    with torch.no_grad():
        model.log_scale.fill_(10.0)
    assert model.logit_scale.item() == pytest.approx(100, rel=1e-6)
    assert model.logit_scale.item() <= 100
    model.logit_scale.backward()
    assert model.log_scale.grad > 0, "a dead gradient would keep the scale at its cap for ever"


def test_the_first_loss_is_ln_n_plus_what_random_vectors_add():
    losses = []
    for seed in range(5):
        torch.manual_seed(seed)
        model = CLIP(CLIPConfig(dim=64, channels=(8, 16), blocks=(1, 1), temperature=1.0))
        texts = [f"word{i}" for i in range(32)]
        losses.append(model(pictures(32, seed=seed), texts).item())
    assert np.mean(losses) == pytest.approx(math.log(32), abs=0.05)


def test_learns_a_few_pairs_by_heart():
    torch.manual_seed(0)
    model = CLIP(SMALL)
    batch, texts = pictures(6), ["cat", "dog", "fish", "红", "绿", "蓝"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        model(batch, texts).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        nearest = (model.encode_image(batch) @ model.encode_text(texts).T).argmax(1)
    assert nearest.tolist() == list(range(6))


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    model = CLIP(SMALL)
    model(pictures(4), ["a", "b", "c", "d"]).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_to_float_round_trip():
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    floats = to_float(images)
    assert floats.shape == (2, 3, 5, 4)
    assert np.array_equal((floats * 255).round().byte().permute(0, 2, 3, 1).numpy(), images)


@pytest.mark.parametrize(
    "images",
    [np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 4), np.uint8)],
)
def test_to_float_refuses_other_arrays(images):
    with pytest.raises(ValueError, match=r"expected uint8 \(N, H, W, 3\)"):
        to_float(images)


def test_towers_say_what_they_expect():
    tower = ImageTower(dim=4, channels=(8,), blocks=(1,))
    with pytest.raises(ValueError, match=r"\(2, 8, 8, 3\).*to_float"):
        tower(torch.zeros(2, 8, 8, 3))
    with pytest.raises(ValueError, match="B at least 1"):
        tower(torch.zeros(0, 3, 8, 8))
    with pytest.raises(TypeError, match=r"uint8.*to_float"):
        tower(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match="one entry a stage"):
        ImageTower(channels=(8, 16), blocks=(1,))
    text = TextTower(dim=4, buckets=16)
    with pytest.raises(TypeError, match="pass a list"):
        text("cat")
    with pytest.raises(ValueError, match="texts is empty"):
        text([])
