"""Measure what the general towers add to the flag encoder, over seeds, on held-out countries.

A query is a flag by EmojiOne; the store holds those of 235 countries by two other artists. The
weight of the towers' cosines is chosen on training and validation countries alone: three encoders
are trained, each without a third of the training countries, and asked for that third and for the
validation countries. Then five encoders of the recipe that ships are each asked for the 60 test
countries, once, alone and beside the towers:

    python tools/measure_flag_retriever.py
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import numpy as np
import torch
from train_flags import ROOT

from ravm_course.data import atomic, load_countries
from ravm_course.data.facts import load_country_split, twins_of
from ravm_course.metrics import bootstrap_interval
from ravm_course.ravlm.flag_encoder import FlagEncoder, FlagEncoderConfig, flag_loss
from ravm_course.ravlm.flag_qa import STORE_STYLES, flag_images
from ravm_course.ravlm.flag_views import FlagPairs
from ravm_course.ravlm.side_by_side import side_by_side
from ravm_course.training import fingerprint, fit
from ravm_course.vlm import encode_images, load_pretrained

WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0)
FOLDS = 3


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="(%(default)s)")
    add("--steps", type=int, default=500, help="updates of an encoder (%(default)s)")
    add("--work", type=Path, default=ROOT / "build" / "flag_retriever", help="unfinished runs")
    add("--output", type=Path, default=ROOT / "benchmarks" / "results" / "flag_retriever.json",
        help="(%(default)s)")  # fmt: skip
    return parser.parse_args(arguments)


def trained(countries: list[int], seed: int, options: argparse.Namespace, name: str) -> FlagEncoder:
    """Train an encoder as `train_flags` does, on some of the training countries."""
    torch.manual_seed(seed)
    encoder = FlagEncoder(FlagEncoderConfig())
    fit(
        encoder, flag_loss,
        FlagPairs(np.stack([flag_images(countries, style) for style in STORE_STYLES])),
        steps=options.steps, lr=2e-3, weight_decay=0.05, warmup=options.steps // 20, seed=seed,
        checkpoint=options.work / f"{name}-{options.steps}.safetensors",
    )  # fmt: skip
    return encoder


def folds(countries: tuple[int, ...]) -> list[list[int]]:
    """Divide countries into parts, twins together."""
    kin: dict[int, list[int]] = {}
    for country in countries:
        kin.setdefault(min([country, *twins_of(country)]), []).append(country)
    order = np.random.default_rng(5).permutation(len(kin))
    groups = list(kin.values())
    return [[c for g in order[part::FOLDS] for c in groups[g]] for part in range(FOLDS)]


def found(encode, asked: list[int], everyone: list[int]) -> tuple[list[float], list[float], list]:
    """Return for each country whether it is found, whether it or a twin is, and what is."""
    queries = encode(flag_images(asked, "emojione"))
    scores = np.max([queries @ encode(flag_images(everyone, s)).T for s in STORE_STYLES], axis=0)
    first = [everyone[i] for i in scores.argmax(1)]
    pairs = list(zip(first, asked, strict=True))
    right = [float(f == c) for f, c in pairs]
    either = [float(f == c or f in twins_of(c)) for f, c in pairs]
    missed = [[load_countries()[i].iso2 for i in (c, f)] for f, c in pairs if f != c]
    return right, either, missed


def main() -> None:
    """Choose, train, measure, write the record."""
    options = parse()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    split = load_country_split()
    everyone = [c for part in split.values() for c in part]
    towers = load_pretrained("towers")

    def general(images: np.ndarray) -> np.ndarray:
        return encode_images(towers, images).numpy()

    chosen_by: dict[str, list[float]] = {str(w): [] for w in WEIGHTS}
    missed_alone = []
    for part, held_back in enumerate(folds(split["train"])):
        encoder = trained(
            [c for c in split["train"] if c not in held_back], 0, options, f"fold{part}"
        )
        for weight in WEIGHTS:
            encode = side_by_side(encoder.encode, general, weight)
            asked = [*held_back, *split["validation"]]
            _, either, missed = found(encode, asked, everyone)
            chosen_by[str(weight)] += either
            missed_alone += missed if weight == 0 else []
    scores = {weight: float(np.mean(right)) for weight, right in chosen_by.items()}
    weight = float(max(scores, key=scores.__getitem__))
    print("right or twin, held back and validation:", scores, flush=True)

    test: dict[str, dict[str, list]] = {}
    for seed in options.seeds:
        encoder = trained(list(split["train"]), seed, options, f"seed{seed}")
        ways = {"alone": encoder.encode, "towers alone": general}
        ways["beside the towers"] = side_by_side(encoder.encode, general, weight)
        for name, encode in ways.items():
            right, either, missed = found(encode, list(split["test"]), everyone)
            record = test.setdefault(name, {"right": [], "right or twin": [], "missed": []})
            for key, values in zip(record, (right, either, missed), strict=True):
                record[key].append(values)
            print(f"seed {seed}, {name}: {np.mean(right):.3f} {np.mean(either):.3f}", flush=True)
    record = {
        "command": "python tools/measure_flag_retriever.py",
        "selected_on": "training countries held back in three folds, and validation countries",
        "chosen_by": scores,
        "weight": weight,
        "missed_alone_while_choosing": missed_alone,
        "towers": fingerprint(towers),
        "seeds": options.seeds,
        "countries": [load_countries()[c].iso2 for c in split["test"]],
        "intervals_over_countries": {
            name: {
                key: str(bootstrap_interval(np.mean(by[key], axis=0)))
                for key in ("right", "right or twin")
            }
            for name, by in test.items()
        },
        "test": test,
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
    }
    atomic.write_text(options.output, json.dumps(record) + "\n")
    print(json.dumps(record["intervals_over_countries"], indent=1))


if __name__ == "__main__":
    main()
