"""Convolution against torch's, as a matrix, and what it refuses."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ravm_course.vision.convolution import as_matrix, correlate, receptive_field, windows


@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_correlate_and_its_gradients_equal_torch(size, kernel, stride, padding, seed):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 3, *size, generator=draw, dtype=torch.double, requires_grad=True)
    weight = torch.randn(4, 3, kernel, kernel, generator=draw, dtype=torch.double)
    bias = torch.randn(4, generator=draw, dtype=torch.double)
    weight.requires_grad_()
    if min(size) + 2 * padding < kernel:
        with pytest.raises(ValueError, match="does not fit"):
            correlate(x, weight, bias, stride=stride, padding=padding)
        return
    ours = correlate(x, weight, bias, stride=stride, padding=padding)
    theirs = F.conv2d(x, weight, bias, stride, padding)
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(
        torch.autograd.grad(ours.square().sum(), (x, weight)),
        torch.autograd.grad(theirs.square().sum(), (x, weight)),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@given(st.integers(1, 3), st.integers(3, 6), st.integers(3, 7))
def test_the_matrix_does_what_the_pattern_does(kernel, height, width):
    pattern, picture = torch.randn(kernel, kernel), torch.randn(height, width)
    matrix = as_matrix(pattern, height, width)
    direct = correlate(picture[None, None], pattern[None, None])
    torch.testing.assert_close(matrix @ picture.flatten(), direct.flatten(), rtol=1e-4, atol=1e-5)
    assert (matrix != 0).sum() == len(matrix) * kernel**2
    assert len(matrix.unique()) <= kernel**2 + 1


@given(st.integers(-2, 2), st.integers(-2, 2))
def test_a_shift_before_is_a_shift_after(down, right):
    picture = torch.randn(1, 1, 12, 12)
    pattern = torch.randn(1, 1, 3, 3)
    before = correlate(picture.roll((down, right), (2, 3)), pattern)
    after = correlate(picture, pattern).roll((down, right), (2, 3))
    inside = (slice(None), slice(None), slice(3, 7), slice(3, 7))
    torch.testing.assert_close(before[inside], after[inside])


@given(st.lists(st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 2])), max_size=4))
def test_receptive_field_is_where_the_gradient_is(layers):
    field = receptive_field(layers)
    network = nn.Sequential(*(nn.Conv2d(1, 1, k, s, bias=False) for k, s in layers))
    for layer in network:
        nn.init.ones_(layer.weight)
    picture = torch.zeros(1, 1, 1, 1)
    x = torch.zeros(1, 1, field, field, requires_grad=True)
    out = network(x)
    assert out.shape == picture.shape
    out.sum().backward()
    # a kernel smaller than the stride of what is below leaves gaps, never at the ends
    seen = (x.grad[0, 0] != 0).any(0)
    assert seen[0]
    assert seen[-1]


def test_windows_are_a_view():
    x = torch.zeros(1, 1, 4, 4)
    windows(x, 2)[0, 0, 0, 0, 0, 0] = 5
    assert x[0, 0, 0, 0] == 5


@pytest.mark.parametrize(
    ("x", "weight", "options", "error"),
    [
        (torch.rand(3, 4, 4), torch.rand(1, 3, 2, 2), {}, r"expected \(B, C, H, W\)"),
        (torch.rand(1, 3, 4, 4), torch.rand(1, 2, 2, 2), {}, "3 channels and the patterns 2"),
        (torch.rand(1, 3, 4, 4), torch.rand(1, 3, 2, 3), {}, r"expected \(O, C, k, k\)"),
        (torch.rand(1, 3, 4, 4), torch.rand(1, 3, 2, 2), {"stride": 0}, "stride 0"),
        (torch.rand(1, 3, 4, 4), torch.rand(1, 3, 2, 2), {"padding": -1}, "padding -1"),
        (torch.rand(1, 3, 0, 4), torch.rand(1, 3, 2, 2), {}, "does not fit into 0 x 4"),
    ],
)
def test_what_does_not_fit_is_refused(x, weight, options, error):
    with pytest.raises(ValueError, match=error):
        correlate(x, weight, **options)
