"""Measure the contest of chapter 16: networks on the product photographs, at equal CPU seconds.

How long a step takes is measured first, all kinds in turns; a run then gets the steps that fit into
its seconds, so that it can be repeated to the bit. Every seed's answers to the 3,000 test pictures
are stored as shares a picture, together with the share right on validation (on which the choice
between training with and without shifted pictures is made) and what the run really took.

    OMP_NUM_THREADS=1 python tools/measure_seeing.py
    OMP_NUM_THREADS=1 python tools/measure_seeing.py --seeds 1 --seconds 1 --output trial.json

What was measured already is not measured again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.svm import SVC
from torch import Tensor, nn

from ravm_course.data import atomic
from ravm_course.training import fit
from ravm_course.vision.classify import class_loss, drawer, predict, shift, vary
from ravm_course.vision.cnn import ConvNet, ConvNetConfig
from ravm_course.vision.edges import edge_histograms
from ravm_course.vision.graph import PatchGraph
from ravm_course.vision.patches import rearrange_pictures
from ravm_course.vision.products import (
    KINDS,
    LEARNING_RATES,
    ProductPart,
    new_classifier,
    product_split,
    wander,
)

ROOT = Path(__file__).resolve().parents[1]
SHIFTS = (0, 1, 2, 3, 4)  # pixels to the right, in the test
CHANGES = {"none": None, "moved": lambda x, generator: vary(x, generator, pixels=1)}
VARIANTS = {  # one part replaced
    "cnn, mean of places": "cnn",
    "vit, no positions": "vit",
    "graph, neighbours in the picture": "graph",
    "graph, random neighbours": "graph",
}
DEPTHS = (2, 8, 16)  # blocks
DEPTH_STEPS = 200
DEPTH_RATE, OTHER_RATES = 5e-3, (5e-4, 1e-3, 2e-3)  # the deepest stacks are tried with all
BASELINES = ("pixels", "edges")
EXCHANGES = (14, 7, 4, 2, 1)  # patches of so many pixels change places
WANDERING = ("wandering", "wandering 1")  # products anywhere; and then pixels exchanged


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, default=5, help="(%(default)s)")
    add("--seconds", type=float, nargs="+", default=[3, 10, 30], help="(%(default)s)")
    add("--threads", type=int, default=1, help="(%(default)s)")
    add(
        "--output",
        type=Path,
        default=ROOT / "ravm_course" / "checkpoints" / "seeing-products.json",
        help="(%(default)s)",
    )
    return parser.parse_args()


def build(kind: str) -> nn.Module:
    """Return an untrained network of the contest, or one with a part replaced."""
    model = new_classifier(VARIANTS.get(kind, kind))
    if kind == "cnn, mean of places":
        return ConvNet(replace(model.config, head="mean"))
    if kind == "vit, no positions":
        model.position.requires_grad_(False).zero_()
    if kind.startswith("graph, "):
        graph = "grid" if "picture" in kind else "random"
        return PatchGraph(replace(model.config, graph=graph))
    return model


def train(kind: str, images: Tensor, labels: Tensor, change: str, steps: int, seed: int):
    """Return a trained network and the CPU seconds that it took."""
    torch.manual_seed(seed)
    model = build(kind)
    begin = time.process_time()
    fit(
        model,
        class_loss,
        drawer(images, labels, batch=64, change=CHANGES[change]),
        steps=steps,
        lr=LEARNING_RATES[VARIANTS.get(kind, kind)],
        weight_decay=0.05,
        warmup=steps // 20,
        clip_norm=1.0,
        seed=seed,
        progress=False,
    )
    return model, time.process_time() - begin


def clock(images: Tensor, labels: Tensor, turns: int = 7, steps: int = 15) -> dict[str, float]:
    """Return the median CPU seconds of a step, all kinds in turns."""
    ways = [*itertools.product((*KINDS, *VARIANTS), CHANGES)]
    seconds = {way: [] for way in ways}
    for _ in range(turns):
        for kind, change in ways:
            seconds[kind, change].append(train(kind, images, labels, change, steps, 0)[1] / steps)
    return {f"{k} | {c}": statistics.median(values) for (k, c), values in seconds.items()}


def right(model, images: Tensor, labels: Tensor) -> Tensor:
    """Say of each picture whether it was named rightly."""
    return predict(model, images).argmax(1) == labels


def runs(seconds: list[float]) -> Iterator[tuple[str, str, str, float]]:
    """Yield what is to be trained: kind, arrangement, change, seconds; the dear ones last."""
    middle = sorted(seconds)[len(seconds) // 2]
    for budget in sorted(seconds):
        for kind, change in itertools.product(KINDS, CHANGES):
            if budget >= middle or change == "none":
                yield kind, "ordinary", change, budget
        if budget == middle:
            for size in EXCHANGES:
                yield from ((kind, str(size), "none", middle) for kind in KINDS)
            yield from ((kind, "ordinary", "none", middle) for kind in VARIANTS)
            for kind in (*KINDS, "cnn, mean of places"):
                yield from ((kind, arrangement, "none", middle) for arrangement in WANDERING)


def arranged(parts: tuple[ProductPart, ...], arrangement: str) -> list[Tensor]:
    """Return the pictures of all parts, with patches exchanged or products anywhere."""
    kind, _, size = arrangement.rpartition(" ")
    if arrangement.startswith("wandering"):
        parts = [wander(part, seed=seed) for seed, part in enumerate(parts)]
        size = size if kind else ""
    if not size.isdecimal():
        return [part.images for part in parts]
    return [rearrange_pictures(part.images, "patches", size=int(size)) for part in parts]


def add(row: dict, hits: Tensor, **facts: object) -> None:
    """Add one seed: its share right, what else is known, and its hits on the count a picture."""
    row.setdefault("accuracy", []).append(round(hits.double().mean().item(), 4))
    for name, value in facts.items():
        row.setdefault(name, []).append(value)
    before = torch.tensor([int(c) for c in row.get("right", "0" * len(hits))])
    row["right"] = "".join(map(str, (before + hits).tolist()))


def deep(
    residual: bool, blocks: int, parts, seed: int, rate: float = DEPTH_RATE
) -> tuple[float, float, float]:
    """Return accuracy, last loss and first gradient of a deep stack after a short training."""
    (train_part, validation, _) = parts
    torch.manual_seed(seed)
    config = ConvNetConfig(channels=(16, 16), blocks=(0, blocks), residual=residual)
    model = ConvNet(config).train()
    draw = drawer(*vars(train_part).values(), batch=64, change=CHANGES["moved"])
    class_loss(model, draw(torch.Generator().manual_seed(seed))).backward()
    first = model.trunk[0].weight.grad.norm().item()
    history = fit(
        model, class_loss, draw, steps=DEPTH_STEPS, lr=rate, weight_decay=0.05, warmup=10,
        clip_norm=1.0, seed=seed, progress=False,
    )  # fmt: skip
    share = right(model, *vars(validation).values()).double().mean().item()
    return share, sum(history.losses[-20:]) / 20, first


def main() -> None:
    """Measure what is not stored yet."""
    options = parse()
    torch.set_num_threads(options.threads)
    parts = product_split()
    train_part, validation, test = parts
    stored: dict = {"runs": {}, "baselines": {}, "depth": {}}
    if options.output.exists():
        stored = json.loads(options.output.read_text(encoding="utf-8"))

    def save() -> None:
        atomic.write_text(options.output, json.dumps(stored, sort_keys=True) + "\n")

    stored["command"] = "python tools/measure_seeing.py"
    stored["seconds"], stored["shifts"] = sorted(options.seconds), SHIFTS
    stored["learning_rates"] = LEARNING_RATES
    if "seconds_a_step" not in stored:
        stored["seconds_a_step"] = clock(train_part.images, train_part.labels)
        save()
    for name, arrangement in itertools.product(
        BASELINES, ("ordinary", *map(str, EXCHANGES), *WANDERING)
    ):
        key = f"{name} | {arrangement}"
        if key in stored["baselines"]:
            continue
        begin = time.process_time()

        def describe(images: Tensor, name=name) -> np.ndarray:
            edges = name == "edges"
            return (edge_histograms(images[:, 0], cell=4) if edges else images.flatten(1)).numpy()

        images = arranged(parts, arrangement)
        machine = SVC(C=3).fit(describe(images[0]), train_part.labels.numpy())
        took = time.process_time() - begin

        def named(images: Tensor, machine=machine, describe=describe) -> Tensor:
            return torch.tensor(machine.predict(describe(images)))

        row = stored["baselines"].setdefault(key, {})
        facts: dict = {"cpu_seconds": round(took, 2)}
        facts["validation"] = (named(images[1]) == validation.labels).double().mean().item()
        if arrangement == "ordinary":
            moved = [_moved(test.images, by) for by in SHIFTS]
            facts["shifted"] = [(named(x) == test.labels).double().mean().item() for x in moved]
        add(row, named(images[2]) == test.labels, **facts)
        save()
        print(key, row["accuracy"], row["cpu_seconds"], flush=True)
    for seed, residual, blocks in itertools.product(range(options.seeds), (True, False), DEPTHS):
        rows = stored["depth"].setdefault(f"{'residual' if residual else 'plain'} | {blocks}", [])
        if len(rows) <= seed:
            rows.append([round(value, 4) for value in deep(residual, blocks, parts, seed)])
            save()
            print(seed, residual, blocks, rows[-1], flush=True)
    for seed, residual, rate in itertools.product(range(options.seeds), (True, False), OTHER_RATES):
        key = f"{'residual' if residual else 'plain'} | {DEPTHS[-1]} | {rate:g}"
        rows = stored.setdefault("depth_rates", {}).setdefault(key, [])
        if len(rows) <= seed:
            found = deep(residual, DEPTHS[-1], parts, seed, rate)
            rows.append([round(value, 4) for value in found])
            save()
            print(seed, residual, rate, rows[-1], flush=True)
    for kind, arrangement, change, budget in runs(options.seconds):
        row = stored["runs"].setdefault(f"{kind} | {arrangement} | {change} | {budget:g}", {})
        steps = max(1, int(budget / stored["seconds_a_step"][f"{kind} | {change}"]))
        images = arranged(parts, arrangement)
        for seed in range(len(row.get("accuracy", [])), options.seeds):
            model, took = train(kind, images[0], train_part.labels, change, steps, seed)
            facts: dict = {"cpu_seconds": round(took, 2), "steps": steps}
            facts["validation"] = right(model, images[1], validation.labels).double().mean().item()
            if arrangement == "ordinary" and kind in KINDS:
                facts["shifted"] = [
                    round(
                        right(model, _moved(test.images, by), test.labels).double().mean().item(), 4
                    )
                    for by in SHIFTS
                ]
            add(row, right(model, images[2], test.labels), **facts)
            save()
        print(kind, arrangement, change, budget, row["accuracy"], row["cpu_seconds"], flush=True)


def _moved(images: Tensor, by: int) -> Tensor:
    """Return pictures moved to the right."""
    none = torch.zeros(len(images), dtype=torch.long)
    return shift(images, none, none + by)


if __name__ == "__main__":
    main()
