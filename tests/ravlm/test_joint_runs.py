"""Several runs as one: each ends where it would end alone."""

import pytest
import torch

from ravm_course.ravlm.joint_runs import LinearRetrievers, clip_each, train_runs
from ravm_course.ravlm.joint_task import LinearRetriever
from ravm_course.ravlm.joint_training import JointConfig, Pair, train

SEEDS = (0, 7, 11)


@pytest.fixture(scope="module")
def reading():
    return -3 * torch.rand(3, 235, 235, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("way", "options"),
    [
        ("apart", {}),
        ("known pairs", {}),
        ("marginal", {}),
        ("marginal", {"refresh": 0, "k": 3}),
        ("marginal", {"refresh": 3, "relations": (1,)}),
        ("distilled", {"temperature": 0.3}),
        ("multi-task", {}),
    ],
)
def test_runs_side_by_side_equal_runs_one_by_one(task, reading, way, options):
    config = JointConfig(steps=25, lr_retriever=1e-2, **options)
    together = train_runs(task, way, config, reading=reading, seeds=SEEDS)
    for seed, retriever in zip(SEEDS, together, strict=True):
        alone = Pair(LinearRetriever(8))
        train(alone, task, way, config, reading=reading, seed=seed)
        moved = (alone.retriever.map.weight.detach() - torch.eye(8)).abs().max()
        assert moved > 0.05
        torch.testing.assert_close(
            retriever.map.weight, alone.retriever.map.weight, atol=2e-3 * float(moved), rtol=0
        )
        assert not retriever.training
    first, second, _ = (run.map.weight for run in together)
    assert (first - second).abs().max() > 0.01  # other seeds, other questions


def test_every_run_has_its_own_bound_on_the_gradient():
    generator = torch.Generator().manual_seed(0)
    gradients = (
        torch.randn(4, 5, 6, generator=generator) * torch.tensor([9, 1, 0.1, 0])[:, None, None]
    )
    for gradient, clipped in zip(gradients, clip_each(gradients, norm=2.0), strict=True):
        weight = torch.nn.Parameter(torch.zeros(5, 6))
        weight.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_([weight], 2.0)
        torch.testing.assert_close(clipped, weight.grad)


def test_apart_compares_as_together():
    generator = torch.Generator().manual_seed(0)
    both = LinearRetrievers(4, runs=2, scale=3.0)
    both.maps.data = torch.randn(2, 4, 4, generator=generator)
    queries, keys = (torch.randn(n, 4, generator=generator) for n in (6, 5))
    alone = both.apart()
    expected = torch.cat([alone[0](queries[:3], keys), alone[1](queries[3:], keys)])
    torch.testing.assert_close(both(queries, keys), expected)
    torch.testing.assert_close(both.encode(keys)[1], alone[1].encode(keys))


def test_errors(task, reading):
    with pytest.raises(ValueError, match="seeds is empty"):
        train_runs(task, "marginal", reading=reading, seeds=())
    with pytest.raises(ValueError, match="way is 'frozen'"):
        train_runs(task, "frozen", reading=reading, seeds=(0,))
