"""Train the flag encoder and the reader that ship with the course, and measure them.

Both are trained on the 155 training countries: the encoder on their flags by two artists (openmoji,
twemoji), the reader on passages and questions in the training wordings. Five seeds are trained and
each is asked all 900 questions about the 60 held-out countries, in wordings that were not in
training, with flags drawn by a third artist (emojione). The weights of the first seed ship,
whatever the others reached.

Sizes, steps and the kinds of random change were chosen on the validation countries alone: for the
encoder by their emojione flags, for the reader by holding back two of the six training wordings of
each fact. A run that was killed goes on where it was:

    python tools/train_flags.py
    python tools/train_flags.py --seeds 0 --encoder-steps 20 --reader-steps 20 --output trial

With ``--ablations`` no weights are written. The encoder is trained without parts of its random
changes, and the reader without shuffled sentences; what each reaches is added to
``flag-encoder.json`` beside what the full recipe reached:

    python tools/train_flags.py --ablations --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.data import atomic, load_countries
from ravm_course.data.facts import load_country_split, load_questions, make_passage, twins_of
from ravm_course.data.files import manifest
from ravm_course.metrics import bootstrap_interval
from ravm_course.ravlm.flag_encoder import FlagEncoder, FlagEncoderConfig, flag_loss
from ravm_course.ravlm.flag_qa import (
    STORE_STYLES,
    ClosedBookBatches,
    closed_book_loss,
    flag_images,
    flag_store,
    is_right,
    ladder,
    new_closed_book,
)
from ravm_course.ravlm.flag_views import FlagPairs, invent, restyle
from ravm_course.ravlm.reader import Reader, ReaderConfig, reader_loss
from ravm_course.ravlm.reader_batches import ReadingBatches, reading_vocabulary, without_answer
from ravm_course.ravlm.visual_qa import VisualQA
from ravm_course.training import fit, save_weights

ROOT = Path(__file__).resolve().parents[1]
RELATIONS = ("capital", "currency", "continent")


def resize(first: Tensor, second: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Only bring pairs to their size."""
    small = [F.interpolate(p, size=size, mode="bilinear", antialias=True) for p in (first, second)]
    return small[0], small[1]


def without(part: str):
    """Return the random change of the full recipe, with one part of the restyling left out."""

    def change(first, second, generator, size):
        first, second = invent(first, second, generator)
        options = {part: False}
        return restyle(first, generator, size, **options), restyle(
            second, generator, size, **options
        )

    return change


#: how an encoder's pairs differ from the full recipe's, in the ablations. Without restyling the
#: pictures are by two artists always: one picture twice would teach nothing; hence the control
ENCODER_ABLATIONS = {
    "always two artists": {"two_artists": True},
    "circles off": {"change": without("circles")},
    "colours off": {"change": without("colours")},
    "restyle off": {
        "change": lambda a, b, generator, size: resize(*invent(a, b, generator), size),
        "two_artists": True,
    },
    "invent off": {
        "change": lambda a, b, generator, size: (
            restyle(a, generator, size), restyle(b, generator, size)
        ),
    },
    "both off": {"change": lambda a, b, generator, size: resize(a, b, size), "two_artists": True},
}  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="(%(default)s)")
    add("--encoder-steps", type=int, default=500, help="updates (%(default)s)")
    add("--reader-steps", type=int, default=450, help="updates (%(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--ablations", action="store_true", help="train and measure without parts of the recipe")
    add("--work", type=Path, default=ROOT / "build" / "train_flags", help="for unfinished runs")
    add("--output", type=Path, default=ROOT / "ravm_course" / "checkpoints", help="(%(default)s)")
    return parser.parse_args(arguments)


def train_encoder(
    seed: int, steps: int, checkpoint: Path | None = None, **pairing: object
) -> FlagEncoder:
    """Train one flag encoder on the training countries; `pairing` as for FlagPairs."""
    torch.manual_seed(seed)
    encoder = FlagEncoder(FlagEncoderConfig())
    train = load_country_split()["train"]
    pairs = FlagPairs(np.stack([flag_images(train, style) for style in STORE_STYLES]), **pairing)
    fit(
        encoder, flag_loss, pairs, steps=steps, lr=2e-3, weight_decay=0.05,
        warmup=steps // 20, seed=seed, checkpoint=checkpoint,
    )  # fmt: skip
    return encoder


