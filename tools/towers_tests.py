"""Measure the two towers and their baselines on the same pictures and the same choices.

A baseline has no text: it names a picture after the training drawing that looks most like it, by
pixels or by the published network's features. Where the choices are concepts of the training, only
drawings of these are candidates. Where they are not (held-out concepts, stamps), no training
drawing bears the right name; then the names of the nearest drawings are *relayed*: the choice is
taken whose text is nearest to theirs, by the trained text tower. So the baseline knows all words
that the towers know, and differs in the picture alone.

For held-out concepts an easier question is recorded as well, as ``shown``: there the baseline sees
drawings of the held-out concepts by training artists of other families, which the towers never saw.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from train_clip import pictures_and_names

from ravm_course import data
from ravm_course.metrics import bootstrap_interval, paired_bootstrap
from ravm_course.vision.efficientnet import load_efficientnet
from ravm_course.vlm import CLIP, encode_images, hits, pixel_features, to_float

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


def frozen_features(images: np.ndarray, size: int = 128) -> torch.Tensor:
    """Return unit vectors of the published network, pictures enlarged to `size` first."""
    network, parts = load_efficientnet(), []
    with torch.inference_mode():
        for start in range(0, len(images), 64):
            batch = to_float(images[start : start + 64])
            batch = F.interpolate(batch, size=(size, size), mode="bilinear", align_corners=False)
            parts.append(F.normalize(network.features(batch), dim=-1))
    return torch.cat(parts)


def choices_in_order(scores: torch.Tensor, labels: list[str], k: int) -> list[str]:
    """Return the first `k` different labels by falling score."""
    order = torch.argsort(scores, descending=True).tolist()
    return list(dict.fromkeys(labels[i] for i in order))[:k]


def baseline_hits(
    scores: torch.Tensor, model: CLIP, names: list[str], tongue: str, k: int = 1
) -> np.ndarray:
    """Say for each picture whether its name is among the `k` first of the nearest drawings.

    Parameters
    ----------
    scores
        Similarities of N pictures to all training drawings, ``(N, train)``.
    model
        Whose text tower relays names that no training drawing bears.
    names, tongue
        Of the pictures, and their language.
    k
        How many names may be tried.
    """
    emoji, splits = data.load_emoji(), data.load_emoji_splits()
    texts = [getattr(emoji.concepts[c], f"name_{tongue}") for c in emoji.concept[splits.train]]
    gallery = sorted(set(names))
    if set(gallery) <= set(texts):
        wanted = set(gallery)
        kept = [i for i, text in enumerate(texts) if text in wanted]
        drawn = [texts[i] for i in kept]
        found = [choices_in_order(row, drawn, k) for row in scores[:, kept]]
    else:
        with torch.no_grad():
            relay = model.encode_text(texts) @ model.encode_text(gallery).T
        nearest = scores.argmax(dim=1)
        found = [choices_in_order(relay[i], gallery, k) for i in nearest.tolist()]
    return np.array([name in some for name, some in zip(names, found, strict=True)])


def shown_hits(encode, name: str) -> dict[str, float]:
    """Return recall at 1 of the nearest drawing of the held-out concepts, which it is shown."""
    emoji, splits = data.load_emoji(), data.load_emoji_splits()
    families = ("noto", "noto-v1") if name == "test_concept" else ()
    rows = getattr(splits, name)
    held = np.isin(emoji.concept, np.unique(emoji.concept[rows]))
    held &= np.isin(emoji.artist, splits.train_artists) & ~np.isin(emoji.artist, families)
    gallery = np.flatnonzero(held)
    nearest = (encode(emoji.images[rows]) @ encode(emoji.images[gallery]).T).argmax(dim=1).numpy()
    right = emoji.concept[gallery][nearest] == emoji.concept[rows]
    return record(right, len(np.unique(emoji.concept[rows])))


def compare(model: CLIP, sets: tuple[str, ...] = ("validation", *TESTS)) -> dict[str, dict]:
    """Return both baselines on every set, and the towers' lead over the better of them."""
    emoji, splits, results = data.load_emoji(), data.load_emoji_splits(), {}
    encoders = {"pixels": pixel_features, "frozen features": frozen_features}
    shown = {kind: encode(emoji.images[splits.train]) for kind, encode in encoders.items()}
    for name in sets:
        scores, scored = {}, 0
        for tongue in ("en", "zh"):
            images, names = pictures_and_names(name, tongue)
            gallery = sorted(set(names))
            with torch.no_grad():
                seen, read = encode_images(model, images), model.encode_text(gallery)
            if len(images) != scored:  # else they are the same pictures in both languages
                scores = {kind: encode(images) @ shown[kind].T for kind, encode in encoders.items()}
                scored = len(images)
            for k in (1, 5):
                ours = hits(seen, read, names, gallery, k)
                theirs = {
                    kind: baseline_hits(scores[kind], model, names, tongue, k) for kind in encoders
                }
                best = max(theirs, key=lambda kind: theirs[kind].mean())
                lead = paired_bootstrap(ours, theirs[best])
                results[f"{name}.{tongue}@{k}"] = {
                    **{kind: record(right, len(gallery), k) for kind, right in theirs.items()},
                    "towers": round(float(ours.mean()), 4),
                    "ratio": round(float(ours.mean() / max(theirs[best].mean(), 1e-9)), 2),
                    "lead": [round(float(v), 4) for v in (lead.mean, lead.low, lead.high)],
                }
                print(f"{name}.{tongue}@{k}:", results[f"{name}.{tongue}@{k}"], flush=True)
        if name in ("test_concept", "test_both"):
            results[f"{name}.shown"] = {kind: shown_hits(e, name) for kind, e in encoders.items()}
    return results
