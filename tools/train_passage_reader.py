"""Train the reader of natural passages that ships with the course, and measure it.

One reader a seed is trained on the entries of the training countries and on the training wordings;
settings were chosen on the validation countries and the validation wordings. Then each seed is
measured once on the test: with the right entry, with the answer cut out, missing, or asked for by a
question that no entry answers, and on two relations that training never asked for. The reader of
the first seed ships. A run that was stopped goes on where it was:

    python tools/train_passage_reader.py
    python tools/train_passage_reader.py --seeds 0 --steps 20 --output trial
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

from ravm_course.data import load_countries
from ravm_course.data.factbook_questions import (
    FactQuestion,
    load_answerable,
    load_unanswerable,
)
from ravm_course.data.factbook_wordings import HELD_OUT
from ravm_course.data.facts import load_country_split
from ravm_course.data.files import manifest
from ravm_course.metrics import bootstrap_interval
from ravm_course.ravlm.abstain import aurc, refusal_auc
from ravm_course.ravlm.passage_batches import PassageBatches
from ravm_course.ravlm.passage_reader import PassageReader, PassageReaderConfig
from ravm_course.ravlm.reader import Span, reader_loss
from ravm_course.text.answers import exact_match, token_f1
from ravm_course.training import fit, save_weights

ROOT = Path(__file__).resolve().parents[1]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="(%(default)s)")
    add("--steps", type=int, default=1500, help="updates (%(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--work", type=Path, default=ROOT / "build" / "passage_reader", help="for unfinished runs")
    add("--output", type=Path, default=ROOT / "ravm_course" / "checkpoints", help="(%(default)s)")
    return parser.parse_args(arguments)


def train(seed: int, steps: int, checkpoint: Path | None = None) -> PassageReader:
    """Train one reader on the training countries and wordings."""
    torch.manual_seed(seed)
    reader = PassageReader(PassageReaderConfig())
    draw = PassageBatches(reader, load_country_split()["train"])
    fit(
        reader, reader_loss, draw, steps=steps, lr=3e-3, weight_decay=0.01, warmup=steps // 15,
        clip_norm=1.0, seed=seed, checkpoint=checkpoint,
    )  # fmt: skip
    return reader


def read_all(reader: PassageReader, questions: list[FactQuestion], batch: int = 32) -> list[Span]:
    """Answer all questions, each from its own passage, without refusing; in order."""
    order = sorted(range(len(questions)), key=lambda i: len(questions[i].passage))
    spans: list[Span | None] = [None] * len(questions)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        part = [questions[i] for i in rows]
        found = reader.read_many(
            [q.text for q in part],
            [q.passage for q in part],
            [load_countries()[q.country].name_en for q in part],
            may_abstain=False,
        )
        for i, span in zip(rows, found, strict=True):
            spans[i] = span
    return spans


def measure(reader: PassageReader, split: str) -> dict:
    """Measure answers and refusals on one split; averages by country, relation and language."""
    known, unknown = load_answerable(split), load_unanswerable(split, every=False)
    spans, silent = read_all(reader, known), read_all(reader, unknown)
    exact = np.array([exact_match(s.text, q.answer) for s, q in zip(spans, known, strict=True)])
    f1 = np.array([token_f1(s.text, q.answer) for s, q in zip(spans, known, strict=True)])
    sure, unsure = np.array([s.score for s in spans]), np.array([s.score for s in silent])
    refused = np.array([s.absent > s.score for s in spans])
    kept_quiet = np.array([s.absent > s.score for s in silent])
    # one question in turn of every country and relation, so that both kinds weigh alike
    turn = {(q.country, q.text) for q in load_answerable(split, every=False)}
    few = np.array([(q.country, q.text) in turn for q in known])
    confidence = np.concatenate([sure[few], unsure])
    right = np.concatenate([exact[few], np.zeros(len(unsure), bool)])

    def by(attribute: str) -> dict:
        labels = np.array([str(getattr(q, attribute)) for q in known])
        return {label: float(exact[labels == label].mean()) for label in dict.fromkeys(labels)}

    result = {
        "exact": float(exact.mean()),
        "f1": float(f1.mean()),
        "exact by country": by("country"),
        "exact by relation": by("relation"),
        "exact by language": by("language"),
        "refused though there": float(refused.mean()),
        "refused, not there": {
            why: float(kept_quiet[[q.why == why for q in unknown]].mean())
            for why in ("cut", "missing", "foreign")
        },
        "auc": {
            why: refusal_auc(sure[few], unsure[[q.why == why for q in unknown]])
            for why in ("cut", "missing", "foreign")
        }
        | {"all": refusal_auc(sure[few], unsure)},
        "aurc": aurc(confidence, right),
        "aurc, confidence without use": aurc(np.zeros(len(right)), right),
        "aurc, best possible": aurc(right.astype(float), right),
    }
    if split == "test":
        foreign = load_answerable(split, relations=HELD_OUT)
        spans = read_all(reader, foreign)
        for relation in HELD_OUT:
            pairs = [(s, q) for s, q in zip(spans, foreign, strict=True) if q.relation == relation]
            result[f"never asked: {relation}"] = {
                "exact": float(np.mean([exact_match(s.text, q.answer) for s, q in pairs])),
                "refused": float(np.mean([s.absent > s.score for s, _ in pairs])),
            }
    return result


def main() -> None:
    """Train, measure, and write the checkpoint with what was measured."""
    options = parse()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    results, shipped = [], None
    for seed in options.seeds:
        begin = time.process_time()
        stem = f"{options.steps}-seed{seed}"
        reader = train(seed, options.steps, options.work / f"reader-{stem}.safetensors")
        shipped = shipped or reader
        record = options.work / f"measured-{stem}.json"
        if not record.exists():
            both = {split: measure(reader, split) for split in ("validation", "test")}
            record.write_text(json.dumps(both), encoding="utf-8")
        results.append(json.loads(record.read_text(encoding="utf-8")))
        print(
            f"seed {seed}: exact match {results[-1]['validation']['exact']:.3f} on validation, "
            f"{results[-1]['test']['exact']:.3f} on the test "
            f"({time.process_time() - begin:.0f} CPU seconds)",
            flush=True,
        )
    data = {f: r["sha256"] for f, r in manifest().items() if r["set"] == "countries"}
    by_country = [list(r["test"]["exact by country"].values()) for r in results]
    save_weights(
        shipped.half(), options.output / "passage-reader.safetensors", **shipped.facts(),
        command="python tools/train_passage_reader.py",
        seeds=options.seeds,
        steps=options.steps,
        data_sha256=hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest(),
        torch=torch.__version__.split("+")[0],
        python=platform.python_version(),
        selected_on="validation countries and validation wordings",
        licence="MIT (trained on the World Factbook, in the public domain)",
        exact_interval_over_countries=str(bootstrap_interval(np.mean(by_country, axis=0))),
        measured={f"seed {seed}": r for seed, r in zip(options.seeds, results, strict=True)},
    )  # fmt: skip


if __name__ == "__main__":
    main()
