"""The loss against a formula written another way, its properties, and two processes."""

import math

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.vlm.loss import clip_loss, gather_rows


def unit(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(n, d, dtype=torch.float64, generator=generator), dim=1)


def by_loops(images, texts, scale):
    """Compute the definition in Python floats: no softmax, no matrix product, no torch function."""
    images, texts = images.tolist(), texts.tolist()
    n = len(images)
    s = [
        [scale * math.fsum(a * b for a, b in zip(x, t, strict=True)) for t in texts] for x in images
    ]
    total = 0.0
    for i in range(n):
        row = math.log(math.fsum(math.exp(s[i][j]) for j in range(n)))
        column = math.log(math.fsum(math.exp(s[j][i]) for j in range(n)))
        total += (row - s[i][i]) + (column - s[i][i])
    return total / (2 * n)


def as_open_clip_has_it(image_features, text_features, logit_scale):
    """Compute the lines of open_clip's ClipLoss for one process, in torch."""
    logits_per_image = logit_scale * image_features @ text_features.T
    logits_per_text = logit_scale * text_features @ image_features.T
    labels = torch.arange(logits_per_image.shape[0], dtype=torch.long)
    return (
        F.cross_entropy(logits_per_image, labels) + F.cross_entropy(logits_per_text, labels)
    ) / 2


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 6), st.floats(0.1, 100), st.integers(0, 1000))
def test_equals_the_definition_and_open_clip(n, d, scale, seed):
    images, texts = unit(n, d, seed), unit(n, d, seed + 1)
    loss = clip_loss(images, texts, scale)
    assert loss.item() == pytest.approx(by_loops(images, texts, scale), rel=1e-12, abs=1e-12)
    torch.testing.assert_close(loss, as_open_clip_has_it(images, texts, scale))


def test_gradients_in_float64_by_finite_differences():
    images, texts = unit(4, 3, 0).requires_grad_(), unit(4, 3, 1).requires_grad_()
    scale = torch.tensor(7.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(clip_loss, (images, texts, scale))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_the_order_of_the_pairs_and_of_the_towers_does_not_matter(n, seed):
    images, texts = unit(n, 5, seed), unit(n, 5, seed + 1)
    shuffled = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    loss = clip_loss(images, texts, 20.0)
    torch.testing.assert_close(loss, clip_loss(images[shuffled], texts[shuffled], 20.0))
    torch.testing.assert_close(loss, clip_loss(texts, images, 20.0))
    assert loss >= 0


def test_one_pair_costs_nothing_and_no_knowledge_costs_ln_n():
    assert clip_loss(unit(1, 5, 0), unit(1, 5, 1), 50.0).item() == 0
    same = unit(1, 5, 0).expand(16, 5)
    assert clip_loss(same, same, 50.0).item() == pytest.approx(math.log(16), rel=1e-12)


def test_stays_finite_in_float32_at_the_largest_scale():
    images = unit(8, 4, 0).float()
    loss = clip_loss(images, -images, 100.0)
    assert torch.isfinite(loss)
    assert loss > 100


def test_the_scale_may_be_a_tensor_and_gets_its_gradient():
    scale = torch.tensor(10.0, requires_grad=True)
    clip_loss(unit(4, 3, 0).float(), unit(4, 3, 1).float(), scale).backward()
    assert scale.grad is not None


@pytest.mark.parametrize(
    ("images", "texts", "scale", "message"),
    [
        (torch.ones(3, 4), torch.ones(2, 4), 1.0, r"\(3, 4\) and \(2, 4\)"),
        (torch.ones(4), torch.ones(4), 1.0, r"expected the same \(N, D\)"),
        (torch.ones(0, 4), torch.ones(0, 4), 1.0, "the batch is empty"),
        (torch.full((2, 4), float("nan")), torch.ones(2, 4), 1.0, "image_features hold NaN"),
        (torch.ones(2, 4), torch.full((2, 4), float("inf")), 1.0, "text_features hold NaN"),
        (torch.ones(2, 4), torch.ones(2, 4), 0.0, "logit_scale is 0.0"),
        (torch.ones(2, 4), torch.ones(2, 4), float("nan"), "logit_scale is nan"),
    ],
)
def test_errors_say_what_was_given(images, texts, scale, message):
    with pytest.raises(ValueError, match=message):
        clip_loss(images, texts, scale)


def test_gathering_without_a_process_group_is_refused():
    with pytest.raises(RuntimeError, match="init_process_group"):
        clip_loss(torch.ones(2, 4), torch.ones(2, 4), 1.0, gather=True)


def _weights():
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(6, 5, dtype=torch.float64, generator=generator).requires_grad_()
    text = torch.randn(7, 5, dtype=torch.float64, generator=generator).requires_grad_()
    return image, text, torch.tensor(2.0, dtype=torch.float64, requires_grad=True)


def _data(n):
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(n, 6, dtype=torch.float64, generator=generator),
        torch.randn(n, 7, dtype=torch.float64, generator=generator),
    )


def _forward(weights, images, texts, gather):
    image, text, log_scale = weights
    return clip_loss(
        F.normalize(images @ image, dim=1),
        F.normalize(texts @ text, dim=1),
        log_scale.exp(),
        gather=gather,
    )


def _process(rank, folder, n, processes):
    store = (folder / "rendezvous").resolve().as_uri()
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=processes)
    try:
        weights = _weights()
        images, texts = _data(n)
        mine = slice(rank * n // processes, (rank + 1) * n // processes)
        loss = _forward(weights, images[mine], texts[mine], gather=True)
        loss.backward()
        mean = [loss.detach().clone(), *(w.grad.clone() for w in weights)]
        for value in mean:  # what DistributedDataParallel does with gradients
            dist.all_reduce(value)
            value /= processes
        try:
            gather_rows(torch.ones(rank + 1, 2))
            refused = False
        except ValueError:
            refused = True
        if rank == 0:
            torch.save({"mean": mean, "refused": refused}, folder / "result.pt")
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="this torch was built without distributed")
def test_two_processes_equal_the_full_batch(tmp_path):
    n, processes = 8, 2
    mp.spawn(_process, (tmp_path, n, processes), nprocs=processes)
    result = torch.load(tmp_path / "result.pt", weights_only=True)
    weights = _weights()
    loss = _forward(weights, *_data(n), gather=False)
    loss.backward()
    for found, expected in zip(
        result["mean"], [loss.detach(), *(w.grad for w in weights)], strict=True
    ):
        assert (found - expected).abs().max() < 1e-12
    assert result["refused"], "processes with different numbers of rows must be refused"
