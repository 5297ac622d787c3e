"""Measure what features from ImageNet are worth, at 1 to 100 labels a class, on three sets.

``products``: photographs of 28 x 28 grey pixels, 10 classes; tested on the 3,000 test pictures.
``drawings``: emoji of four kinds (face, animal, food, vehicle), labels from the five training
artists; tested on emojione, with concepts that training shows and with concepts it does not.
``stamps``: photographs and drawings of six kinds; tested on a third of the captions.

On top of frozen features stands logistic regression, on features brought to mean zero and variance
one over the unlabelled training pictures; its strength is chosen on validation pictures (for
stamps, which have none, that of the drawings is taken). Every method of one seed gets the same
labels. Stored are the shares right of each seed, and a mean over seeds for each test picture.

The encoder gets all three sets at 128 pixels, so that its layers can be compared between sets: a
layer that sees 2 x 2 places of a small picture sees 4 x 4 of a large one. The products are measured
at twice their size as well, where fine-tuning can be paid for.

    OMP_NUM_THREADS=1 python tools/measure_vision_transfer.py

What was measured already is not measured again.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from ravm_course.data import atomic, load_stamps
from ravm_course.training import fit
from ravm_course.vision.classify import class_loss, drawer, predict, vary
from ravm_course.vision.edges import edge_histograms
from ravm_course.vision.efficientnet import EfficientNetLite0, load_efficientnet
from ravm_course.vision.kinds import drawing_parts
from ravm_course.vision.products import new_classifier, product_split

ROOT = Path(__file__).resolve().parents[1]
STAMPS = ("animals", "food", "household", "vehicles", "clothes", "plants")
BLOCKS = (1, 3, 5, 8, 11, 15, None)  # features after so many blocks; None: the last maps
SIZES = {"drawings": 128, "stamps": 128, "products at 128": 128, "products": 56}  # in pixels
A_CLASS = dict.fromkeys(SIZES, (10,)) | {"products": (1, 3, 10, 30, 100)}
STRENGTHS = (1e-3, 1e-2, 1e-1)
SCRATCH_STEPS = {1: 60, 3: 100, 10: 150, 30: 300, 100: 600}
TUNE_STEPS = {1: 30, 10: 60, 100: 150}
TUNE_RATE = 3e-4


@dataclass
class Domain:
    """Pictures ``(N, C, H, W)`` in [0, 1], classes, and rows: pool, validation, tests."""

    images: Tensor
    labels: np.ndarray
    pool: np.ndarray
    validation: np.ndarray
    tests: dict[str, np.ndarray]


def products() -> Domain:
    """Return the product photographs; labels are drawn from the first 6,000."""
    parts = product_split()
    images, labels = (torch.cat([getattr(p, n) for p in parts]) for n in ("images", "labels"))
    rows = np.arange(len(labels))
    return Domain(images, labels.numpy(), rows[:6000], rows[6000:7000], {"test": rows[7000:]})


def drawings() -> Domain:
    """Return emoji of four kinds."""
    parts = drawing_parts()
    images = torch.cat([part.images for part in parts.values()])
    labels = np.concatenate([part.labels for part in parts.values()])
    edges = np.cumsum([0, *(len(part.labels) for part in parts.values())])
    rows = {name: np.arange(a, b) for name, a, b in zip(parts, edges, edges[1:], strict=False)}
    tests = {"known concepts": rows["test_artist"], "new concepts": rows["test_both"]}
    return Domain(images, labels, rows["train"], rows["validation"], tests)


def stamps() -> Domain:
    """Return stamps of six kinds, divided by caption."""
    all_stamps = load_stamps()
    kept = [i for i, c in enumerate(all_stamps.category) if c in STAMPS]
    labels = np.array([STAMPS.index(all_stamps.category[i]) for i in kept])
    captions = [all_stamps.caption_en[i].casefold() for i in kept]
    names = sorted(set(captions))
    tested = set(np.random.default_rng(0).permutation(names)[: len(names) // 3].tolist())
    is_test = np.array([caption in tested for caption in captions])
    images = torch.tensor(all_stamps.images[kept]).permute(0, 3, 1, 2).float() / 255
    rows = np.arange(len(kept))
    return Domain(images, labels, rows[~is_test], rows[:0], {"new captions": rows[is_test]})


def colour(images: Tensor, size: int) -> Tensor:
    """Return pictures of three channels at another size."""
    images = images.expand(-1, 3, -1, -1)
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False)


def encoder_features(
    network: EfficientNetLite0, images: Tensor, size: int
) -> dict[str, np.ndarray]:
    """Return features after several blocks, by means over a grid of 4 x 4 or over the picture."""
    found: dict[str, list[Tensor]] = {}
    with torch.inference_mode():
        for some in images.split(50):
            x = network.stem(_normalised(colour(some, size)))
            for i, block in enumerate(network.blocks, start=1):
                x = block(x)
                if i in BLOCKS:
                    cells = F.adaptive_avg_pool2d(x, 4).flatten(1)
                    found.setdefault(f"after {i}", []).append(cells)
                    found.setdefault(f"after {i}, mean", []).append(x.mean((2, 3)))
            found.setdefault("last, mean", []).append(network.last(x).mean((2, 3)))
    return {name: torch.cat(parts).numpy() for name, parts in found.items()}


def _normalised(images: Tensor) -> Tensor:
    return (images.to(memory_format=torch.channels_last) - 127 / 255) * 255 / 128


def regression(features: np.ndarray, domain: Domain, rows: np.ndarray, strength: float) -> Callable:
    """Return a function from rows to predicted classes."""
    mean, scale = features[domain.pool].mean(0), features[domain.pool].std(0) + 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=strength, max_iter=300)
        model.fit((features[rows] - mean) / scale, domain.labels[rows])
    return lambda asked: model.predict((features[asked] - mean) / scale)


def drawn(domain: Domain, a_class: int, seed: int) -> np.ndarray:
    """Draw labelled pictures, equally many of each class."""
    rng = np.random.default_rng(seed)
    own = domain.labels[domain.pool]
    return np.concatenate(
        [rng.choice(domain.pool[own == k], a_class, replace=False) for k in np.unique(own)]
    )


def trained(model: nn.Module, images, labels, steps: int, lr: float, seed: int) -> nn.Module:
    """Train a network on few pictures, moved and mirrored."""
    draw = drawer(
        images, labels, batch=32, change=lambda x, g: vary(x, g, pixels=max(1, x.shape[3] // 28))
    )
    fit(
        model, class_loss, draw, steps=steps, lr=lr, weight_decay=0.05, warmup=steps // 10,
        clip_norm=1.0, seed=seed, progress=False,
    )  # fmt: skip
    return model


def tuned(domain: Domain, rows: np.ndarray, size: int, steps: int, seed: int) -> Callable:
    """Fine-tune the whole encoder with a new last layer; normalisations keep their statistics."""
    torch.manual_seed(seed)
    classes = int(domain.labels.max()) + 1
    network = load_efficientnet().requires_grad_(True)
    network.classify = nn.Linear(1280, classes)
    network.dropout = 0.0
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train = lambda mode=True, module=module: module  # stays in evaluation mode
    images = colour(domain.images[rows], size)
    trained(network, images, torch.tensor(domain.labels[rows]), steps, TUNE_RATE, seed)
    return lambda asked: (
        predict(network, colour(domain.images[asked], size), batch=50).argmax(1).numpy()
    )


def main() -> None:
    """Measure what is not stored yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="draws of labels (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="(%(default)s)")
    output = ROOT / "ravm_course" / "checkpoints" / "seeing-transfer.json"
    parser.add_argument("--output", type=Path, default=output, help="(%(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    stored: dict = {"rows": {}, "strengths": {}, "validation": {}}
    if options.output.exists():
        stored = json.loads(options.output.read_text(encoding="utf-8"))
    stored |= {
        "command": "python tools/measure_vision_transfer.py", "sizes": SIZES, "a_class": A_CLASS,
        "scratch_steps": SCRATCH_STEPS, "tune_steps": TUNE_STEPS,
    }  # fmt: skip

    def save() -> None:
        atomic.write_text(options.output, json.dumps(stored, sort_keys=True) + "\n")

    def note(key: str, answer: Callable, domain: Domain, seed: int, seconds: float) -> None:
        row = stored["rows"].setdefault(key, {"cpu_seconds": []})
        row["cpu_seconds"].append(round(seconds, 2))
        for name, rows in domain.tests.items():
            hits = (answer(rows) == domain.labels[rows]).astype(int)
            test = row.setdefault(name, {"accuracy": [], "right": "0" * len(hits)})
            test["accuracy"].append(round(float(hits.mean()), 4))
            before = np.array([*map(int, test["right"])])
            test["right"] = "".join(map(str, before + hits))
        save()

    for name, size in SIZES.items():
        domain = {"drawings": drawings, "stamps": stamps}.get(name, products)()
        grey = domain.images.mean(1)
        torch.manual_seed(0)
        kinds = {
            "pixels": lambda d=domain: F.adaptive_avg_pool2d(
                d.images, min(28, d.images.shape[3] // (1 if d.images.shape[3] == 28 else 4))
            ).flatten(1).numpy(),
            "edges": lambda g=grey: edge_histograms(g, cell=4 if g.shape[1] == 28 else 8).numpy(),
        }  # fmt: skip
        features = {kind: make_features() for kind, make_features in kinds.items()}
        for kind, network in (
            ("imagenet", load_efficientnet()),
            ("untrained", EfficientNetLite0(classes=None).eval()),
        ):
            begin = time.process_time()
            found = encoder_features(network, domain.images, size)
            features |= {f"{kind} {where}": values for where, values in found.items()}
            stored.setdefault("encode_seconds", {})[f"{name} | {kind}"] = round(
                (time.process_time() - begin) / len(domain.images), 5
            )
        stored.setdefault("tested", {})[name] = {k: len(v) for k, v in domain.tests.items()}
        save()
        for kind, values in features.items():
            for a_class in A_CLASS[name]:
                key = f"{name} | {kind} | {a_class}"
                if len(stored["rows"].get(key, {}).get("cpu_seconds", [])) >= options.seeds:
                    continue
                strength = stored["strengths"].get(key.replace("stamps", "drawings"))
                if strength is None:
                    strength, share = _strongest(values, domain, a_class)
                    stored["strengths"][key] = strength
                    stored["validation"][key] = round(share, 4)
                for seed in range(options.seeds):
                    begin = time.process_time()
                    answer = regression(values, domain, drawn(domain, a_class, seed), strength)
                    note(key, answer, domain, seed, time.process_time() - begin)
                first = next(iter(domain.tests))
                print(key, strength, np.mean(stored["rows"][key][first]["accuracy"]), flush=True)
        _networks(name, domain, options.seeds, stored, note)


def _strongest(values: np.ndarray, domain: Domain, a_class: int) -> tuple[float, float]:
    """Return the strength that is best on validation, and how good: three draws no test uses."""
    scores = {}
    for strength in STRENGTHS:
        answers = [
            regression(values, domain, drawn(domain, a_class, seed), strength)(domain.validation)
            for seed in (100, 101, 102)
        ]
        scores[strength] = np.mean([a == domain.labels[domain.validation] for a in answers])
    best = max(scores, key=scores.get)
    return best, float(scores[best])


def _networks(name: str, domain: Domain, seeds: int, stored: dict, note: Callable) -> None:
    """Measure the networks that learn: from scratch and fine-tuned, on the products."""
    if name != "products":
        return
    for kind, table in (("scratch", SCRATCH_STEPS), ("fine-tuned", TUNE_STEPS)):
        for a_class, steps in table.items():
            key = f"{name} | {kind} | {a_class}"
            for seed in range(len(stored["rows"].get(key, {}).get("cpu_seconds", [])), seeds):
                rows, begin = drawn(domain, a_class, seed), time.process_time()
                if kind == "scratch":
                    torch.manual_seed(seed)
                    model = new_classifier("residual")
                    labels = torch.tensor(domain.labels[rows])
                    trained(model, domain.images[rows], labels, steps, 5e-3, seed)

                    def answer(asked, model=model):
                        return predict(model, domain.images[asked]).argmax(1).numpy()
                else:
                    answer = tuned(domain, rows, SIZES[name], steps, seed)
                note(key, answer, domain, seed, time.process_time() - begin)
                print(key, seed, stored["rows"][key]["test"]["accuracy"][-1], flush=True)


if __name__ == "__main__":
    main()
