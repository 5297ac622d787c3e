"""RNN, LSTM and GRU beside PyTorch's of the same weights: one forward and backward pass.

    OMP_NUM_THREADS=2 python benchmarks/recurrent.py

Outputs and gradients are asserted equal first. What counts is how many times PyTorch's time ours
takes; the goal is at most 2.
"""

from __future__ import annotations

import argparse

import torch
from timing import fix_threads, interleave, write

from ravm_course.nn import GRU, LSTM, RNN

PAIRS = {"rnn": (RNN, torch.nn.RNN), "lstm": (LSTM, torch.nn.LSTM), "gru": (GRU, torch.nn.GRU)}
SHAPES = ((32, 32, 64), (16, 32, 192), (16, 64, 256))  # batch, time, channels


def compare(cell: str, shape: tuple[int, int, int], repeats: int) -> dict:
    """Time one pass through both layers on inputs (B, T, C)."""
    own, peer = PAIRS[cell]
    torch.manual_seed(0)
    batch, time, channels = shape
    peer = peer(channels, channels, batch_first=True)
    own = own(channels, channels)
    own.load_state_dict(peer.state_dict())
    x = torch.randn(shape, requires_grad=True)
    weight = torch.randn(shape)

    def run(layer: torch.nn.Module) -> list[torch.Tensor]:
        output, _ = layer(x)
        sources = [x, *layer.parameters()]
        return [output.detach(), *torch.autograd.grad((output * weight).sum(), sources)]

    for ours, theirs in zip(run(own), run(peer), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    seconds = interleave({"ours": lambda: run(own), "pytorch": lambda: run(peer)}, repeats)
    row = {
        "cell": cell,
        "batch": batch,
        "time": time,
        "channels": channels,
        "our_ms": round(1e3 * seconds["ours"], 1),
        "pytorch_ms": round(1e3 * seconds["pytorch"], 1),
        "times_pytorch": round(seconds["ours"] / seconds["pytorch"], 2),
    }
    print(row, flush=True)
    return row


def main() -> None:
    """Compare all cells at all shapes and store the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15, help="turns (%(default)s)")
    options = parser.parse_args()
    fix_threads(2)
    rows = [compare(cell, shape, options.repeats) for cell in PAIRS for shape in SHAPES]
    print(write("recurrent", "OMP_NUM_THREADS=2 python benchmarks/recurrent.py", rows))


if __name__ == "__main__":
    main()
