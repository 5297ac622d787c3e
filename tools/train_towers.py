"""Train the two towers that see best of what the course ships: published features, a taught reader.

Two phases, each resumed where it was when killed:

1. *Words.* The small text tower learns to reproduce MiniLM's vectors of WordNet's nouns, short
   glosses and the training captions (``tools/teacher.py``); a Chinese name of a training concept is
   taught the vector of its English name.
2. *Pictures.* EfficientNet-Lite0 with a linear head, and the text tower with a smaller rate. Every
   picture of a batch is told apart from the names of *all* training concepts, in the language of
   the step: text is cheap, and the more wrong names are on offer, the more is learned from a
   picture. To this come the contrastive loss of the batch with captions of all kinds, and the
   teacher's vectors again, so that words without pictures keep their places.

``validation`` (openmoji, an artist who is not in training) chose two learning rates in shorter
trials, and is watched; all else was set beforehand. The test sets are opened after the last step,
and measured together with two baselines on the same pictures: the nearest training drawing by
pixels, and by the published network's features.

    python tools/train_towers.py
    python tools/train_towers.py --seeds 1 2 --record ravm_course/checkpoints/towers-seeds.json
    python tools/train_towers.py --steps 20 --words 20 --output build/trial.safetensors
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from teacher import load_teacher
from torch import Tensor, nn
from towers_tests import compare, measure_all, validate
from train_clip import ROOT, data_hash, half

from ravm_course import data
from ravm_course.data.atomic import write_text
from ravm_course.training import fit, load_weights, save_weights
from ravm_course.vision.efficientnet import load_efficientnet
from ravm_course.vlm import CLIP, CLIPConfig, clip_loss
from ravm_course.vlm.augment import augment, may_mirror
from ravm_course.vlm.clip import to_float
from ravm_course.vlm.pairs import draw_caption

CONFIG = CLIPConfig(
    dim=256, image_size=64, buckets=16384, text_width=64, text_hidden=512, temperature=0.05,
    backbone="efficientnet-lite0",
)  # fmt: skip
PATHS = ("output", "record", "work")  # options that say where, not what
FROZEN = 3  # blocks of the backbone that keep the published weights, with the stem
TAUGHT, SMOOTHING = 2.0, 0.1  # weight of the teacher in phase 2; of the names' cross-entropy


class Learner(nn.Module):
    """The towers, and the linear map from their space to the teacher's, which does not ship."""

    def __init__(self, seed: int):
        super().__init__()
        torch.manual_seed(seed)
        self.clip = CLIP(CONFIG)
        self.teach = nn.Linear(CONFIG.dim, 384)
        backbone = self.clip.image_tower.backbone
        backbone.load_state_dict(load_efficientnet().state_dict())
        for part in (backbone.stem, *backbone.blocks[:FROZEN]):
            part.requires_grad_(False)

    def distance(self, texts: list[str], vectors: Tensor) -> Tensor:
        """Return one minus the mean cosine with the teacher's vectors."""
        return 1 - F.cosine_similarity(self.teach(self.clip.text_tower(texts)), vectors).mean()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=[0], help="the first ships (%(default)s)")
    add("--words", type=int, default=2400, help="updates of phase 1 (%(default)s)")
    add("--steps", type=int, default=3000, help="updates of phase 2 (%(default)s)")
    add("--batch", type=int, default=128, help="pictures a step (%(default)s)")
    add("--lr", type=float, default=3e-4, help="of the backbone (%(default)s)")
    add("--lr-head", type=float, default=1e-3, help="of the picture's head (%(default)s)")
    add("--lr-text", type=float, default=5e-4, help="of the text tower (%(default)s)")
    add("--strength", type=float, default=0.9, help="of the random changes (%(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--output", type=Path, default=ROOT / "ravm_course" / "checkpoints" / "towers.safetensors",
        help="where the weights go (ravm_course/checkpoints/towers.safetensors)")  # fmt: skip
    add("--record", type=Path, help="write here what every seed measured, and no weights")
    add("--work", type=Path, default=ROOT / "build" / "towers",
        help="folder of the runs and of the teacher's vectors (build/towers)")  # fmt: skip
    return parser.parse_args(arguments)


