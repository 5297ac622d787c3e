"""Four ways to say where a token stands, in small GPTs of the same size, on the same batches.

    python benchmarks/positions.py

Each model learns from sequences of 64 tokens of the training speeches (a vocabulary of 1,024 byte
pairs) and is read on the validation speeches in windows of 256, four times as long, so that every
position up to 63 was trained and none behind it. All is done twice: with token vectors as GPT-2
draws them, and three times as large. Counting is the baseline: Kneser-Ney models of pairs and of
triples, from as many pieces of the same length. Stored are, for every size, kind, seed, part of the
window and speech, the bits that the tokens there cost; and the bytes that they stand for.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time

import torch
import torch.nn.functional as F
from timing import fix_threads, write
from torch import Tensor

from ravm_course.lm import GPT, GPTConfig, next_token_loss
from ravm_course.lm.gpt import POSITIONS
from ravm_course.lm.speech_tokens import SpeechTokens, load_speech_tokens
from ravm_course.text.ngram import NGramLM
from ravm_course.training import fit

TRAINED, READ = 64, 256
EDGES = (0, 16, 32, 64, 96, 128, 192, READ)  # parts of the window
BATCH = 8
SIZES = (1, 3)  # times the first token vectors of GPT-2
ORDERS = (2, 3)  # of the n-gram models


def windows(speeches: SpeechTokens, a_speech: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return windows of validation speeches: ids read, ids predicted, bytes of those."""
    rows = []
    for ids in speeches.validation.ids:
        starts = torch.linspace(0, len(ids) - READ - 1, a_speech).long()
        rows += [ids[start : start + READ + 1] for start in starts]
    length = torch.tensor([*map(len, speeches.tokenizer.vocabulary), 0])
    whole = torch.stack(rows)
    return whole[:, :-1], whole[:, 1:], length[whole[:, 1:]]


def pieces(stream: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return random pieces of the training text, one token longer than what is read."""
    starts = torch.randint(len(stream) - TRAINED, (count, 1), generator=generator)
    return stream[starts + torch.arange(TRAINED + 1)]


def count(order: int, some: Tensor, vocab_size: int, read: Tensor, predicted: Tensor) -> Tensor:
    """Return what each predicted token costs an n-gram model of some pieces, in bits."""
    known = [*map(str, range(vocab_size))]
    model = NGramLM(order, discount_fallback=True)  # for order 1: hardly any token is rare
    model.fit([[*map(str, row)] for row in some.tolist()], vocabulary=known)
    whole = torch.cat([read[:, :1], predicted], dim=1).tolist()
    logs = torch.from_numpy(model.log_probs([[*map(str, row)] for row in whole]))
    logs = logs.view(len(whole), -1)[:, 1:-1]  # not the first token, and not the end
    return -logs / math.log(2)


def train(
    positions: str, size: float, seed: int, stream: Tensor, vocab_size: int, steps: int
) -> GPT:
    """Return a trained model whose context is that of the windows."""
    torch.manual_seed(seed)
    model = GPT(
        GPTConfig(vocab_size, context=READ, channels=64, heads=4, layers=2, positions=positions)
    )
    model.token.weight.data *= size

    def draw(generator: torch.Generator) -> Tensor:
        return pieces(stream, BATCH, generator)

    fit(
        model, next_token_loss, draw, steps=steps, lr=5e-3, warmup=steps // 20, clip_norm=1.0,
        seed=seed, progress=False,
    )  # fmt: skip
    return model


@torch.inference_mode()
def bits(model: GPT, read: Tensor, predicted: Tensor) -> Tensor:
    """Return what each predicted token costs, in bits, of the shape of `predicted`."""
    parts = [
        F.cross_entropy(model(some).flatten(0, 1), other.flatten(), reduction="none")
        for some, other in zip(read.split(16), predicted.split(16), strict=True)
    ]
    return torch.cat(parts).view_as(predicted) / math.log(2)


def by_part(values: Tensor, a_speech: int) -> list[list[float]]:
    """Add up ``(windows, READ)`` values to one number a part of the window and speech."""
    of_speech = values.double().view(-1, a_speech, READ).sum(dim=1)
    return [
        [round(value, 2) for value in of_speech[:, begin:end].sum(dim=1).tolist()]
        for begin, end in itertools.pairwise(EDGES)
    ]


def main() -> None:
    """Train all, print a line each, and write benchmarks/results/positions.json."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1000, help="of training")
    parser.add_argument("--seeds", type=int, default=5, help="models of each kind")
    parser.add_argument("--windows", type=int, default=4, help="of each speech")
    options = parser.parse_args()
    fix_threads(1)
    speeches = load_speech_tokens(1024)
    stream = speeches.train.stream()
    read, predicted, length = windows(speeches, options.windows)
    results: dict = {
        "edges": EDGES,
        "trained": TRAINED,
        "tokens": options.steps * BATCH * TRAINED,
        "training_tokens": len(stream),
        "vocab_size": speeches.vocab_size,
        "bytes": by_part(length, options.windows),
        "bits": {size: {kind: [] for kind in POSITIONS} for size in SIZES},
    }
    some = pieces(stream, options.steps * BATCH, torch.Generator().manual_seed(0))
    results["counts"] = {}
    for order in ORDERS:
        costs = count(order, some, speeches.vocab_size, read, predicted)
        results["counts"][order] = by_part(costs, options.windows)
        print(f"Kneser-Ney {order}: {costs.sum() / length.sum():.3f} bits per byte", flush=True)
    for seed, size, kind in itertools.product(range(options.seeds), SIZES, POSITIONS):
        begin = time.process_time()
        model = train(kind, size, seed, stream, speeches.vocab_size, options.steps)
        seconds = time.process_time() - begin
        costs = bits(model, read, predicted)
        results["bits"][size][kind].append(by_part(costs, options.windows))
        inside, behind = (
            costs[:, part].sum() / length[:, part].sum()
            for part in (slice(0, TRAINED), slice(TRAINED, READ))
        )
        print(
            f"{kind:<11} x{size} {seed}: {inside:.3f} inside, {behind:.3f} behind, {seconds:.0f} s",
            flush=True,
        )
    write(
        "positions",
        f"python benchmarks/positions.py --steps {options.steps} --seeds {options.seeds} "
        f"--windows {options.windows}",
        results,
    )


if __name__ == "__main__":
    main()
