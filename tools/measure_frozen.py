"""Measure what fine-tuning adds to the published image network, at two sizes of picture.

The towers' image network was fine-tuned on drawings of 64 x 64 pixels. Here the network stays as
published, the text tower is the towers', and what stands between them is one of two:

``compare``: nothing. The picture is named after the training drawing with the most similar
features; where that drawing's name is not among the choices, the text tower relays it.
``ridge``: the linear head with the least squared distance between a training drawing and the vector
of its name, its strength chosen on the validation artist.

Chapter 17 reads the result, ``ravm_course/checkpoints/towers-frozen.json``: for every picture of
every set, in the order of the data, 1 where its English name is the nearest of the set's names,
else 0.

    OMP_NUM_THREADS=1 python tools/measure_frozen.py
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from towers_tests import TESTS, baseline_hits, frozen_features
from train_clip import data_hash, pictures_and_names

from ravm_course import data
from ravm_course.data import atomic
from ravm_course.training import shipped_facts
from ravm_course.vlm import CLIP, hits, load_pretrained

OUTPUT = Path(__file__).resolve().parents[1] / "ravm_course/checkpoints/towers-frozen.json"
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)


def ridge_head(features: Tensor, targets: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Return weight ``(1280, D)`` and bias ``(D,)`` of the regularised least squares."""
    at, to = features.mean(0), targets.mean(0)
    x, y = (features - at).double(), (targets - to).double()
    weight = torch.linalg.solve(x.T @ x + strength * torch.eye(x.shape[1]), x.T @ y).float()
    return weight, to - at @ weight


def measure(model: CLIP, size: int) -> dict[str, dict]:
    """Return what both frozen ways name right at one size of picture."""
    emoji, splits = data.load_emoji(), data.load_emoji_splits()
    train = frozen_features(emoji.images[splits.train], size)
    texts = [emoji.concepts[c].name_en for c in emoji.concept[splits.train]]
    with torch.no_grad():
        targets = model.encode_text(texts)

    asked = {name: pictures_and_names(name, "en") for name in ("validation", *TESTS)}
    seen = {name: frozen_features(images, size) for name, (images, _) in asked.items()}

    def right(name: str, head: tuple[Tensor, Tensor]) -> np.ndarray:
        choices = sorted(set(asked[name][1]))
        vectors = F.normalize(seen[name] @ head[0] + head[1], dim=1)
        with torch.no_grad():
            return hits(vectors, model.encode_text(choices), asked[name][1], choices)

    ridge = {s: ridge_head(train, targets, s) for s in STRENGTHS}
    strength = max(STRENGTHS, key=lambda s: right("validation", ridge[s]).mean())

    results = {"strength": strength}
    for name, (_, texts) in asked.items():
        ways = {
            "compare": baseline_hits(seen[name] @ train.T, model, texts, "en"),
            "ridge": right(name, ridge[strength]),
        }
        print(size, name, {way: round(float(x.mean()), 3) for way, x in ways.items()}, flush=True)
        results[name] = {way: "".join(map(str, x.astype(int))) for way, x in ways.items()}
    return results


def main(arguments: list[str] | None = None) -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128], help="(64 128)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the record goes")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    model = load_pretrained("towers").eval()
    record = {
        "command": "python tools/measure_frozen.py",
        "data_sha256": data_hash(),
        "towers": shipped_facts("towers")["fingerprint"],
        "selection": "validation (openmoji): strength of ridge",
        "sizes": {str(size): measure(model, size) for size in options.sizes},
    }
    atomic.write_text(options.output, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