class Words:
    """Texts with the teacher's vectors: half of a batch captions, half everything."""

    def __init__(self, folder: Path):
        texts, vectors = load_teacher(folder)
        place = {text: i for i, text in enumerate(texts)}
        splits = data.load_emoji_splits()
        captions, targets = [], []
        for c in splits.seen.tolist():
            english, chinese = (splits.training_captions(c, tongue) for tongue in ("en", "zh"))
            captions += english
            targets += [place[text] for text in english]
            name = data.load_concepts()[c]
            if name.name_en in english and name.name_zh in chinese:
                captions.append(name.name_zh)
                targets.append(place[name.name_en])
        self.texts, self.vectors = [*texts, *captions], vectors
        self.target = torch.tensor([*range(len(texts)), *targets])
        self.first = len(texts)

    def draw(self, n: int, generator: torch.Generator) -> tuple[list[str], Tensor]:
        """Return `n` texts and their vectors ``(n, 384)``."""
        anywhere = torch.randint(len(self.texts), (n // 2,), generator=generator)
        caption = torch.randint(self.first, len(self.texts), (n - n // 2,), generator=generator)
        rows = torch.cat([anywhere, caption])
        return [self.texts[i] for i in rows.tolist()], self.vectors[self.target[rows]]


def picture_drawer(batch: int, strength: float, words: Words):
    """Return a function that draws pictures, their captions, all names, and words to be taught."""
    emoji, splits = data.load_emoji(), data.load_emoji_splits()
    captions, rows_of = {}, {}
    for c in splits.seen.tolist():
        captions[c] = [splits.training_captions(c, tongue) for tongue in ("en", "zh")]
    for i in splits.train.tolist():
        rows_of.setdefault(int(emoji.concept[i]), []).append(i)
    known = sorted(c for c in rows_of if all(captions[c]))
    names = [[captions[c][tongue][0] for c in known] for tongue in (0, 1)]
    concepts = [emoji.concepts[c] for c in known]
    mirrors = torch.tensor([may_mirror(c.group, c.name_en) for c in concepts])

    def draw(generator: torch.Generator):
        places = torch.randperm(len(known), generator=generator)[:batch]
        chosen = [known[i] for i in places.tolist()]
        rolls = torch.rand(batch, generator=generator, dtype=torch.float64).tolist()
        rows = [rows_of[c][int(u * len(rows_of[c]))] for c, u in zip(chosen, rolls, strict=True)]
        pictures = augment(
            to_float(emoji.images[rows]), generator, strength=strength, mirror=mirrors[places]
        )
        texts = [draw_caption(captions[c], generator) for c in chosen]
        tongue = int(torch.randint(2, (1,), generator=generator))
        return pictures, places, texts, names[tongue], *words.draw(256, generator)

    return draw


def loss(model: Learner, batch: tuple) -> Tensor:
    """Return the loss of phase 2."""
    pictures, places, captions, names, texts, vectors = batch
    clip = model.clip
    seen, scale = clip.encode_image(pictures), clip.logit_scale
    named = clip.encode_text([*names, *captions])
    logits = scale * seen @ named[: len(names)].T
    return (
        F.cross_entropy(logits, places, label_smoothing=SMOOTHING)
        + 0.5 * clip_loss(seen, named[len(names) :], scale)
        + TAUGHT * model.distance(texts, vectors)
    )


def train(options: argparse.Namespace, seed: int, folder: Path) -> tuple[CLIP, dict]:
    """Train the towers of one seed; return them and what is to be recorded."""
    folder.mkdir(parents=True, exist_ok=True)
    words, clock = Words(options.work), folder / "cpu_seconds.json"
    earlier = json.loads(clock.read_text(encoding="utf-8")) if clock.exists() else 0.0
    begin, model = time.process_time(), Learner(seed)

    def tell(numbers: dict[str, float], phase: str) -> dict[str, float]:
        cpu = earlier + time.process_time() - begin
        write_text(clock, json.dumps(cpu))
        told = ", ".join(f"{name} {number:.4f}" for name, number in numbers.items())
        print(f"seed {seed}, {phase}: {told}, {cpu:.0f} CPU seconds", flush=True)
        return numbers

    held = words.draw(2000, torch.Generator().manual_seed(seed + 7))
    taught = fit(
        model,
        lambda model, batch: model.distance(*batch),
        lambda generator: words.draw(512, generator),
        steps=options.words,
        optimizer=torch.optim.AdamW(
            [*model.clip.text_tower.parameters(), *model.teach.parameters()], lr=3e-3,
            weight_decay=0.01,
        ),
        warmup=min(100, options.words // 4),
        clip_norm=1.0,
        seed=seed,
        evaluate=lambda model: tell({"loss": model.distance(*held).item()}, "words"),
        evaluate_every=max(1, options.words // 6),
        checkpoint=folder / "words.safetensors",
        checkpoint_every=max(1, options.words // 6),
    )  # fmt: skip
    clip, groups = model.clip, []
    for rate, part in (
        (options.lr, clip.image_tower.backbone),
        (options.lr_head, clip.image_tower.head),
        (options.lr_text, clip.text_tower),
        (options.lr_text, model.teach),
    ):
        learned = [p for p in part.parameters() if p.requires_grad]
        for decay, some in ((0.05, [p for p in learned if p.ndim > 1]),
                            (0.0, [p for p in learned if p.ndim < 2])):  # fmt: skip
            groups.append({"params": some, "lr": rate, "weight_decay": decay})
    groups.append({"params": [clip.log_scale], "lr": options.lr_head, "weight_decay": 0.0})
    history = fit(
        model,
        loss,
        picture_drawer(options.batch, options.strength, words),
        steps=options.steps,
        optimizer=torch.optim.AdamW(groups, betas=(0.9, 0.98)),
        warmup=min(200, options.steps // 4),
        clip_norm=5.0,
        seed=seed,
        evaluate=lambda model: tell(validate(model.clip), "pictures"),
        evaluate_every=max(1, min(500, options.steps // 2)),
        checkpoint=folder / "pictures.safetensors",
        checkpoint_every=max(1, min(200, options.steps // 2)),
    )
    return clip, {
        "words_curve": taught.evaluations,
        "validation_curve": history.evaluations,
        "cpu_seconds": round(earlier + time.process_time() - begin),
        "seconds": round(taught.seconds + history.seconds),
    }


def run_folder(options: argparse.Namespace, seed: int) -> Path:
    """Return where the run of one seed is kept; equal settings find it again."""
    ignored = (*PATHS, "seeds", "threads")
    settings = "-".join(str(v) for k, v in vars(options).items() if k not in ignored)
    return options.work / f"{settings}-seed{seed}"


def baselines(folder: Path) -> dict:
    """Return what stands beside the towers of a finished run, measured once."""
    measured = folder / "baselines.json"
    if not measured.exists():
        model = CLIP(CONFIG).half()
        load_weights(model, folder / "towers.safetensors")
        write_text(measured, json.dumps(compare(half(model).float().eval())))
    return json.loads(measured.read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """Train every seed, watch validation, test each once; write the first's weights or a record."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    plain = {k: v for k, v in vars(options).items() if k not in PATHS}
    records = {}
    for seed in options.seeds:
        folder = run_folder(options, seed)
        finished = folder / "towers.safetensors"
        if not finished.exists():
            model, record = train(options, seed, folder)
            shipped = half(model)
            metrics = measure_all(half(model).float().eval())
            save_weights(
                shipped,
                finished,
                config=dataclasses.asdict(CONFIG),
                seed=seed,
                data_sha256=data_hash(),
                selection="validation (openmoji, seen concepts); nothing by a test set",
                metrics=metrics,
                versions={"python": platform.python_version(), "torch": torch.__version__},
                **record,
            )
        records[seed] = load_weights(CLIP(CONFIG).half(), finished)
        found = {k: m["recall_at_1"] for k, m in records[seed]["metrics"].items()}
        print(f"seed {seed} is done:", found, flush=True)
    command = " ".join(["python tools/train_towers.py", *(arguments or sys.argv[1:])])
    if options.record:
        kept = ("metrics", "cpu_seconds", "data_sha256", "fingerprint")
        found = {
            seed: {key: record[key] for key in kept}
            | {"baselines": baselines(run_folder(options, seed))}
            for seed, record in records.items()
        }
        write_text(
            options.record, json.dumps({"command": command, "seeds": found}, indent=1) + "\n"
        )
        return
    first = options.seeds[0]
    shipped = CLIP(CONFIG).half()
    folder = run_folder(options, first)
    facts = load_weights(shipped, folder / "towers.safetensors")
    save_weights(
        shipped,
        options.output,
        command=command,
        options=plain,
        seeds=options.seeds,
        frozen_blocks=FROZEN,
        baselines=baselines(folder),
        **{k: v for k, v in facts.items() if k not in ("fingerprint", "options")},
        recall_at_1_by_seed={
            name: {seed: record["metrics"][name]["recall_at_1"] for seed, record in records.items()}
            for name in facts["metrics"]
        },
    )


if __name__ == "__main__":
    main()
