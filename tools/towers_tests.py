"""Measure the two towers and their baselines on the same pictures and the same choices.

A baseline has no text: it names a picture after the training drawing that looks most like it. On
concepts that no artist drew in training it has nothing to name from, so there it is asked the
easier question whether the nearest drawing *by another artist* of the same choices is the same
concept; it sees pictures of what the towers have only read about.
"""

from __future__ import annotations

import numpy as np
import torch
from train_clip import pictures_and_names

from ravm_course.metrics import bootstrap_interval
from ravm_course.vlm import CLIP, encode_images, hits

TESTS = ("test_artist", "test_concept", "test_both", "stamps")


def validate(model: CLIP) -> dict[str, float]:
    """Return recall at 1 on the validation artist, in both languages, and one minus their mean."""
    found, seen = {}, None
    for tongue in ("en", "zh"):
        images, names = pictures_and_names("validation", tongue)
        gallery = sorted(set(names))
        seen = encode_images(model, images) if seen is None else seen  # all have both names
        found[tongue] = float(hits(seen, model.encode_text(gallery), names, gallery).mean())
    mean = (found["en"] + found["zh"]) / 2
    return {"loss": 1 - mean, **found, "scale": model.logit_scale.item()}


def record(right: np.ndarray, choices: int, k: int = 1) -> dict[str, float]:
    """Return the mean with its 95 % bootstrap interval."""
    interval = bootstrap_interval(right)
    return {"n": len(right), "choices": choices, f"recall_at_{k}": round(interval.mean, 4),
            "low": round(interval.low, 4), "high": round(interval.high, 4)}  # fmt: skip


def measure_all(model: CLIP) -> dict[str, dict]:
    """Return recall of the towers on validation and on every test set, in both languages."""
    results = {}
    with torch.no_grad():
        for name in ("validation", *TESTS):
            for tongue in ("en", "zh"):
                images, names = pictures_and_names(name, tongue)
                gallery = sorted(set(names))
                seen, read = encode_images(model, images), model.encode_text(gallery)
                result = record(hits(seen, read, names, gallery), len(gallery))
                for k in (5, 10):
                    five = record(hits(seen, read, names, gallery, k), len(gallery), k)
                    result[f"recall_at_{k}"] = five[f"recall_at_{k}"]
                    result[f"recall_at_{k}_interval"] = [five["low"], five["high"]]
                results[f"{name}.{tongue}"] = result
    return results
