"""Train the network that segments and detects in composed scenes, and measure it.

It is trained on scenes of four kinds of emoji by five artists. Five seeds are trained, and each is
scored on scenes of known concepts and artists (other scenes), a new artist, new concepts, and both;
the last seed's rivals that learn nothing are scored on the same scenes. The weights of the first
seed ship, whatever the others reached. Sizes and steps were chosen on scenes by openmoji.

    OMP_NUM_THREADS=1 python tools/train_scenes.py
    OMP_NUM_THREADS=1 python tools/train_scenes.py --seeds 1 --steps 20 --output trial

What was measured already is not measured again; without the weights, all is.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.data import atomic
from ravm_course.data.files import manifest
from ravm_course.training import fingerprint, fit, load_weights, save_weights
from ravm_course.vision.boxes import Detections
from ravm_course.vision.kinds import KINDS, PARTS, drawing_parts
from ravm_course.vision.masks import boxes_of, components, fill_holes, ground_distance
from ravm_course.vision.scene_net import SceneNet
from ravm_course.vision.scene_task import (
    SceneSet,
    found_objects,
    look_at,
    scene_drawer,
    scene_loss,
    scene_set,
    score_scenes,
)

ROOT = Path(__file__).resolve().parents[1]
MADE = ("command", "data_sha256", "kinds", "lr", "scenes", "seed", "steps")  # go with the weights
THRESHOLD = 0.25  # of the colour distance to the ground: best of five on training scenes
SMALLEST = 12  # pixels of a part


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, default=5, help="(%(default)s)")
    add("--scenes", type=int, default=4000, help="for training (%(default)s)")
    add("--tested", type=int, default=500, help="scenes of each test (%(default)s)")
    add("--steps", type=int, default=3000, help="of 16 scenes (%(default)s)")
    add("--ablation-steps", type=int, default=800, help="with and without a part (%(default)s)")
    add("--lr", type=float, default=5e-3, help="(%(default)s)")
    add("--threads", type=int, default=1, help="(%(default)s)")
    add("--output", default="scene-net", help="name of the checkpoint (%(default)s)")
    return parser.parse_args()


def train(part: SceneSet, steps: int, lr: float, seed: int, **shape: object):
    """Return a trained network and the CPU seconds that it took."""
    torch.manual_seed(seed)
    model = SceneNet(len(KINDS), **shape)
    begin = time.process_time()
    fit(
        model, scene_loss, scene_drawer(part), steps=steps, lr=lr, weight_decay=0.01,
        warmup=steps // 20, clip_norm=1.0, seed=seed,
    )  # fmt: skip
    return model, time.process_time() - begin


def scored(model: SceneNet, part: SceneSet) -> dict:
    """Return the scores of a network, and how many objects of each drawing it found."""
    masks, found = look_at(model, part)
    scores = {name: round(value, 4) for name, value in score_scenes(masks, found, part).items()}
    rows: dict[str, list[int]] = {}
    for kinds in (True, False):
        hits, drawings = found_objects(found, part, kinds=kinds)
        for hit, drawing in zip(hits.tolist(), drawings.tolist(), strict=True):
            rows.setdefault(str(drawing), [0, 0, 0])[0 if kinds else 1] += hit
            rows[str(drawing)][2] += kinds
    return scores | {"found": rows}  # with its kind, in any case, how often there


def apart_from_ground(part: SceneSet) -> Tensor:
    """Return the pixels of things by the program that knows only of the ground, ``(N, H, W)``."""
    away = torch.cat([ground_distance(some) for some in part.images.split(50)])
    return fill_holes(away > THRESHOLD)


def things_iou(masks: Tensor, part: SceneSet) -> list[float]:
    """Return the intersection over union of things against ground in each scene."""
    said, true = masks > 0, part.masks > 0
    common, union = (some.sum((1, 2)) for some in (said & true, said | true))
    return [round(value, 4) for value in (common / union).tolist()]


def by_hand(part: SceneSet) -> dict[str, float]:
    """Score what learns nothing: smooth ground, connected parts, nearest training drawing."""
    train_part = drawing_parts()["train"]
    known = torch.stack([_crop(image, image.amin(0) < 0.95) for image in train_part.images])
    known = F.normalize(known - known.mean(1, keepdim=True), dim=1)
    masks, found = torch.zeros_like(part.masks), []
    apart = apart_from_ground(part)
    for n, numbered in enumerate(components(apart)):
        boxes = boxes_of(numbered, SMALLEST)
        kinds, scores = [], []
        for left, top, right, bottom in boxes.tolist():
            inside = torch.zeros_like(apart[n])
            inside[top:bottom, left:right] = apart[n, top:bottom, left:right]
            crop = _crop(torch.where(inside, part.images[n], 1.0), inside)
            likeness = known @ F.normalize(crop - crop.mean(), dim=0)
            kinds.append(int(train_part.labels[int(likeness.argmax())]))
            scores.append(float(likeness.max()))
            masks[n][inside] = kinds[-1] + 1
        found.append(Detections(boxes, torch.tensor(kinds).long(), torch.tensor(scores)))
    scores = score_scenes(masks, found, part)
    return {name: round(value, 4) for name, value in scores.items()}


def _crop(image: Tensor, mask: Tensor) -> Tensor:
    """Return what a mask holds, at 16 x 16, as one row."""
    rows, columns = (mask.any(dim) for dim in (1, 0))
    top, bottom = int(rows.int().argmax()), len(rows) - int(rows.flip(0).int().argmax())
    left, right = int(columns.int().argmax()), len(columns) - int(columns.flip(0).int().argmax())
    return F.adaptive_avg_pool2d(image[:, top:bottom, left:right], 16).flatten()


def main() -> None:
    """Train and measure what is not stored yet."""
    options = parse()
    torch.set_num_threads(options.threads)
    folder = ROOT / "ravm_course" / "checkpoints"
    record, weights = folder / f"{options.output}.json", folder / f"{options.output}.safetensors"
    facts: dict = {"seeds": [], "ablation": {}}
    if record.exists() and weights.exists():
        facts = json.loads(record.read_text(encoding="utf-8"))
    training = scene_set("train", options.scenes)
    tests = {name: scene_set(name, options.tested) for name in PARTS}
    names = ("emoji/index.json", "emoji/splits.json")
    facts |= {
        "command": f"python tools/train_scenes.py --steps {options.steps}",
        "kinds": KINDS, "scenes": options.scenes, "tested": options.tested,
        "steps": options.steps, "ablation_steps": options.ablation_steps, "lr": options.lr,
        "data_sha256": {name: manifest()[name]["sha256"] for name in names},
    }  # fmt: skip

    def save() -> None:
        atomic.write_text(record, json.dumps(facts, sort_keys=True) + "\n")

    if "by_hand" not in facts:
        facts["by_hand"] = {name: by_hand(test) for name, test in tests.items()}
        save()
        print("by hand", facts["by_hand"], flush=True)
    for seed in range(len(facts["seeds"]), options.seeds):
        model, seconds = train(training, options.steps, options.lr, seed)
        if seed == 0:
            facts["seed"] = seed
            save_weights(model.half(), weights, **{key: facts[key] for key in MADE})
            facts["fingerprint"] = fingerprint(model)
            model.float()
        result = {name: scored(model, test) for name, test in tests.items()}
        facts["seeds"].append({"cpu_seconds": round(seconds, 1), "scores": result})
        save()
        shown = {
            name: {k: v for k, v in row.items() if k != "found"} for name, row in result.items()
        }
        print(seed, round(seconds), shown, flush=True)
    if "things_iou" not in facts:
        shipped = SceneNet(len(KINDS)).half()
        load_weights(shipped, weights)
        facts["things_iou"] = {
            name: {
                "shipped": things_iou(look_at(shipped.float(), test)[0], test),
                "by_hand": things_iou(apart_from_ground(test), test),
            }
            for name, test in tests.items()
        }
        save()
    for name, lateral in (("whole", True), ("without the way across", False)):
        rows = facts["ablation"].setdefault(name, [])
        for seed in range(len(rows), options.seeds):
            model, seconds = train(
                training, options.ablation_steps, options.lr, seed, lateral=lateral
            )
            test = tests["test_artist"]
            scores = score_scenes(*look_at(model, test), test)
            rows.append({k: round(v, 4) for k, v in scores.items()} | {"cpu_seconds": seconds})
            save()
            print(name, seed, rows[-1], flush=True)
    facts["mean"] = {
        name: {
            key: round(float(np.mean([s["scores"][name][key] for s in facts["seeds"]])), 4)
            for key in facts["by_hand"][name]
        }
        for name in tests
    }
    save()


if __name__ == "__main__":
    main()
