"""The block equals PyTorch's encoder layer; costs are counted right."""

import torch

from ravm_course.nn import Block, causal_mask
from ravm_course.nn.transformer import count_parameters, matrix_flops


def test_block_equals_pytorch():
    own = Block(8, heads=2).double()
    peer = torch.nn.TransformerEncoderLayer(
        8,
        2,
        dim_feedforward=32,
        dropout=0.0,
        activation=lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        norm_first=True,
        batch_first=True,
    ).double()
    names = {
        "self_attn.in_proj_": "attention.project_in.",
        "self_attn.out_proj.": "attention.project_out.",
        "linear1.": "feed_forward.widen.",
        "linear2.": "feed_forward.narrow.",
        "norm1.": "attention_norm.",
        "norm2.": "feed_forward_norm.",
    }
    state = {
        theirs + kind: own.state_dict()[ours + kind]
        for theirs, ours in names.items()
        for kind in ("weight", "bias")
    }
    peer.load_state_dict(state)
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    torch.testing.assert_close(own(x), peer(x))
    torch.testing.assert_close(own(x, causal=True), peer(x, src_mask=~causal_mask(5)))


def test_a_block_has_twelve_squares_of_weights():
    block = Block(16, heads=4, bias=False)
    norms = 4 * 16
    assert count_parameters(block) - norms == 12 * 16 * 16
    assert matrix_flops(block, tokens=10) == 2 * 10 * 12 * 16 * 16


def test_dropout_acts_in_training_only():
    block = Block(16, heads=4, dropout=0.5)
    x = torch.randn(1, 4, 16)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
