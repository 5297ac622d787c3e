"""Train the two towers that ship with the course, from scratch, on the emoji of many hands.

Every batch holds different concepts; each is drawn as one of its training artists did, changed at
random, and described in English or Chinese by its name, by keywords or by both
(``ravm_course.vlm.pairs``).

Settings were chosen on ``validation`` (an artist who is not in training) and on nothing else; the
test sets are opened after the last step. Several seeds are trained; the weights of the first ship,
whatever the others reached. A run that was killed goes on where it was, and a seed that is finished
is not trained again:

    python tools/train_clip.py
    python tools/train_clip.py --seeds 0 --steps 20 --work trial --output trial/clip.safetensors
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

from ravm_course import data
from ravm_course.data.atomic import write_text
from ravm_course.data.files import FOLDER as DATA
from ravm_course.metrics import bootstrap_interval
from ravm_course.training import fit, load_weights, save_weights
from ravm_course.vlm import CLIP, CLIPConfig, clip_loss, encode_images, hits, pair_drawer

ROOT = Path(__file__).resolve().parents[1]
TESTS = ("test_artist", "test_concept", "test_both", "stamps")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="(%(default)s)")
    add("--steps", type=int, default=2700, help="updates (%(default)s)")
    add("--batch", type=int, default=256, help="pairs a step (%(default)s)")
    add("--lr", type=float, default=2e-3, help="learning rate (%(default)s)")
    add("--weight-decay", type=float, default=0.3, help="of AdamW (%(default)s)")
    add("--strength", type=float, default=0.9, help="of the random changes (%(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--device", default="cpu", help="cpu, cuda or mps (%(default)s)")
    add(
        "--output",
        type=Path,
        default=ROOT / "ravm_course" / "checkpoints" / "emoji-clip.safetensors",
        help="where the weights go, with the facts beside them "
        "(ravm_course/checkpoints/emoji-clip.safetensors)",
    )
    add(
        "--work",
        type=Path,
        default=ROOT / "build" / "train_clip",
        help="folder of the runs, finished and unfinished (build/train_clip)",
    )
    return parser.parse_args(arguments)


def loss(model: CLIP, batch: tuple[torch.Tensor, list[str]]) -> torch.Tensor:
    """Return the contrastive loss of a batch."""
    pictures, texts = batch
    return clip_loss(model.encode_image(pictures), model.encode_text(texts), model.logit_scale)


def pictures_and_names(name: str, language: str) -> tuple[np.ndarray, list[str]]:
    """Return the pictures of a set whose subject has a name in a language, and the names."""
    if name == "stamps":
        stamps = data.load_stamps()
        images, names = stamps.images, getattr(stamps, f"caption_{language}")
    else:
        emoji, rows = data.load_emoji(), getattr(data.load_emoji_splits(), name)
        images = emoji.images[rows]
        names = [getattr(emoji.concepts[c], f"name_{language}") for c in emoji.concept[rows]]
    keep = [i for i, text in enumerate(names) if text]
    return images[keep], [names[i] for i in keep]


def name_hits(model: CLIP, images: np.ndarray, names: list[str]) -> tuple[np.ndarray, int]:
    """Say for each picture whether its own name is nearest among all names of the set."""
    gallery = sorted(set(names))
    with torch.no_grad():
        text_features = model.encode_text(gallery).cpu()
    return hits(encode_images(model, images), text_features, names, gallery), len(gallery)


def measure(model: CLIP, sets: tuple[str, ...]) -> dict[str, dict]:
    """Measure recall at 1 from picture to name, in both languages, with 95 % intervals."""
    results = {}
    for name in sets:
        for language in ("en", "zh"):
            right, choices = name_hits(model, *pictures_and_names(name, language))
            interval = bootstrap_interval(right)
            results[f"{name}.{language}"] = {
                "n": len(right),
                "choices": choices,
                "recall_at_1": round(interval.mean, 4),
                "low": round(interval.low, 4),
                "high": round(interval.high, 4),
            }
    return results


def data_hash() -> str:
    """Return one SHA-256 over the recorded hashes of the emoji files."""
    manifest = json.loads((DATA / "MANIFEST.json").read_text(encoding="utf-8"))
    lines = sorted(f"{k} {v['sha256']}" for k, v in manifest.items() if v["set"] == "emoji")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def train(options: argparse.Namespace, seed: int, folder: Path) -> tuple[CLIP, list[dict], float]:
    """Train the towers of one seed; return them, what validation said, and CPU seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = CLIP(CLIPConfig()).to(options.device)
    images, names = pictures_and_names("validation", "en")
    clock = folder / "cpu_seconds.json"
    earlier = json.loads(clock.read_text(encoding="utf-8")) if clock.exists() else 0.0
    begin = time.process_time()

    def evaluate(model: CLIP) -> dict[str, float]:
        right, _ = name_hits(model, images, names)
        cpu = earlier + time.process_time() - begin
        write_text(clock, json.dumps(cpu))
        scale = model.logit_scale.item()
        print(
            f"seed {seed}: validation {right.mean():.4f}, scale {scale:.1f}, {cpu:.0f} CPU seconds",
            flush=True,
        )
        return {"loss": 1 - right.mean(), "recall_at_1": right.mean(), "scale": scale}

    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    history = fit(
        model,
        loss,
        pair_drawer(
            data.load_emoji(),
            data.load_emoji_splits(),
            batch=options.batch,
            size=model.config.image_size,
            strength=options.strength,
        ),
        steps=options.steps,
        optimizer=torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": options.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=options.lr,
            betas=(0.9, 0.98),
        ),
        warmup=min(50, options.steps // 4),
        clip_norm=1.0,
        seed=seed,
        device=options.device,
        evaluate=evaluate,
        evaluate_every=max(1, options.steps // 10),
        checkpoint=folder / "run.safetensors",
        checkpoint_every=max(1, min(100, options.steps // 2)),
    )
    return model, history.evaluations, earlier + time.process_time() - begin


def main(arguments: list[str] | None = None) -> None:
    """Train every seed, watch validation, test each once, write the checkpoint of the first."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    plain = {k: v for k, v in vars(options).items() if not isinstance(v, Path)}
    settings = "-".join(
        str(v) for v in (options.steps, options.batch, options.lr, options.weight_decay,
                         options.strength, data_hash()[:8])
    )  # fmt: skip
    records = []
    for seed in options.seeds:
        folder = options.work / f"{settings}-seed{seed}"
        finished = folder / "clip.safetensors"
        if not finished.exists():
            model, curve, cpu_seconds = train(options, seed, folder)
            save_weights(
                half(model),
                finished,
                config=dataclasses.asdict(model.config),
                seed=seed,
                data_sha256=data_hash(),
                selection="validation (openmoji, seen concepts); nothing by a test set",
                metrics=measure(model, ("validation", *TESTS)),
                validation_curve=curve,
                cpu_seconds=round(cpu_seconds),
                versions={"python": platform.python_version(), "torch": torch.__version__},
            )
        records.append(load_weights(CLIP(CLIPConfig()).half(), finished))
        metrics = records[-1]["metrics"]
        print(f"seed {seed}:", {name: m["recall_at_1"] for name, m in metrics.items()}, flush=True)
    shipped = CLIP(CLIPConfig()).half()
    first = load_weights(
        shipped, options.work / f"{settings}-seed{options.seeds[0]}" / "clip.safetensors"
    )
    save_weights(
        shipped,
        options.output,
        command=" ".join(["python tools/train_clip.py", *(arguments or sys.argv[1:])]),
        options=plain,
        **{k: v for k, v in first.items() if k not in ("fingerprint", "options")},
        recall_at_1_by_seed={
            name: {r["seed"]: r["metrics"][name]["recall_at_1"] for r in records}
            for name in records[0]["metrics"]
        },
    )


def half(model: CLIP) -> CLIP:
    """Return a copy of the model in half precision, which halves its file."""
    copy = CLIP(model.config).half()
    copy.load_state_dict(model.state_dict())
    return copy


if __name__ == "__main__":
    main()
