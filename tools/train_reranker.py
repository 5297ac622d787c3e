"""Measure the second stages of chapter 19 over seeds; nothing ships but the record.

Two kinds, each beside its controls of the same size, trained as in the chapter:

- *readers* order anew what ``emoji-clip`` finds, from the picture and the name: a cross-encoder,
  and two vectors (``ravm_course.vlm.rerank``);
- *matchers* order anew what ``towers`` finds, from the picture and the drawings stored under each
  name: places paired with their best partner, with the same place, or averaged
  (``ravm_course.vlm.patch_matcher``).

``validation`` (an artist who is not in training) chose the settings; the test artist is measured
after all seeds are trained. The share of pictures whose right name comes first is recorded for each
seed, with intervals of the mean over seeds, resampled over pictures.

    python tools/train_reranker.py
    python tools/train_reranker.py --seeds 0 --steps 5 --output build/trial.json
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch
from train_clip import ROOT, data_hash

from ravm_course import data
from ravm_course.data.atomic import write_text
from ravm_course.metrics import bootstrap_interval, paired_bootstrap
from ravm_course.retrieval.ranking import listwise_loss
from ravm_course.training import fit
from ravm_course.training.checkpoint import fingerprint
from ravm_course.vlm import augment, encode_images, load_pretrained, to_float
from ravm_course.vlm.hard_lists import list_drawer, picture_grids
from ravm_course.vlm.late_interaction import patch_vectors, unit_parts
from ravm_course.vlm.patch_matcher import (
    PAIRINGS,
    PatchMatcher,
    match_candidates,
    matching_drawer,
    stored_rows,
)
from ravm_course.vlm.rerank import CrossEncoder, TwoVectors

SIZES = {"channels": (96, 192), "sides": (4, 2), "name_dim": 128}
SETS = ("validation", "test_artist")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="(%(default)s)")
    add("--steps", type=int, default=80, help="updates of each model (%(default)s)")
    add("--copies", type=int, default=2000, help="changed drawings to match (%(default)s)")
    add("--k", type=int, default=8, help="candidates that are ordered anew (%(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--output", type=Path, default=ROOT / "benchmarks" / "results" / "reranker.json",
        help="where the record goes (benchmarks/results/reranker.json)")  # fmt: skip
    return parser.parse_args(arguments)


class Bench:
    """The store, the two first stages, and the sets."""

    def __init__(self, options: argparse.Namespace):
        self.emoji, self.splits = data.load_emoji(), data.load_emoji_splits()
        self.small, self.towers = load_pretrained(), load_pretrained("towers")
        emoji, splits = self.emoji, self.splits
        place = {c: i for i, c in enumerate(splits.seen.tolist())}
        self.label = torch.tensor([place[c] for c in emoji.concept[splits.train]])
        self.rows = stored_rows(self.label, len(place))
        self.raw = patch_vectors(self.towers, emoji.images[splits.train])
        self.stored = unit_parts(self.raw, self.raw)
        self.sets = {name: self._queries(name, place, options.k) for name in SETS}

    def _queries(self, name: str, place: dict[int, int], k: int) -> dict[str, torch.Tensor]:
        rows = getattr(self.splits, name)
        images, concept = self.emoji.images[rows], self.emoji.concept[rows]
        choices = np.unique(concept)
        names = [self.emoji.concepts[c].name_en for c in choices]
        right = torch.tensor(np.searchsorted(choices, concept))[:, None]
        maps, vectors = picture_grids(self.small, to_float(images))
        with torch.no_grad():
            texts, read = self.small.encode_text(names), self.towers.encode_text(names)
        similarity, near = (vectors @ texts.T).topk(k, dim=1)
        top = (encode_images(self.towers, images) @ read.T).topk(k, dim=1).indices
        return {
            "readers": ((maps, texts[near] * texts.shape[1] ** 0.5, similarity), near == right),
            "matchers": (
                (
                    unit_parts(patch_vectors(self.towers, images), self.raw),
                    torch.tensor([place[c] for c in choices.tolist()])[top],
                ),
                top == right,
            ),
        }

    def drawers(self, copies: int) -> dict[str, object]:
        """Return what each family learns from."""
        emoji, splits = self.emoji, self.splits
        with torch.no_grad():
            names = self.small.encode_text([emoji.concepts[c].name_en for c in splits.seen])
        scores = picture_grids(self.small, to_float(emoji.images[splits.train]))[1] @ names.T
        scores[:, (self.rows < 0).all(1)] = -torch.inf
        scores[torch.arange(len(self.label)), self.label] = -torch.inf
        some = torch.randperm(len(self.label), generator=torch.Generator().manual_seed(1))[:copies]
        changed = augment(
            to_float(emoji.images[splits.train[some.numpy()]]),
            torch.Generator().manual_seed(2),
            strength=0.9,
        )
        changed = (255 * changed).round().byte().permute(0, 2, 3, 1).numpy()
        return {
            "readers": list_drawer(self.small, emoji, splits, views=1),
            "matchers": matching_drawer(
                self.stored,
                self.label,
                scores.topk(24, dim=1).indices,
                queries=unit_parts(patch_vectors(self.towers, changed), self.raw),
                copied=some,
                batch=32,
            ),
        }

    @torch.no_grad()
    def hits(self, name: str, family: str, model: torch.nn.Module | None = None) -> np.ndarray:
        """Say of each picture whether its name comes first, without a model in the first stage."""
        inputs, right = self.sets[name][family]
        if model is None:
            return right[:, 0].float().numpy()
        if family == "readers":
            scores = model(*inputs)
        else:
            scores = match_candidates(model, inputs[0], self.stored, self.rows, inputs[1])
        return right.gather(1, scores.argmax(1, keepdim=True))[:, 0].float().numpy()


def numbers(interval) -> list[float]:
    """Return mean, low and high."""
    return [round(float(v), 4) for v in (interval.mean, interval.low, interval.high)]


def main(arguments: list[str] | None = None) -> None:
    """Train every kind of every seed, then measure, then write the record."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    begin = time.process_time()
    bench = Bench(options)
    draw = bench.drawers(options.copies)
    kinds = {
        "cross-encoder": ("readers", lambda: CrossEncoder(**SIZES)),
        "two vectors": ("readers", lambda: TwoVectors(**SIZES)),
        **{
            pairing: ("matchers", lambda pairing=pairing: PatchMatcher(112, pairing))
            for pairing in PAIRINGS
        },
    }
    trained, record = {}, {}
    for kind, (family, build) in kinds.items():
        start = time.process_time()
        for seed in options.seeds:
            torch.manual_seed(seed)
            trained[kind, seed] = build()
            fit(
                trained[kind, seed],
                lambda model, batch: listwise_loss(model(*batch[0]), batch[1]),
                draw[family],
                steps=options.steps,
                lr=1e-3 if family == "readers" else 3e-3,
                weight_decay=0.1,
                warmup=options.steps // 10,
                clip_norm=1.0,
                seed=seed,
            )
        record[kind] = {
            "parameters": sum(p.numel() for p in trained[kind, seed].parameters()),
            "cpu_seconds_a_seed": round((time.process_time() - start) / len(options.seeds), 1),
        }
        print(kind, record[kind], flush=True)
    for name in SETS:
        means = {}
        for kind, (family, _) in kinds.items():
            first = bench.hits(name, family)
            by_seed = {s: bench.hits(name, family, trained[kind, s]) for s in options.seeds}
            means[kind] = np.mean(list(by_seed.values()), axis=0)
            record[kind][name] = {
                "first_stage": numbers(bootstrap_interval(first)),
                "mean": numbers(bootstrap_interval(means[kind])),
                "minus_first_stage": numbers(paired_bootstrap(means[kind], first)),
                "by_seed": {s: round(float(h.mean()), 4) for s, h in by_seed.items()},
            }
        for ours, control in (("cross-encoder", "two vectors"), ("best", "same"), ("best", "mean")):
            gap = numbers(paired_bootstrap(means[ours], means[control]))
            record[ours][name][f"minus {control}"] = gap
        print(name, {kind: record[kind][name] for kind in kinds}, flush=True)
    facts = {
        "command": " ".join(["python tools/train_reranker.py", *(arguments or sys.argv[1:])]),
        "options": {k: v for k, v in vars(options).items() if not isinstance(v, Path)},
        "first_stages": {
            "emoji-clip": fingerprint(bench.small),
            "towers": fingerprint(bench.towers),
        },
        "data_sha256": data_hash(),
        "selection": "validation (openmoji, seen concepts); nothing by a test set",
        "results": record,
        "cpu_seconds": round(time.process_time() - begin),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    write_text(options.output, json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
