"""Train the two towers that ship with the course, from scratch, on the emoji of many hands.

Every batch holds different concepts; each is drawn as one of its training artists did, changed at
random (``ravm_course.vlm.augment``), and described in English or Chinese by its name, by keywords
or by both. Pictures are small at first and full-sized at the end, which costs a quarter a step.

The run is chosen by its result on ``validation`` (an artist who is not in training) and on nothing
else; the test sets are opened once, after the last step. A killed run goes on where it was:

    python tools/train_clip.py
    python tools/train_clip.py --small-steps 20 --large-steps 5 --output trial.safetensors
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

from ravm_course.data import load_emoji, load_emoji_splits, load_stamps, training_captions
from ravm_course.data.files import FOLDER as DATA
from ravm_course.metrics import bootstrap_interval
from ravm_course.training import fit, save_weights
from ravm_course.vlm import CLIP, CLIPConfig, augment, clip_loss, may_mirror
from ravm_course.vlm.evaluate import encode_images, hits

ROOT = Path(__file__).resolve().parents[1]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--small-steps", type=int, default=2600, help="steps at --size (%(default)s)"
    )
    parser.add_argument("--large-steps", type=int, default=400, help="steps at 64 (%(default)s)")
    parser.add_argument("--size", type=int, default=32, help="size at first (%(default)s)")
    parser.add_argument("--batch", type=int, default=256, help="pairs a step (%(default)s)")
    parser.add_argument("--lr", type=float, default=3e-3, help="learning rate (%(default)s)")
    parser.add_argument("--large-lr", type=float, default=6e-4, help="... at 64 (%(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.05, help="(%(default)s)")
    parser.add_argument("--strength", type=float, default=0.7, help="of augmentation (%(default)s)")
    parser.add_argument("--channels", type=int, nargs="+", default=[32, 64, 128, 176])
    parser.add_argument("--blocks", type=int, nargs="+", default=[0, 1, 1, 1])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (%(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "ravm_course" / "checkpoints" / "emoji-clip.safetensors",
        help="where the weights go; the facts go beside them (%(default)s)",
    )
    parser.add_argument(
        "--work", type=Path, help="folder for the run's own checkpoints (build/train_clip)"
    )
    parser.add_argument(
        "--intermediate",
        action="store_true",
        help="also write --output at the end of the small steps, without opening the test sets",
    )
    return parser.parse_args(arguments)


def captions(emoji, concepts: np.ndarray) -> dict[int, list[list[str]]]:
    """Return for each concept its training captions in English and in Chinese, name first."""
    return {
        int(c): [
            texts
            for texts in (training_captions(int(c), "en"), training_captions(int(c), "zh"))
            if texts
        ]
        for c in concepts
    }


def draw_caption(languages: list[list[str]], generator: torch.Generator) -> str:
    """Choose a language, then the name (half the time), or up to four captions in any order."""

    def below(n: int) -> int:
        return int(torch.randint(n, (1,), generator=generator))

    texts = languages[below(len(languages))]
    kind = below(4)
    if kind < 2 or len(texts) == 1:
        return texts[0]
    order = torch.randperm(len(texts) - 1, generator=generator)[: 1 + below(4)]
    chosen = [texts[1 + int(i)] for i in order]
    return " ".join([texts[0], *chosen] if kind == 2 else chosen)


def make_draw(emoji, splits, batch: int, size: int, strength: float):
    """Return the function that draws a batch of pictures and captions."""
    by_concept: dict[int, list[int]] = {}
    for i in splits.train:
        by_concept.setdefault(int(emoji.concept[i]), []).append(int(i))
    known = np.array(sorted(by_concept))
    texts = captions(emoji, known)
    mirrors = {c: may_mirror(emoji.concepts[c].group, emoji.concepts[c].name_en) for c in known}
    images = torch.from_numpy(emoji.images)

    def draw(generator: torch.Generator) -> tuple[torch.Tensor, list[str]]:
        chosen = known[torch.randperm(len(known), generator=generator)[:batch].numpy()]
        rolls = torch.rand(len(chosen), generator=generator).tolist()
        rows = [
            by_concept[c][int(r * len(by_concept[c]))] for c, r in zip(chosen, rolls, strict=True)
        ]
        pictures = images[rows].permute(0, 3, 1, 2).float() / 255
        mirror = torch.tensor([mirrors[c] for c in chosen])
        pictures = augment(pictures, generator, size=size, strength=strength, mirror=mirror)
        return pictures, [draw_caption(texts[int(c)], generator) for c in chosen]

    return draw


def loss(model: CLIP, batch: tuple[torch.Tensor, list[str]]) -> torch.Tensor:
    """Return the contrastive loss of a batch."""
    pictures, texts = batch
    return clip_loss(model.encode_image(pictures), model.encode_text(texts), model.logit_scale)


def name_hits(model: CLIP, images: np.ndarray, names: list[str]) -> tuple[np.ndarray, int]:
    """Say for each picture whether its own name is nearest among all names of the set."""
    gallery = sorted(set(names))
    with torch.no_grad():
        text_features = model.encode_text(gallery).cpu()
    return hits(encode_images(model, images), text_features, names, gallery), len(gallery)


def named(emoji, rows: np.ndarray, language: str) -> tuple[np.ndarray, list[str]]:
    """Return the rows whose concept has a name in a language, and the names."""
    names = [getattr(emoji.concepts[emoji.concept[i]], f"name_{language}") for i in rows]
    keep = [bool(name) for name in names]
    return rows[keep], [name for name in names if name]


def test(model: CLIP, emoji, splits, sets: tuple[str, ...]) -> dict[str, dict]:
    """Measure recall at 1 from picture to name, in both languages, with 95 % intervals."""
    results: dict[str, dict] = {}
    for name in sets:
        for language in ("en", "zh"):
            if name == "stamps":
                stamps = load_stamps()
                captions = getattr(stamps, f"caption_{language}")
                rows = np.array([i for i, text in enumerate(captions) if text])
                images, names = stamps.images[rows], [captions[i] for i in rows]
            else:
                rows, names = named(emoji, np.asarray(getattr(splits, name)), language)
                images = emoji.images[rows]
            right, choices = name_hits(model, images, names)
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
    """Train, select on validation, test once, write the checkpoint."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    work = options.work or ROOT / "build" / "train_clip"
    work.mkdir(parents=True, exist_ok=True)
    emoji, splits = load_emoji(), load_emoji_splits()
    torch.manual_seed(options.seed)
    config = CLIPConfig(channels=tuple(options.channels), blocks=tuple(options.blocks))
    model = CLIP(config)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    rows, names = named(emoji, np.asarray(splits.validation), "en")
    clock = work / "cpu_seconds.json"
    before = json.loads(clock.read_text(encoding="utf-8")) if clock.exists() else 0.0

    def evaluate(model: CLIP) -> dict[str, float]:
        right, _ = name_hits(model, emoji.images[rows], names)
        cpu = before + time.process_time()
        clock.write_text(json.dumps(cpu), encoding="utf-8")
        scale = model.logit_scale.item()
        print(f"validation {right.mean():.4f}  scale {scale:.1f}  cpu {cpu:.0f} s", flush=True)
        return {"loss": 1 - right.mean(), "recall_at_1": right.mean(), "scale": scale}

    def save(metrics: dict, history: list) -> None:
        model.cpu()
        half = CLIP(config).half()
        half.load_state_dict(model.state_dict())
        save_weights(
            half,
            options.output,
            config=dataclasses.asdict(config),
            command="python tools/train_clip.py " + " ".join(arguments or sys.argv[1:]),
            options={k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()
                     if k not in ("output", "work")},
            seed=options.seed,
            data_sha256=data_hash(),
            selection="validation (openmoji, seen concepts); test sets opened once, at the end",
            metrics=metrics,
            validation_curve=history,
            cpu_seconds=round(before + time.process_time()),
            versions={"python": platform.python_version(), "torch": torch.__version__},
            images="Trained on the emoji drawings of noto, noto-v1, twemoji, fluent-emoji-flat and "
            "fxemoji; see the appendix on data sets for their licences.",
        )  # fmt: skip

    curve: list[dict] = []
    stages = [("small", options.size, options.small_steps, options.lr)]
    stages += [("large", 64, options.large_steps, options.large_lr)] if options.large_steps else []
    for stage, size, steps, lr in stages:
        decayed = [p for p in model.parameters() if p.ndim > 1]
        others = [p for p in model.parameters() if p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": options.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        history = fit(
            model,
            loss,
            make_draw(emoji, splits, options.batch, size, options.strength),
            steps=steps,
            optimizer=torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98)),
            warmup=min(30, steps // 4),
            clip_norm=1.0,
            seed=options.seed,
            device=options.device,
            evaluate=evaluate,
            evaluate_every=max(1, steps // 8),
            checkpoint=work / f"{stage}.safetensors",
            checkpoint_every=50,
        )
        curve += [{"stage": stage, "size": size, **e} for e in history.evaluations]
        if stage == "small" and options.intermediate:
            save(test(model, emoji, splits, ("validation",)), curve)
    metrics = test(
        model,
        emoji,
        splits,
        ("validation", "test_artist", "test_concept", "test_both", "stamps"),
    )
    save(metrics, curve)
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    main()
