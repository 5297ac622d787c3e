"""Two optimisers as one: the same steps as apart, a state that goes there and back."""

import pytest
import torch

from ravm_course.training import Together, fit


def model(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


def bound(net, lr=0.05):
    matrices = [p for p in net.parameters() if p.ndim == 2]
    others = [p for p in net.parameters() if p.ndim == 1]
    return (
        torch.optim.Muon(matrices, lr=lr, weight_decay=0.0),
        torch.optim.AdamW(others, lr=lr / 2, weight_decay=0.0),
    )


def loss(net, batch):
    return torch.nn.functional.mse_loss(net(batch[0]), batch[1])


def draw(generator):
    x = torch.randn(8, 3, generator=generator)
    return x, x.sum(dim=1, keepdim=True)


def test_together_they_do_what_they_do_apart():
    one, other = model(), model()
    together, apart = Together(*bound(one)), bound(other)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        batch = draw(generator)
        together.zero_grad()
        loss(one, batch).backward()
        together.step()
        for optimizer in apart:
            optimizer.zero_grad()
        loss(other, batch).backward()
        for optimizer in apart:
            optimizer.step()
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_a_schedule_reaches_both():
    together = Together(*bound(model()))
    for group in together.param_groups:
        group["lr"] *= 10
    assert [o.param_groups[0]["lr"] for o in together.optimizers] == [0.5, 0.25]


def test_the_state_goes_there_and_back():
    net = model()
    together = Together(*bound(net))
    fit(net, loss, draw, steps=3, optimizer=together, progress=False)
    again = Together(*bound(net))
    again.load_state_dict(together.state_dict())
    expected, came = together.state_dict(), again.state_dict()
    assert came["param_groups"] == expected["param_groups"]
    assert [len(group["params"]) for group in came["param_groups"]] == [2, 2]
    assert came["state"].keys() == expected["state"].keys() == {0, 1, 2, 3}
    for index, values in expected["state"].items():
        for key, value in values.items():
            assert torch.equal(torch.as_tensor(came["state"][index][key]), torch.as_tensor(value))


def test_a_killed_run_ends_with_the_same_bits(tmp_path):
    whole, halved = model(), model()
    fit(whole, loss, draw, steps=8, optimizer=Together(*bound(whole)), progress=False)

    def dies(net, batch, calls=[0]):  # noqa: B006
        calls[0] += 1
        if calls[0] == 6:
            raise KeyboardInterrupt
        return loss(net, batch)

    options = {
        "steps": 8, "checkpoint": tmp_path / "run.safetensors", "checkpoint_every": 4,
        "progress": False,
    }  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        fit(halved, dies, draw, optimizer=Together(*bound(halved)), **options)
    halved = model(seed=9)
    fit(halved, loss, draw, optimizer=Together(*bound(halved)), **options)
    for p, q in zip(whole.parameters(), halved.parameters(), strict=True):
        assert torch.equal(p, q)


def test_what_cannot_be_bound_is_refused():
    net = model()
    with pytest.raises(ValueError, match="at least one"):
        Together()
    with pytest.raises(ValueError, match="belongs to two"):
        Together(*bound(net), torch.optim.SGD(net.parameters(), lr=0.1))
