"""Pretrain the three small models that chapter 9 compares, on the training speeches alone.

Each reads the same number of windows of the same text, in the same vocabulary, with the same
optimiser: a GPT predicts the next token, a BERT restores hidden tokens, a T5 writes what was cut.
Learning rates and shares of hidden or cut tokens were chosen by the loss on the validation speeches
in runs of a few hundred steps, see RECIPE; the test speeches are not read here.

A run that was killed goes on where it was:

    OMP_NUM_THREADS=1 python tools/pretrain.py
    OMP_NUM_THREADS=1 python tools/pretrain.py --kinds bert --steps 40 --output trial

With ``--ablations`` no weights are written. Short runs of the BERT with one change each show where
it loses its time; their losses go into ``objective-ablations.json``:

    OMP_NUM_THREADS=1 python tools/pretrain.py --ablations
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from ravm_course.data import atomic
from ravm_course.data.files import manifest
from ravm_course.lm.objectives import IGNORED
from ravm_course.lm.pretraining import (
    KINDS,
    MARKS,
    TOKENS,
    WINDOW,
    exercise,
    exercise_loss,
    new_model,
    text_loss,
    windows_of,
    with_left_token,
)
from ravm_course.lm.speech_tokens import load_speech_tokens
from ravm_course.training import fit, save_weights
from ravm_course.training.checkpoint import read_tensors

ROOT = Path(__file__).resolve().parents[1]

#: BERT normalises after each sum; at three times this learning rate it stayed at the frequencies.
#: T5 does not divide its scores by a root, so its blocks want small steps, and its token vectors,
#: which begin fifty times as large as those of the others, want large ones
RECIPE = {
    "gpt": {"lr": 3e-3, "token_lr": 3e-3, "share": 0.15},  # the share is not used
    "bert": {"lr": 1e-3, "token_lr": 1e-3, "share": 0.4},
    "t5": {"lr": 1e-3, "token_lr": 2e-2, "share": 0.3},
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="(%(default)s)")
    add("--steps", type=int, default=2500, help="updates (%(default)s)")
    add("--batch", type=int, default=16, help="windows a step (%(default)s)")
    add("--share", type=float, help="of tokens hidden or cut (see RECIPE)")
    add("--lr", type=float, help="learning rate (see RECIPE)")
    add("--token-lr", type=float, help="of the token vectors (see RECIPE)")
    add("--weight-decay", type=float, default=0.05, help="(%(default)s)")
    add("--seed", type=int, default=0, help="(%(default)s)")
    add("--evaluate-every", type=int, default=200, help="steps (%(default)s)")
    add("--ablations", action="store_true", help="short runs with one change each")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--work", type=Path, default=ROOT / "build" / "pretrain", help="for unfinished runs")
    add("--output", type=Path, default=ROOT / "ravm_course" / "checkpoints", help="(%(default)s)")
    return parser.parse_args(arguments)


#: what is changed in the short runs of a BERT: share hidden, change of the model
ABLATIONS = {
    "15 % hidden": (0.15, None),
    "40 % hidden": (0.4, None),
    "left token given": (0.15, with_left_token),
}


def ablate(options: argparse.Namespace, steps: int = 400, lr: float = 1e-3) -> None:
    """Train each short run, all with one learning rate; store the losses of hidden tokens."""
    speeches = load_speech_tokens(TOKENS)
    stream, end = speeches.train.stream(), speeches.end
    runs = {}
    for name, (share, change) in ABLATIONS.items():
        model = new_model("bert", speeches.vocab_size + MARKS, seed=options.seed)
        if change is not None:
            change(model)
        history = fit(
            model,
            exercise_loss(end),
            lambda chance, share=share: exercise(
                "bert", windows_of(stream, chance, options.batch), chance, end, share=share
            ),
            steps=steps,
            lr=lr,
            weight_decay=options.weight_decay,
            schedule="constant",
            warmup=steps // 10,
            clip_norm=1.0,
            seed=options.seed,
            evaluate=evaluator("bert", speeches.validation.stream(), end, 0.0, hidden_only=True),
            evaluate_every=steps // 8,
        )
        runs[name] = history.evaluations
        print(name, round(history.evaluations[-1]["loss"], 3), flush=True)
    facts = {
        "command": "python tools/pretrain.py --ablations",
        "seed": options.seed,
        "steps": steps,
        "lr": lr,
        "tokens_a_step": options.batch * WINDOW,
        "runs": runs,
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=True)
    atomic.write_text(options.output / "objective-ablations.json", text + "\n")


def unigram_loss(stream: Tensor, batch: tuple[Tensor, Tensor], end: int) -> float:
    """Return the mean loss of the targets under the relative frequencies of the tokens."""
    counts = torch.bincount(stream, minlength=end + 1) + 0.1
    targets = batch[1][(batch[1] >= 0) & (batch[1] <= end)]
    return -(counts / counts.sum())[targets].log().mean().item()


def evaluator(
    kind: str,
    held_out: Tensor,
    end: int,
    spent: float,
    *,
    windows: int = 256,
    hidden_only: bool = False,
) -> Callable[[nn.Module], dict[str, float]]:
    """Return what `fit` calls: the loss of the same targets each time, and CPU seconds so far.

    The seconds are those of training: evaluating does not count. With `hidden_only`, BERT is asked
    for the tokens alone that the mask hides, not for those that are replaced or left.
    """
    chance = torch.Generator().manual_seed(0)
    batches = [
        exercise(kind, windows_of(held_out, chance, 64), chance, end) for _ in range(windows // 64)
    ]
    if hidden_only:
        batches = [
            (inputs, targets.masked_fill(inputs != end + 1, IGNORED)) for inputs, targets in batches
        ]
    clock = {"begin": time.process_time() - spent}

    def evaluate(model: nn.Module) -> dict[str, float]:
        stopped = time.process_time()
        loss = torch.cat([text_loss(model, batch, end) for batch in batches]).mean()
        seconds = stopped - clock["begin"]
        clock["begin"] += time.process_time() - stopped
        return {"loss": float(loss), "cpu_seconds": round(seconds, 1)}

    evaluate.batches = batches
    return evaluate


def pretrain(kind: str, options: argparse.Namespace) -> None:
    """Train one model and write it, in half precision, with what is known about it."""
    speeches = load_speech_tokens(TOKENS)
    stream, end = speeches.train.stream(), speeches.end
    lr, token_lr, share = (
        RECIPE[kind][name] if getattr(options, name) is None else getattr(options, name)
        for name in ("lr", "token_lr", "share")
    )
    model = new_model(kind, speeches.vocab_size + MARKS, seed=options.seed)
    checkpoint = options.work / (
        f"{kind}-{options.steps}-{share}-{lr}-{token_lr}-seed{options.seed}.safetensors"
    )
    spent = 0.0
    if checkpoint.exists():
        done = read_tensors(checkpoint)[1]["history"]["evaluations"]
        spent = done[-1]["cpu_seconds"] if done else 0.0
    evaluate = evaluator(kind, speeches.validation.stream(), end, spent)
    history = fit(
        model,
        exercise_loss(end),
        lambda chance: exercise(
            kind, windows_of(stream, chance, options.batch), chance, end, share=share
        ),
        steps=options.steps,
        optimizer=torch.optim.AdamW(
            [
                {"params": [p for p in model.parameters() if p is not model.token.weight]},
                {"params": [model.token.weight], "lr": token_lr},
            ],
            lr=lr,
            weight_decay=options.weight_decay,
            fused=True,
        ),
        warmup=min(100, options.steps // 10),
        clip_norm=1.0,
        seed=options.seed,
        evaluate=evaluate,
        evaluate_every=options.evaluate_every,
        checkpoint=checkpoint,
        checkpoint_every=options.evaluate_every,
    )
    every = options.evaluate_every
    facts = {
        "command": " ".join(["python tools/pretrain.py", *sys.argv[1:]]),
        "kind": kind,
        "seed": options.seed,
        "config": asdict(model.config),
        "steps": options.steps,
        "tokens_read": options.steps * options.batch * WINDOW,
        "share": share,
        "lr": lr,
        "token_lr": token_lr,
        "cpu_seconds": history.evaluations[-1]["cpu_seconds"],
        "validation": history.evaluations,
        "validation_loss_of_unigram": round(
            sum(unigram_loss(stream, batch, end) for batch in evaluate.batches)
            / len(evaluate.batches),
            4,
        ),
        "training_loss": [
            round(math.fsum(history.losses[i : i + every]) / len(history.losses[i : i + every]), 4)
            for i in range(0, options.steps, every)
        ],
        "data_sha256": hashlib.sha256(
            manifest()["speeches/speeches.jsonl.xz"]["sha256"].encode()
        ).hexdigest(),
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        "stored": "half precision",
    }
    save_weights(model.half(), options.output / f"objective-{kind}.safetensors", **facts)
    last = history.evaluations[-1]
    print(f"{kind}: {last['loss']:.3f} nats, {last['cpu_seconds']:.0f} CPU seconds", flush=True)


def main() -> None:
    """Train what was asked for, one after the other."""
    options = parse()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    if options.ablations:
        ablate(options)
        return
    for kind in options.kinds:
        pretrain(kind, options)


if __name__ == "__main__":
    main()
