"""Attention equals PyTorch's; what must hold of it holds."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.nn import KeyValueCache, MultiHeadAttention, Rotary, attention, causal_mask


def rand(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@settings(max_examples=25, deadline=None)
@given(queries=st.integers(1, 6), keys=st.integers(1, 6), seed=st.integers(0, 99))
def test_equals_the_fused_kernel(queries, keys, seed):
    torch.manual_seed(seed)
    q, k, v = rand(2, 3, queries, 4), rand(2, 3, keys, 4), rand(2, 3, keys, 5)
    mask = torch.rand(2, 1, queries, keys) < 0.7
    for seen in (None, mask):
        output, weights = attention(q, k, v, seen)
        expected = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        torch.testing.assert_close(output, expected)
        total = torch.ones_like(weights[..., 0])
        if seen is not None:
            total = (seen.any(dim=-1) * 1.0).double().expand_as(total)
        torch.testing.assert_close(weights.sum(dim=-1), total)


def test_causal_mask_of_later_queries_is_the_end_of_the_whole():
    assert torch.equal(causal_mask(3, 7), causal_mask(7)[4:])


@pytest.mark.parametrize("bias", [True, False])
def test_heads_equal_pytorch(bias):
    own = MultiHeadAttention(12, 3, bias=bias).double()
    peer = torch.nn.MultiheadAttention(12, 3, bias=bias, batch_first=True).double()
    peer.in_proj_weight.data.copy_(own.project_in.weight)
    peer.out_proj.weight.data.copy_(own.project_out.weight)
    if bias:
        peer.in_proj_bias.data.copy_(own.project_in.bias)
        peer.out_proj.bias.data.copy_(own.project_out.bias)
    x, source = rand(2, 5, 12), rand(2, 7, 12)
    hidden = ~causal_mask(5)
    torch.testing.assert_close(
        own(x, causal=True), peer(x, x, x, attn_mask=hidden, need_weights=False)[0]
    )
    expected, weights = peer(x, source, source, average_attn_weights=False)
    torch.testing.assert_close(own(x, source), expected)
    torch.testing.assert_close(own.weights(x, source), weights)


def test_is_equivariant_under_permutation_without_a_mask():
    layer = MultiHeadAttention(8, 2).double()
    x, order = rand(2, 6, 8), torch.randperm(6)
    torch.testing.assert_close(layer(x[:, order]), layer(x)[:, order])


@pytest.mark.parametrize("rotate", [None, Rotary(4, 16)])
def test_the_future_changes_nothing_before_it(rotate):
    layer = MultiHeadAttention(8, 2, rotate=rotate).double()
    x = rand(1, 6, 8)
    changed = x.clone()
    changed[:, 4:] += 1
    before, after = layer(x, causal=True), layer(changed, causal=True)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


@pytest.mark.parametrize("rotate", [None, Rotary(4, 16)])
@pytest.mark.parametrize("parts", [(6,), (1,) * 6, (3, 1, 2)])
def test_cached_equals_uncached(rotate, parts):
    layer = MultiHeadAttention(8, 2, rotate=rotate).double().eval()
    x = rand(2, 6, 8)
    cache = KeyValueCache(capacity=6)
    pieces = [layer(part, causal=True, cache=cache) for part in x.split(parts, dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), layer(x, causal=True))


def test_a_cache_is_reordered_and_has_an_end():
    cache = KeyValueCache(capacity=3)
    step = rand(2, 1, 2, 4)
    keys, _ = cache.append(step, step)
    expected = keys[[1, 1]].clone()
    cache.select(torch.tensor([1, 1]))
    keys, _ = cache.append(step[:, :, :1], step[:, :, :1])
    torch.testing.assert_close(keys[:, :, :2], expected)
    with pytest.raises(ValueError, match="5 positions do not fit into a cache of 3"):
        cache.append(step, step)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: attention(rand(2, 3), rand(2, 4), rand(2, 4)), "do not fit"),
        (lambda: attention(rand(2, 3), rand(4, 3), rand(5, 3)), "do not fit"),
        (lambda: attention(rand(2, 3), rand(4, 3), rand(4, 3), torch.ones(2, 4)), "torch.bool"),
        (lambda: MultiHeadAttention(8, 3), "3 heads do not divide 8"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