def train_reader(seed: int, steps: int, checkpoint: Path | None = None, **changes: float) -> Reader:
    """Train one reader on the training countries and wordings; `changes` as for ReadingBatches."""
    torch.manual_seed(seed)
    train = load_country_split()["train"]
    reader = Reader(reading_vocabulary(train), ReaderConfig())
    fit(
        reader, reader_loss, ReadingBatches(reader, train, **changes), steps=steps, lr=2e-3,
        weight_decay=0.01, warmup=steps // 15, clip_norm=1.0, seed=seed, checkpoint=checkpoint,
    )  # fmt: skip
    return reader


def measure(encoder: FlagEncoder, reader: Reader, seed: int) -> dict:
    """Open the test set: retrieval, the ladder, sweeps, abstaining; averages by country."""
    torch.manual_seed(seed)
    closed_book = new_closed_book(encoder.config.dim)
    draw = ClosedBookBatches(closed_book, encoder.encode)
    fit(closed_book, closed_book_loss, draw, steps=400, lr=2e-3, weight_decay=0.05, seed=seed)
    split, questions = load_country_split(), load_questions("test")
    test, known = split["test"], [*split["train"], *split["validation"]]

    steps = ladder(encoder, reader, closed_book, seed=seed)
    by_country = {
        name: {
            relation: _by_country(right, questions, lambda q, r=relation: q.relation == r)
            for relation in RELATIONS
        }
        | {
            language: _by_country(right, questions, lambda q, g=language: q.language == g)
            for language in ("en", "zh")
        }
        for name, right in steps.items()
    }

    images = flag_images(test, "emojione")
    store = flag_store(encoder, [*known, *test])
    qa = VisualQA(encoder.encode, store, reader)
    found = [hits[0].metadata["country"] for hits in qa.retrieve(images)]
    retrieval = {
        "right": [float(f == c) for f, c in zip(found, test, strict=True)],
        "right or twin": [
            float(f == c or f in twins_of(c)) for f, c in zip(found, test, strict=True)
        ],
        "validation": [
            float(hits[0].metadata["country"] == c)
            for hits, c in zip(
                qa.retrieve(flag_images(split["validation"], "emojione")),
                split["validation"],
                strict=True,
            )
        ],
    }

    few = [q for q in questions if q.language == "en"][::3]  # the first English wording of each
    row = {country: i for i, country in enumerate(test)}
    pictures = images[[row[q.country] for q in few]]
    texts = [q.text for q in few]
    k_sweep = {
        str(k): _by_country(
            is_right(qa.answer_many(pictures, texts, k, may_abstain=False), few), few
        )
        for k in (1, 2, 4, 8)
    }
    order = np.random.default_rng(seed).permutation(known)
    size_sweep = {}
    for size in (60, 90, 120, 180, 235):
        smaller = VisualQA(
            encoder.encode, flag_store(encoder, [*test, *order[: size - 60].tolist()]), reader
        )
        answers = smaller.answer_many(pictures, texts, may_abstain=False)
        size_sweep[str(size)] = _by_country(is_right(answers, few), few)

    passages = {c: make_passage(c, "test") for c in test}
    titles = [passages[q.country].title for q in few]
    there = reader.read_many(texts, [passages[q.country].text for q in few], titles)
    gone = reader.read_many(
        texts, [without_answer(passages[q.country], q.relation) for q in few], titles
    )
    abstain = {
        "refused, answer cut out": float(np.mean([span.text == "" for span in gone])),
        "refused, answer there": float(np.mean([span.text == "" for span in there])),
    }
    return {
        "ladder": by_country,
        "retrieval": retrieval,
        "k": k_sweep,
        "store size": size_sweep,
        "abstaining": abstain,
    }


def _by_country(right, questions, chosen=lambda question: True) -> list[float]:
    """Return the share of right answers of each test country, in order."""
    return [
        float(
            np.mean(
                [r for r, q in zip(right, questions, strict=True) if q.country == c and chosen(q)]
            )
        )
        for c in load_country_split()["test"]
    ]


