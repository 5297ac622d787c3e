"""Train the GPT that ships with the course, on the training speeches alone.

It reads windows drawn at random from the training speeches, one behind the other, and predicts each
next token. Matrices inside the blocks are moved by Muon, the token vectors and the norms by AdamW;
the learning rates fall linearly to nothing. Products are computed in bfloat16, weights are kept in
single precision. The settings were not searched: one run was made, watched on the validation
speeches. The test speeches are not read here, but by ``benchmarks/race.py``.

A run that was killed goes on where it was:

    OMP_NUM_THREADS=1 python tools/train_gpt.py
    OMP_NUM_THREADS=1 python tools/train_gpt.py --steps 20 --evaluate-every 20 --output trial
"""

from __future__ import annotations

import argparse
import hashlib
import math
import platform
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from ravm_course.data.files import manifest
from ravm_course.lm import GPT, GPTConfig, load_speech_tokens, next_token_loss, token_log_probs
from ravm_course.lm.pretraining import windows_of
from ravm_course.lm.speech_tokens import Part
from ravm_course.training import Together, fit, save_weights

ROOT = Path(__file__).resolve().parents[1]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--steps", type=int, default=3600, help="updates (%(default)s)")
    add("--batch", type=int, default=16, help="windows a step (%(default)s)")
    add("--vocabulary", type=int, default=4096, help="tokens (%(default)s)")
    add("--context", type=int, default=256, help="tokens a window (%(default)s)")
    add("--channels", type=int, default=256, help="(%(default)s)")
    add("--heads", type=int, default=4, help="(%(default)s)")
    add("--layers", type=int, default=4, help="(%(default)s)")
    add("--dropout", type=float, default=0.1, help="(%(default)s)")
    add("--muon-lr", type=float, default=0.02, help="of the blocks' matrices (%(default)s)")
    add("--adam-lr", type=float, default=0.004, help="of all else (%(default)s)")
    add("--weight-decay", type=float, default=0.1, help="(%(default)s)")
    add("--seed", type=int, default=0, help="(%(default)s)")
    add("--evaluate-every", type=int, default=400, help="steps (%(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--work", type=Path, default=ROOT / "build" / "train_gpt", help="for unfinished runs")
    add("--output", type=Path, default=ROOT / "ravm_course" / "checkpoints", help="(%(default)s)")
    return parser.parse_args(arguments)


def optimizer_of(model: GPT, muon_lr: float, adam_lr: float, weight_decay: float) -> Together:
    """Give the matrices of the blocks to Muon, and all other parameters to AdamW."""
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    inside = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in inside]
    return Together(
        torch.optim.Muon(matrices, lr=muon_lr, weight_decay=weight_decay),
        torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    )


def half_precision_loss(model: nn.Module, ids: Tensor) -> Tensor:
    """Compute the next-token loss with products in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16):
        return next_token_loss(model, ids)


def bits_per_byte(model: GPT, part: Part, end: int, step: int | None = None) -> float:
    """Return what a part costs, in bits a byte."""
    nats = -sum(
        token_log_probs(model, ids, begin=end, step=step).double().sum().item() for ids in part.ids
    )
    return nats / math.log(2) / sum(part.n_bytes)


def main(arguments: list[str] | None = None) -> None:
    """Train, measure on the validation speeches, store."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    speeches = load_speech_tokens(options.vocabulary)
    config = GPTConfig(
        vocab_size=speeches.vocab_size, context=options.context, channels=options.channels,
        heads=options.heads, layers=options.layers, dropout=options.dropout, bias=False,
        positions="rotary",
    )  # fmt: skip
    torch.manual_seed(options.seed)
    model = GPT(config)
    stream = speeches.train.stream()
    settings = {key: value for key, value in vars(options).items() if key not in ("work", "output")}
    name = hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()[:12]
    options.work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)

    spent = {"training": 0.0, "steps": 0}

    def loss(model: nn.Module, ids: Tensor) -> Tensor:
        spent["steps"] += 1
        return half_precision_loss(model, ids)

    def evaluate(model: GPT) -> dict[str, float]:
        begin = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            bits = bits_per_byte(model, speeches.validation, speeches.end, step=options.context)
        spent["training"] -= time.process_time() - begin
        print(f"bits per byte on validation, windows apart: {bits:.4f}", flush=True)
        return {"bits_per_byte": bits}

    begin = time.process_time()
    history = fit(
        model, loss, lambda g: windows_of(stream, g, options.batch, options.context + 1),
        steps=options.steps, schedule="linear", warmup=options.steps // 30, clip_norm=1.0,
        optimizer=optimizer_of(
            model, options.muon_lr, options.adam_lr, options.weight_decay
        ),
        seed=options.seed, evaluate=evaluate, evaluate_every=options.evaluate_every,
        monitor="bits_per_byte", checkpoint=options.work / f"{name}.safetensors",
        checkpoint_every=100,
    )  # fmt: skip
    spent["training"] += time.process_time() - begin
    cpu_seconds_a_step = spent["training"] / max(1, spent["steps"])

    model = model.half().float().eval()  # as it is shipped
    facts = {
        "command": "OMP_NUM_THREADS=1 python tools/train_gpt.py",
        "settings": settings,
        "config": asdict(config),
        "seed": options.seed,
        "data_sha256": manifest()["speeches/speeches.jsonl.xz"]["sha256"],
        "licence": "MIT (trained on works of the US government, in the public domain)",
        "training_tokens": len(stream),
        "tokens_a_step": options.batch * options.context,
        "cpu_seconds_a_step": round(cpu_seconds_a_step, 3),
        "cpu_seconds": round(cpu_seconds_a_step * options.steps),
        "validation": [
            {"step": row["step"], "bits_per_byte": round(row["bits_per_byte"], 4)}
            for row in history.evaluations
        ],
        "validation_bits_per_byte": round(
            bits_per_byte(model, speeches.validation, speeches.end), 4
        ),
        "selected_on": "nothing: one run, watched on the validation speeches",
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
    }
    save_weights(model.half(), options.output / "speech-gpt.safetensors", **facts)
    print(facts["validation_bits_per_byte"])


if __name__ == "__main__":
    main()
