"""Train the two towers that ship with the course, from scratch, on the emoji of many hands.

Every batch holds different concepts; each is drawn as one of its training artists did, changed at
random, and described in English or Chinese by its name, by keywords or by both
(``ravm_course.vlm.pairs``).

The run is chosen by its result on ``validation`` (an artist who is not in training) and on nothing
else; the test sets are opened after the last step. A killed run goes on where it was. The shipped
weights come from two runs, the second with stronger random changes and weight decay:

    python tools/train_clip.py --output build/first.safetensors
    python tools/train_clip.py --start build/first.safetensors --work build/second
        --steps 1800 --strength 0.9 --lr 1.5e-3 --weight-decay 0.3

The second command is one line. To try the script:

    python tools/train_clip.py --steps 20 --work trial --output trial/clip.safetensors
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
    add("--steps", type=int, default=3600, help="updates (%(default)s)")
    add("--batch", type=int, default=128, help="pairs a step (%(default)s)")
    add("--lr", type=float, default=2e-3, help="learning rate (%(default)s)")
    add("--weight-decay", type=float, default=0.05, help="of AdamW (%(default)s)")
    add("--strength", type=float, default=0.5, help="of the random changes (%(default)s)")
    add("--seed", type=int, default=0, help="(%(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--start", type=Path, help="begin with the weights of this .safetensors file")
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
        help="folder of the checkpoint from which a killed run goes on (build/train_clip)",
    )
    add(
        "--intermediate",
        action="store_true",
        help="also write --output at every evaluation, without opening the test sets",
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


def main(arguments: list[str] | None = None) -> None:
    """Train, watch validation, test once, write the checkpoint."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    config = CLIPConfig()
    model = CLIP(config).half()
    start = load_weights(model, options.start) if options.start else {}
    model = model.float().to(options.device) if start else CLIP(config).to(options.device)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    images, names = pictures_and_names("validation", "en")
    clock = options.work / "cpu_seconds.json"
    earlier = json.loads(clock.read_text(encoding="utf-8")) if clock.exists() else 0.0
    curve: list[dict] = []
    plain = {k: v for k, v in vars(options).items() if not isinstance(v, Path)}

    def save(metrics: dict) -> None:
        half = CLIP(config).half()
        half.load_state_dict(model.state_dict())
        save_weights(
            half,
            options.output,
            config=dataclasses.asdict(config),
            command=" ".join(["python tools/train_clip.py", *(arguments or sys.argv[1:])]),
            options=plain,
            seed=options.seed,
            data_sha256=data_hash(),
            selection="validation (openmoji, seen concepts); nothing by a test set",
            metrics=metrics,
            validation_curve=curve,
            start={k: start[k] for k in ("command", "fingerprint") if k in start},
            cpu_seconds=round(earlier + time.process_time()) + start.get("cpu_seconds", 0),
            versions={"python": platform.python_version(), "torch": torch.__version__},
        )

    def evaluate(model: CLIP) -> dict[str, float]:
        right, _ = name_hits(model, images, names)
        cpu = earlier + time.process_time()
        clock.write_text(json.dumps(cpu), encoding="utf-8")
        scale = model.logit_scale.item()
        print(f"validation {right.mean():.4f}  scale {scale:.1f}  cpu {cpu:.0f} s", flush=True)
        if options.intermediate:
            save(measure(model, ("validation",)))
        return {"loss": 1 - right.mean(), "recall_at_1": right.mean(), "scale": scale}

    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": options.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    history = fit(
        model,
        loss,
        pair_drawer(
            data.load_emoji(),
            data.load_emoji_splits(),
            batch=options.batch,
            size=config.image_size,
            strength=options.strength,
        ),
        steps=options.steps,
        optimizer=torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.98)),
        warmup=min(50, options.steps // 4),
        clip_norm=1.0,
        seed=options.seed,
        device=options.device,
        evaluate=evaluate,
        evaluate_every=max(1, options.steps // 10),
        checkpoint=options.work / "run.safetensors",
        checkpoint_every=max(1, min(100, options.steps // 2)),
    )
    curve.extend(history.evaluations)
    save(measure(model, ("validation",)))  # before the tests: they may lack a data set
    metrics = measure(model, ("validation", *TESTS))
    save(metrics)
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    main()
