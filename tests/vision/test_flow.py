"""The flow against closed forms, and a network that learns to use what it is shown."""

import pytest
import torch

from ravm_course.training import fit
from ravm_course.vision.flow import FlowConfig, FlowNet, draw_pictures, flow_loss, follow

SMALL = FlowConfig(pictures=1, vector=4, channels=8)


def small_net(seed=0):
    torch.manual_seed(seed)
    return FlowNet(SMALL)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_one_drawing_is_reached_by_any_number_of_steps(steps):
    target = torch.tensor([[3.0, -1.0]])
    noise = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    came = follow(lambda x, t: target.expand_as(x), noise, steps)
    torch.testing.assert_close(came, target.expand(5, 2))


def test_noise_of_one_spread_becomes_data_of_another():
    """For normal data the expected drawing is linear in the point, and the end is known.

    With noise N(0, 1) and data N(m, s^2), x_t has variance v = (1 - t)^2 + t^2 s^2, and
    E[x_1 | x_t] = m + t s^2 / v (x_t - t m). The flow carries noise x to m + s x.
    """
    m, s = 2.0, 0.5

    def expect(x, t):
        v = (1 - t) ** 2 + t**2 * s**2
        return m + t * s**2 / v * (x - t * m)

    noise = torch.tensor([-1.5, 0.0, 0.3, 2.0], dtype=torch.float64)
    errors = [(follow(expect, noise, n) - (m + s * noise)).abs().max() for n in (20, 200, 2000)]
    assert errors[2] < 1e-3
    assert errors[0] > 5 * errors[1] > 25 * errors[2], "an Euler method: first order"


def test_two_drawings_are_reached_equally_often_and_nothing_between():
    """Data at -1 and 1: the expected drawing is tanh of the evidence."""

    def expect(x, t):
        return torch.tanh(t * x / (1 - t) ** 2)

    noise = torch.randn(4000, generator=torch.Generator().manual_seed(1))
    came = follow(expect, noise, 50)
    assert (came.abs() - 1).abs().max() < 0.05
    assert torch.equal(came.sign(), noise.sign())


def test_loss_is_the_error_of_the_drawing():
    net = small_net()
    generator = torch.Generator().manual_seed(0)
    drawing, noise = (torch.randn(3, 3, 8, 8, generator=generator) for _ in range(2))
    shown, vector = torch.randn(3, 1, 3, 8, 8, generator=generator), torch.zeros(3, 4)
    time = torch.tensor([0.0, 0.5, 0.9])
    t = time.view(3, 1, 1, 1)
    came = net(noise * (1 - t) + drawing * t, time, shown, vector)
    expected = ((came - drawing) ** 2).mean()
    torch.testing.assert_close(flow_loss(net, (drawing, noise, time, shown, vector)), expected)


def test_rows_do_not_touch_each_other():
    net = small_net().eval()
    generator = torch.Generator().manual_seed(0)
    shown, vector = torch.randn(4, 1, 3, 8, 8, generator=generator), torch.randn(4, 4)
    whole = draw_pictures(net, shown, vector, steps=3, seed=5)
    part = draw_pictures(net, shown[:2], vector[:2], steps=3, seed=5)
    torch.testing.assert_close(whole[:2], part)
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_learns_to_draw_what_it_is_shown():
    """Pictures of one colour each: with the colour shown it is drawn, without it cannot be."""
    generator = torch.Generator().manual_seed(0)
    vector = torch.zeros(64, 4)

    def draw(generator, blank=False):
        colour = torch.rand(64, 3, 1, 1, generator=generator) * 2 - 1
        drawing = colour.expand(64, 3, 8, 8)
        noise = torch.randn(64, 3, 8, 8, generator=generator)
        time = torch.rand(64, generator=generator)
        return drawing, noise, time, drawing[:, None] * (not blank), vector

    errors = {}
    for blank in (False, True):
        net = small_net()
        fit(net, flow_loss, lambda g, blank=blank: draw(g, blank), steps=150, lr=5e-3)
        drawing, _, _, shown, _ = draw(generator, blank)
        came = draw_pictures(net, shown, vector, steps=8) * 2 - 1
        errors[blank] = (came - drawing).abs().mean().item()
    assert errors[False] < 0.15
    assert errors[True] > 0.4


def test_errors():
    net = small_net()
    noisy, shown, vector = torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 3, 8, 8), torch.zeros(2, 4)
    with pytest.raises(ValueError, match=r"expected \(2, 1, 3, 8, 8\)"):
        net(noisy, torch.zeros(2), shown[:, :, :, :4], vector)
    with pytest.raises(ValueError, match="even height"):
        net(noisy[..., 1:], torch.zeros(2), shown[..., 1:], vector)
    with pytest.raises(ValueError, match=r"expected \(2, 4\) and \(2,\)"):
        net(noisy, torch.zeros(2), shown, vector[:, :3])
    with pytest.raises(ValueError, match="steps is 0"):
        follow(lambda x, t: x, noisy, steps=0)
