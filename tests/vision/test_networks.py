"""The networks of the contest: equal to others where they should be, and what each assumes."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import ViTConfig as TheirConfig
from transformers import ViTForImageClassification

from ravm_course.vision.classify import drawer, predict, shift, vary
from ravm_course.vision.cnn import ConvBlock, ConvNet, ConvNetConfig
from ravm_course.vision.graph import (
    GRAPHS,
    GraphBlock,
    PatchGraph,
    PatchGraphConfig,
    gather_nodes,
    grid_neighbours,
    nearest,
)
from ravm_course.vision.patches import from_patches, rearrange_pictures, to_patches
from ravm_course.vision.products import KINDS, new_classifier, product_split
from ravm_course.vision.vit import ViT, ViTConfig


def their_vit(**options):
    torch.manual_seed(0)
    config = TheirConfig(
        hidden_size=24, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96,
        image_size=12, patch_size=4, num_channels=3, num_labels=5, **options,
    )  # fmt: skip
    model = ViTForImageClassification(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def test_logits_and_gradients_equal_those_of_transformers():
    theirs = their_vit()
    ours = ViT.from_transformers(theirs)
    a, b = torch.rand(2, 3, 12, 12), None
    b = a.clone()
    a.requires_grad_()
    b.requires_grad_()
    x, y = ours(a), theirs(b * 2 - 1).logits
    torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-4)
    x.square().sum().backward()
    y.square().sum().backward()
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-3)


def test_attention_equals_that_of_transformers():
    theirs = their_vit(attn_implementation="eager")
    ours = ViT.from_transformers(theirs)
    images = torch.rand(2, 3, 12, 12)
    maps = ours.attention_maps(images)
    assert maps.shape == (3, 2, 4, 10, 10)
    with torch.no_grad():
        expected = theirs(images * 2 - 1, output_attentions=True).attentions
    torch.testing.assert_close(maps, torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_act", "relu"),
        ("qkv_bias", False),
        ("intermediate_size", 48),
        ("model_type", "deit"),
    ],
)
def test_another_model_is_refused(name, value):
    theirs = their_vit()
    setattr(theirs.config, name, value)
    with pytest.raises(ValueError, match=name):
        ViT.from_transformers(theirs)


def test_a_vit_without_positions_does_not_see_the_order_of_patches():
    model = ViT(ViTConfig(image=8, patch=4, channels=16, heads=2, layers=2)).eval()
    images = torch.rand(2, 1, 8, 8)
    moved = rearrange_pictures(images, "patches", seed=1, size=4)
    assert not torch.allclose(model(images), model(moved))
    model.position.data.zero_()
    torch.testing.assert_close(model(images), model(moved))


@pytest.mark.parametrize("kind", ["vit", "graph"])
def test_positions_can_undo_an_exchange_of_patches(kind):
    model = new_classifier(kind).eval()
    images = torch.rand(3, 1, 28, 28)
    moved = rearrange_pictures(images, "patches", seed=5, size=7)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(5))
    twin = copy.deepcopy(model)
    first = model.position.shape[1] - 16  # the collecting vector stays
    twin.position.data[:, first:] = model.position[:, first:][:, order]
    torch.testing.assert_close(twin(moved), model(images), rtol=1e-4, atol=1e-5)


def test_dense_can_undo_any_exchange_of_pixels():
    model = new_classifier("dense").eval()
    images = torch.rand(3, 1, 28, 28)
    moved = rearrange_pictures(images, "pixels", seed=5)
    order = torch.randperm(784, generator=torch.Generator().manual_seed(5))
    twin = copy.deepcopy(model)
    twin.layers[0].weight.data = model.layers[0].weight[:, order]
    torch.testing.assert_close(twin(moved), model(images), rtol=1e-4, atol=1e-5)


def test_a_convolution_cannot():
    """The maps of a moved picture are the moved maps, of one whose patches moved they are not."""
    model = ConvNet(ConvNetConfig(channels=(8,), blocks=(0,), stride=1)).eval()
    images = torch.zeros(1, 1, 28, 28)
    images[..., 10:16, 10:16] = torch.rand(6, 6)
    two = torch.tensor([2])
    torch.testing.assert_close(
        model.maps(shift(images, two, two))[..., 4:24, 4:24],
        shift(model.maps(images), two, two)[..., 4:24, 4:24],
    )
    images = torch.rand(1, 1, 28, 28)
    moved = model.maps(rearrange_pictures(images, "patches", seed=1, size=7))
    assert not torch.allclose(
        moved, rearrange_pictures(model.maps(images), "patches", seed=1, size=7), atol=0.01
    )


def test_a_residual_block_of_zeros_is_the_identity():
    block = ConvBlock(4, residual=True, norm=True).eval()
    nn.init.zeros_(block.second.weight)
    x = torch.rand(2, 4, 5, 5)
    torch.testing.assert_close(block(x), x)
    plain = ConvBlock(4, residual=False, norm=True).eval()
    nn.init.zeros_(plain.second.weight)
    assert (plain(x) == 0).all()


def test_the_mean_does_not_know_where():
    model = ConvNet(ConvNetConfig(channels=(4,), blocks=(0,), stride=1, head="mean")).eval()
    images = torch.zeros(1, 1, 28, 28)
    images[..., 8:12, 8:12] = 1
    moved = shift(images, torch.tensor([3]), torch.tensor([7]))
    torch.testing.assert_close(model(images), model(moved), rtol=1e-4, atol=1e-5)


@given(st.integers(0, 99), st.integers(1, 5))
def test_nearest_equals_sorted_distances(seed, k):
    x = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(seed))
    distance = torch.cdist(x, x) + 1e9 * torch.eye(7)
    assert torch.equal(nearest(x, k).sort(2).values, distance.argsort(2)[:, :, :k].sort(2).values)


def test_equal_vectors_have_neighbours_and_never_themselves():
    index = nearest(torch.zeros(1, 5, 2), 2)
    assert not (index == torch.arange(5)[None, :, None]).any()


def test_the_graph_hears_the_largest_difference():
    block = GraphBlock(3, neighbours=2).eval()
    x = torch.randn(1, 6, 3)
    nodes = block.enter(block.hear_norm(x))
    index = nearest(nodes, 2)
    differences = gather_nodes(nodes, index) - nodes[:, :, None]
    heard = torch.cat([nodes, differences.amax(2)], 2)
    expected = x + block.hear(heard)
    expected = expected + block.feed_forward(block.feed_forward_norm(expected))
    torch.testing.assert_close(block(x), expected)


def test_a_graph_of_nodes_alike_does_not_see_the_order():
    block = GraphBlock(4, neighbours=3).eval()
    x, order = torch.randn(2, 9, 4), torch.randperm(9)
    torch.testing.assert_close(block(x[:, order]), block(x)[:, order])


def test_grid_neighbours_are_near():
    index = grid_neighbours(4, 4, 2)
    assert index[0].tolist() == [1, 4]
    assert ((index // 4 - torch.arange(16)[:, None] // 4).abs() <= 1).all()


@pytest.mark.parametrize("kind", GRAPHS)
def test_every_graph_runs_and_learns(kind):
    model = PatchGraph(PatchGraphConfig(graph=kind, image=8, patch=4, neighbours=2, channels=8))
    model(torch.rand(2, 1, 8, 8)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert not (model.fixed == torch.arange(4)[:, None]).any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_contest_takes_pictures_and_refuses_others(kind):
    model = new_classifier(kind).eval()
    assert model(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    if kind != "dense":
        for wrong in (torch.rand(2, 3, 28, 28), torch.rand(2, 1, 32, 32), torch.rand(1, 28, 28)):
            with pytest.raises(ValueError, match="images have shape"):
                model(wrong)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: ConvNet(ConvNetConfig(channels=(8, 8), blocks=(0,))), "one of each a stage"),
        (lambda: ConvNet(ConvNetConfig(channels=(), blocks=())), "one of each a stage"),
        (lambda: ConvNet(ConvNetConfig(head="max")), "expected 'places' or 'mean'"),
        (lambda: ViT(ViTConfig(patch=5)), "do not divide 28"),
        (lambda: PatchGraph(PatchGraphConfig(patch=5)), "do not divide 28"),
        (lambda: PatchGraph(PatchGraphConfig(patch=14, neighbours=4)), "4 neighbours of 4"),
        (lambda: PatchGraph(PatchGraphConfig(graph="near")), "expected one of alike"),
        (lambda: new_classifier("svm"), "expected one of dense"),
        (lambda: nearest(torch.rand(1, 3, 2), 3), "k < T"),
    ],
)
def test_impossible_shapes_are_refused(make, error):
    with pytest.raises(ValueError, match=error):
        make()


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_shift_equals_slicing(down, right):
    image = torch.rand(1, 2, 4, 5)
    expected = torch.zeros_like(image)
    for y in range(4):
        for x in range(5):
            if 0 <= y - down < 4 and 0 <= x - right < 5:
                expected[..., y, x] = image[..., y - down, x - right]
    assert torch.equal(shift(image, torch.tensor([down]), torch.tensor([right])), expected)


def test_vary_repeats_and_leaves_its_input():
    images = torch.rand(5, 1, 8, 8)
    kept = images.clone()
    one, two = (vary(images, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(images, kept)
    still = vary(images, torch.Generator(), pixels=0, mirror=False)
    assert torch.equal(still, images)


def test_drawer_refuses_pictures_without_labels():
    with pytest.raises(ValueError, match="3 pictures and 2 labels"):
        drawer(torch.rand(3, 1, 4, 4), torch.zeros(2))


def test_predict_does_not_depend_on_the_batch():
    model = new_classifier("cnn").eval()
    images = torch.rand(5, 1, 28, 28)
    torch.testing.assert_close(predict(model, images, 2), predict(model, images, 5))


def test_patches_are_those_that_the_vit_reads():
    images = torch.rand(1, 1, 28, 28)
    assert torch.equal(from_patches(to_patches(images, 7), 7, 28, 28), images)


def test_the_split_has_every_class_and_no_picture_twice():
    parts = product_split()
    rows = torch.cat([part.images for part in parts]).flatten(1)
    assert len(torch.unique(rows, dim=0)) == 10_000
    for part in parts:
        assert (part.labels.bincount() > 0.07 * len(part)).all()