def ablate(options: argparse.Namespace) -> dict:
    """Train without parts of the recipe, and return R@1 and answers right, by seed and country."""
    split, questions = load_country_split(), load_questions("test")
    test, everyone = split["test"], [c for part in split.values() for c in part]
    passages = {c: make_passage(c, "test") for c in test}
    found: dict[str, list] = {}
    for seed in options.seeds:
        for name, pairing in ENCODER_ABLATIONS.items():
            slug = name.replace(" ", "-")
            encoder = train_encoder(
                seed, options.encoder_steps,
                options.work / f"{slug}-{options.encoder_steps}-seed{seed}.safetensors", **pairing,
            )  # fmt: skip
            hits = flag_store(encoder, everyone).search(
                encoder.encode(flag_images(test, "emojione")), k=1
            )
            right = [
                float(hit.metadata["country"] == c) for (hit,), c in zip(hits, test, strict=True)
            ]
            found.setdefault(name, []).append(right)
            print(f"seed {seed}, {name}: R@1 {np.mean(right):.3f}", flush=True)
        reader = train_reader(
            seed, options.reader_steps,
            options.work / f"unshuffled-{options.reader_steps}-seed{seed}.safetensors",
            shuffled=0.0,
        )  # fmt: skip
        answers = []
        for start in range(0, len(questions), 60):
            part = questions[start : start + 60]
            answers += reader.read_many(
                [q.text for q in part],
                [passages[q.country].text for q in part],
                [passages[q.country].title for q in part],
                may_abstain=False,
            )
        right = is_right([span.text for span in answers], questions)
        found.setdefault("shuffling off", []).append(_by_country(right, questions))
        print(f"seed {seed}, shuffling off: oracle {right.mean():.3f}", flush=True)
    seeds = " ".join(map(str, options.seeds))
    return {
        "command": f"python tools/train_flags.py --ablations --seeds {seeds}",
        "seeds": options.seeds,
        "measures": {
            **dict.fromkeys(ENCODER_ABLATIONS, "R@1"),
            "shuffling off": "answers right with the right passage",
        },
        "per_seed": {name: np.round(np.mean(by, axis=1), 4).tolist() for name, by in found.items()},
        "mean_over_seeds": {
            name: np.round(np.mean(by, axis=0), 4).tolist() for name, by in found.items()
        },
    }


def average(results: list, digits: int = 4):
    """Average nested results over seeds, number by number."""
    if isinstance(results[0], dict):
        return {key: average([r[key] for r in results], digits) for key in results[0]}
    return np.round(np.mean(results, axis=0), digits).tolist()


def main() -> None:
    """Train, measure, and write the checkpoints with what was measured."""
    options = parse()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    if options.ablations:
        record = options.output / "flag-encoder.json"
        facts = json.loads(record.read_text(encoding="utf-8"))
        facts["ablations"] = ablate(options)
        text = json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=True)
        atomic.write_text(record, text + "\n")
        return
    results = []
    for seed in options.seeds:
        begin = time.process_time()
        stem = f"{options.encoder_steps}-{options.reader_steps}-seed{seed}"
        encoder = train_encoder(
            seed, options.encoder_steps, options.work / f"encoder-{stem}.safetensors"
        )
        reader = train_reader(
            seed, options.reader_steps, options.work / f"reader-{stem}.safetensors"
        )
        record = options.work / f"measured-{stem}.json"
        if not record.exists():
            record.write_text(json.dumps(measure(encoder, reader, seed)), encoding="utf-8")
        results.append(json.loads(record.read_text(encoding="utf-8")))
        if seed == options.seeds[0]:
            shipped = encoder, reader
        real = results[-1]["ladder"]["real, added"]
        print(
            f"seed {seed}: R@1 {np.mean(results[-1]['retrieval']['right']):.3f}, "
            + ", ".join(f"{r} {np.mean(real[r]):.3f}" for r in RELATIONS)
            + f" ({time.process_time() - begin:.0f} CPU seconds)",
            flush=True,
        )

    mean = average(results)
    intervals = {
        name: str(bootstrap_interval(np.mean([by[r] for r in RELATIONS], axis=0)))
        for name, by in mean["ladder"].items()
    }
    data = {f: r["sha256"] for f, r in manifest().items() if r["set"] in ("flags", "countries")}
    facts = {
        "command": "python tools/train_flags.py",
        "seeds": options.seeds,
        "data_sha256": hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest(),
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        "selected_on": "validation countries; for the reader, training wordings held back",
        "licence": "CC-BY-SA-4.0 (trained on openmoji and twemoji drawings)",
    }
    countries = [load_countries()[c].iso2 for c in load_country_split()["test"]]
    measured = {
        "countries": countries,
        "mean_over_seeds": mean,
        "accuracy_interval_over_countries": intervals,
        "per_seed": {
            "R@1": [float(np.mean(r["retrieval"]["right"])) for r in results],
            **{
                name: [
                    float(np.mean([r["ladder"][name][relation] for relation in RELATIONS]))
                    for r in results
                ]
                for name in mean["ladder"]
            },
        },
    }
    encoder, reader = shipped
    save_weights(
        encoder, options.output / "flag-encoder.safetensors", **encoder.facts(), **facts,
        steps=options.encoder_steps, measured=measured,
    )  # fmt: skip
    save_weights(
        reader, options.output / "flag-reader.safetensors", **reader.facts(), **facts,
        steps=options.reader_steps,
    )  # fmt: skip
    print(json.dumps(intervals, indent=1))


if __name__ == "__main__":
    main()
