"""Train the captioners of chapter 21: every way of letting retrieved captions in, over seeds.

Two tasks. *flags*: describe a flag in a sentence, with the descriptions of similar flags; 151
training countries, 19 for validation (openmoji, twemoji), 58 for the test (emojione, a style that
is in no training picture). *names*: name an emoji, with the names of similar drawings by training
artists; openmoji for validation, emojione for the test. Sizes, steps and shares were chosen on
validation. The encoders are the shipped ones and are not trained.

All runs of a task differ in the way in and the seed alone: the same batches, steps and sizes. What
was written about the test is recorded word for word, so that the chapter computes every measure
itself. Of the pointers it also has two controls: the own captions with the pictures of other flags,
and the right caption with the nearness of the neighbour whose place it takes. The pointer of the
first seed ships, in half precision.

    python tools/train_captioner.py
    python tools/train_captioner.py --tasks flags --ways pointer --seeds 0 --steps 5 --output t.json

A run that was done is read from ``--work`` and not done again. With ``--add``, what the record has
besides stays.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import torch
from train_clip import ROOT, data_hash

from ravm_course.data import load_countries, load_emoji, load_emoji_splits
from ravm_course.data.atomic import write_text
from ravm_course.data.facts import load_country_split
from ravm_course.nn.transformer import count_parameters
from ravm_course.ravlm.caption_batches import Found
from ravm_course.ravlm.caption_ladder import caption_ladder
from ravm_course.ravlm.caption_words import Vocabulary, split_words
from ravm_course.ravlm.caption_writing import caption_loss, describe
from ravm_course.ravlm.captioner import WAYS, Captioner, CaptionerConfig
from ravm_course.ravlm.datastore import Datastore
from ravm_course.ravlm.flag_captions import (
    FlagCaptionBatches,
    add_captions,
    described,
    flag_captions,
    flag_parts,
)
from ravm_course.ravlm.flag_qa import flag_images, load_flag_encoder
from ravm_course.ravlm.flag_views import crop
from ravm_course.ravlm.name_captions import name_drawer, picture_parts
from ravm_course.training import fingerprint, fit, load_weights, save_weights
from ravm_course.vlm import augment, encode_images, load_pretrained, to_float

CHECKPOINTS = ROOT / "ravm_course" / "checkpoints"
TASKS = ("flags", "names")
TURNS = (1, 7, 13, 20, 29, 41, 50)  # how far the pictures are moved on among the flags


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--tasks", nargs="+", choices=TASKS, default=TASKS, help="(both)")
    add("--ways", nargs="+", choices=WAYS, default=WAYS[::-1], help="of the flags (all four)")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="(%(default)s)")
    add("--steps", type=int, help="updates of each model (flags 1500, names 800)")
    add("--lr", type=float, default=3e-3, help="(%(default)s)")
    add("--work", type=Path, default=ROOT / "build" / "captioner", help="runs that are done")
    add("--output", type=Path, default=ROOT / "benchmarks" / "results" / "captioner.json",
        help="where the record goes (benchmarks/results/captioner.json)")  # fmt: skip
    add("--add", action="store_true", help="keep the runs that the record has already")
    add("--done", action="store_true", help="record the runs that are done, and train nothing")
    add("--ship", action="store_true", help="write the checkpoints of the first seed")
    return parser.parse_args(arguments)


class Flags:
    """Sentences about flags."""

    captions, steps, shares = 3, 1500, (0.45, 0.3, 0.1, 0.15)

    def __init__(self):
        self.encoder = load_flag_encoder()
        self.split = {name: described(part) for name, part in load_country_split().items()}
        self.vocabulary = Vocabulary.of(flag_captions(self.split["train"]), min_count=2)
        self.drawers = {}

    def config(self, way: str) -> CaptionerConfig:
        """Return the sizes of a model."""
        return CaptionerConfig(
            self.vocabulary.size, self.vocabulary.places, parts=16, part_channels=28, way=way
        )

    def drawer(self, way: str) -> FlagCaptionBatches:
        """Return what a model learns from; without retrieval, the same pictures with nothing."""
        shares = (0.0, 0.0, 0.0, 1.0) if way == "none" else self.shares
        return FlagCaptionBatches(
            self.encoder, self.vocabulary, self.split["train"], batch=24, shares=shares
        )

    def store(self, countries: list[int]) -> Datastore:
        """Return a store with the flags and descriptions of some countries."""
        store = Datastore(self.encoder.config.dim, encoder=fingerprint(self.encoder))
        add_captions(store, self.encoder, countries)
        return store

    def write(self, model: Captioner, part: str, style: str, known: list[int]) -> dict:
        """Return what a model writes about countries, at every step of the ladder."""
        countries = self.split[part]
        images, right = flag_images(countries, style), flag_captions(countries)
        vectors, parts = self.encoder.encode(images), flag_parts(crop(images))
        ladder = caption_ladder(self.store(known), vectors, right, self.captions)
        added = caption_ladder(self.store(known + countries), vectors, right, self.captions)
        ladder["added"] = added["real"]

        def texts(found: list, pictured: torch.Tensor = parts) -> list[str]:
            return [row.text for row in describe(model, self.vocabulary, pictured, found)]

        written = {step: texts(found) for step, found in ladder.items()}
        if model.config.way == "pointer" and part == "test":
            real, true = ladder["real"], ladder["oracle"]
            for turn in TURNS:
                written[f"real, picture moved by {turn}"] = texts(real, parts.roll(turn, 0))
            written["oracle, nearness of the neighbour"] = texts([
                [Found(a.caption, b.nearness) for a, b in zip(x, y, strict=True)]
                for x, y in zip(true, real, strict=True)
            ])  # fmt: skip
        return written

    def measure(self, model: Captioner) -> dict:
        """Return what is recorded of a run."""
        train, validation = self.split["train"], self.split["validation"]
        return {
            "validation": {
                style: self.write(model, "validation", style, train)
                for style in ("openmoji", "twemoji")
            },
            "test": self.write(model, "test", "emojione", train + validation),
        }

    def facts(self) -> dict:
        """Return what the runs have in common."""
        countries = load_countries()
        return {
            part: [countries[c].iso2 for c in self.split[part]] for part in ("validation", "test")
        } | {"encoder": fingerprint(self.encoder)}


class Names:
    """Names of emoji."""

    captions, steps = 4, 800

    def __init__(self):
        self.emoji, self.splits = load_emoji(), load_emoji_splits()
        self.towers, train = load_pretrained("towers"), self.splits.train
        self.names = [self.emoji.concepts[c].name_en for c in self.emoji.concept[train]]
        self.vocabulary = Vocabulary.of(self.names, places=32)
        self.vectors = encode_images(self.towers, self.emoji.images[train])
        self.copies = self._copies(train)

    def _copies(self, rows: np.ndarray) -> torch.Tensor:
        generator, vectors = torch.Generator().manual_seed(2), []
        with torch.no_grad():
            for some in np.array_split(rows, len(rows) // 128 + 1):
                changed = augment(to_float(self.emoji.images[some]), generator, strength=0.9)
                vectors.append(self.towers.encode_image(changed))
        return torch.cat(vectors)

    def config(self, way: str) -> CaptionerConfig:
        """Return the sizes of a model."""
        return CaptionerConfig(
            self.vocabulary.size, 32, parts=4, part_channels=64, way=way, captions=4, longest=12
        )

    def drawer(self, way: str):
        """Return what a model learns from."""
        return name_drawer(
            self.vocabulary, self.names, self.emoji.artist[self.splits.train],
            self.vectors, self.copies, np.arange(len(self.names)),
            without_any=1.0 if way == "none" else 0.15,
        )  # fmt: skip

    def measure(self, model: Captioner) -> dict:
        """Return the share of right names, at every step of the ladder."""
        store = Datastore(self.vectors.shape[1], encoder=fingerprint(self.towers))
        store.add([str(row) for row in self.splits.train], self.vectors.numpy(), texts=self.names)
        results = {}
        for part in ("validation", "test_artist"):
            rows = getattr(self.splits, part)
            vectors = encode_images(self.towers, self.emoji.images[rows])
            right = [self.emoji.concepts[c].name_en for c in self.emoji.concept[rows]]
            ladder = caption_ladder(store, vectors.numpy(), right, self.captions)
            results[part] = {}
            for step, found in ladder.items():
                rows_written = describe(model, self.vocabulary, picture_parts(vectors), found)
                hits = [
                    split_words(row.text) == split_words(name)
                    for row, name in zip(rows_written, right, strict=True)
                ]
                results[part][step] = round(float(np.mean(hits)), 4)
        return results

    def facts(self) -> dict:
        """Return what the runs have in common."""
        return {"encoder": fingerprint(self.towers)}


def _file(options: argparse.Namespace, name: str) -> Path:
    """Return where a run is kept."""
    return options.work / f"{name}.safetensors"


def run(task: Flags | Names, name: str, options: argparse.Namespace) -> tuple[Captioner, dict]:
    """Train one model, or read it where that was done; return it with its record."""
    _, way, seed = name.split("_")
    torch.manual_seed(int(seed))
    model, file = Captioner(task.config(way)), _file(options, name)
    if file.exists():
        return model.eval(), load_weights(model, file)["record"]
    steps, begin = options.steps or task.steps, time.process_time()
    history = fit(
        model, caption_loss, task.drawer(way), steps=steps, lr=options.lr,
        weight_decay=0.05, warmup=min(50, steps // 4), clip_norm=1.0, seed=int(seed),
    )  # fmt: skip
    record = {
        "parameters": count_parameters(model),
        "steps": len(history.losses),
        "cpu_seconds": round(time.process_time() - begin),
        "loss": round(float(np.mean(history.losses[-50:])), 4),
        **task.measure(model),
    }
    save_weights(model, file, record=record)
    return model, record


def main(arguments: list[str] | None = None) -> None:
    """Do every run, write the record, and ship where that is asked for."""
    options = parse(arguments)
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    record = {
        "command": "python tools/train_captioner.py --ship",
        "options": {k: v for k, v in vars(options).items() if k in ("seeds", "lr")},
        "data_sha256": data_hash(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    if options.add:
        earlier = json.loads(options.output.read_text("utf-8"))
        if earlier["data_sha256"] != record["data_sha256"]:
            raise ValueError(f"{options.output} is about other data: train all again")
        record |= {name: earlier[name] for name in TASKS if name in earlier}
    for name, kind in (("flags", Flags), ("names", Names)):
        if name not in options.tasks:
            continue
        task, runs = kind(), {}
        ways = [w for w in options.ways if name == "flags" or w == "pointer"]
        for seed in options.seeds:
            for way in ways:
                if options.done and not _file(options, f"{name}_{way}_{seed}").exists():
                    continue
                model, runs[f"{way}_{seed}"] = run(task, f"{name}_{way}_{seed}", options)
                print(name, way, seed, runs[f"{way}_{seed}"]["loss"], flush=True)
                if options.ship and way == "pointer" and seed == options.seeds[0]:
                    save_weights(
                        model.half(), CHECKPOINTS / f"{name[:-1]}-captioner.safetensors",
                        **model.facts(), words=list(task.vocabulary.words),
                        seed=seed, cpu_seconds=runs[f"{way}_{seed}"]["cpu_seconds"],
                        **record, **task.facts(),
                    )  # fmt: skip
        if options.add and name in earlier:
            runs = earlier[name]["runs"] | runs
        record[name] = task.facts() | {"runs": runs}
    write_text(options.output, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
