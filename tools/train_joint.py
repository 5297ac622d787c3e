"""Train retriever and reader in every way of chapter 23, and record what they find and answer.

All pairs have the same weights at the start, the same questions, steps and passages; see
`ravm_course.ravlm.joint_training`. Each is then asked about the 60 held-out countries, once. Rates
and sizes were tried on a third of the training countries, held back for that, and on the validation
countries. A run that was killed goes on where it was. The record also holds *apart* and *marginal*
with the finished reader, taught by continents, at other rates and lengths; ``--rates`` measures
only that again:

    python tools/train_joint.py
    python tools/train_joint.py --rates
    python tools/train_joint.py --seeds 0 --steps 20 --output trial.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from ravm_course.data import atomic, load_countries
from ravm_course.data.facts import load_country_split
from ravm_course.data.files import manifest
from ravm_course.metrics import bootstrap_interval
from ravm_course.ravlm.flag_qa import load_flag_reader
from ravm_course.ravlm.joint_answers import answers_right, fixed_reading, rank, read_all
from ravm_course.ravlm.joint_reading import ReadingTable
from ravm_course.ravlm.joint_task import JointTask, LinearRetriever, load_flag_task
from ravm_course.ravlm.joint_training import WAYS, JointConfig, Pair, train
from ravm_course.ravlm.reader import Reader, ReaderConfig
from ravm_course.ravlm.reader_batches import reading_vocabulary
from ravm_course.training import fingerprint
from ravm_course.vlm import load_pretrained

ROOT = Path(__file__).resolve().parents[1]
READER = ReaderConfig(width=48, layers=2)
RATES = ((60, 1.0), (120, 1.0), (240, 0.3), (240, 3.0), (480, 1.0))  # steps, times the usual rate


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="(%(default)s)")
    add("--steps", type=int, default=JointConfig.steps, help="updates (%(default)s)")
    add("--rates", action="store_true", help="only rates and lengths, into the record there is")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--work", type=Path, default=ROOT / "build" / "train_joint", help="for unfinished runs")
    add("--output", type=Path, default=ROOT / "benchmarks" / "results" / "joint.json",
        help="(%(default)s)")  # fmt: skip
    return parser.parse_args(arguments)


def measure(pair: Pair, table: ReadingTable, k: int) -> dict:
    """Open the test set: what is found and answered, by country."""
    task, rows = table.task, table.task.rows["test"]
    passages, scores = rank(pair.retriever, task, rows)
    readings = read_all(pair.reader, table)
    near, weights = passages[:, :k], scores[:, :k]
    given = {
        "real": (near, weights),
        "shuffled": (near.roll(1, 0), weights),
        "oracle": (rows[:, None], torch.zeros(len(rows), 1)),
    }
    right = {name: answers_right(readings, task, rows, *what) for name, what in given.items()}
    position = (passages == rows[:, None]).int().argmax(1)
    return {
        "rank of the right passage": (position + 1).tolist(),
        "answers": {
            name: [
                found[:, readings.relation == relation].mean(1).tolist()
                for relation in range(len(task.answers))
            ]
            for name, found in right.items()
        },
    }


def measure_rates(task: JointTask, seeds: list[int]) -> list[dict]:
    """Return R@1 and answers by country, means over seeds, after training on continents alone."""
    reader, rows = load_flag_reader(), task.rows["test"]
    table = ReadingTable(task, reader)
    reading, readings = fixed_reading(reader, table), read_all(reader, table, wordings=1)
    usual, found = JointConfig(relations=(2,)), []
    for steps, times in RATES:
        config = replace(usual, steps=steps, lr_retriever=times * usual.lr_retriever)
        for way in ("apart", "marginal"):
            runs = []
            for seed in seeds:
                pair = Pair(LinearRetriever(task.queries.shape[1]), reader)
                train(pair, task, way, config, reading=reading, seed=seed)
                passages, scores = rank(pair.retriever, task, rows)
                near = passages[:, : config.k], scores[:, : config.k]
                right = answers_right(readings, task, rows, *near).mean(1)
                runs.append([(passages[:, 0] == rows).numpy(), right])
            first, right = np.mean(runs, axis=0).round(4).tolist()
            run = {"steps": steps, "times the rate": times, "way": way}
            found.append({**run, "R@1": first, "answers": right})
            print(f"{run}: R@1 {np.mean(first):.3f}, answers {np.mean(right):.3f}", flush=True)
    return found


def main() -> None:
    """Train, measure, write the record."""
    options = parse()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    towers = load_pretrained("towers")
    task = load_flag_task(towers)
    if options.rates:
        record = json.loads(options.output.read_text(encoding="utf-8"))
        if record["towers"] != fingerprint(towers):
            raise SystemExit("The record is of other towers: run without --rates.")
        record["rates"] = measure_rates(task, record["seeds"])
        atomic.write_text(options.output, json.dumps(record) + "\n")
        return
    vocabulary = reading_vocabulary(load_country_split()["train"])
    table = ReadingTable(task, Reader(vocabulary, READER))
    config, dim = JointConfig(steps=options.steps), task.queries.shape[1]
    runs = []
    for seed in options.seeds:
        for way in WAYS:
            file = options.work / f"{way.replace(' ', '-')}-{options.steps}-seed{seed}.json"
            if not file.exists():
                torch.manual_seed(seed)
                pair = Pair(LinearRetriever(dim), Reader(vocabulary, READER))
                train(pair, task, way, config, table=table, seed=seed)
                run = {"way": way, "seed": seed, **measure(pair, table, config.k)}
                atomic.write_text(file, json.dumps(run))
            runs.append(json.loads(file.read_text(encoding="utf-8")))
            answers = np.array(runs[-1]["answers"]["real"])
            first = np.mean(np.array(runs[-1]["rank of the right passage"]) == 1)
            print(f"seed {seed}, {way}: R@1 {first:.3f}, answers {answers.mean():.3f}", flush=True)
    by_way = {
        way: np.mean([run["answers"]["real"] for run in runs if run["way"] == way], axis=(0, 1))
        for way in WAYS
    }
    data = {f: r["sha256"] for f, r in manifest().items() if r["set"] in ("flags", "countries")}
    record = {
        "command": "python tools/train_joint.py",
        "config": asdict(config),
        "reader": asdict(READER),
        "parameters": sum(p.numel() for p in pair_parameters(dim, vocabulary)),
        "towers": fingerprint(towers),
        "data_sha256": hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest(),
        "selected_on": "a third of the training countries, held back, and validation",
        "countries": [load_countries()[c].iso2 for c in load_country_split()["test"]],
        "seeds": options.seeds,
        "intervals_over_countries": {w: str(bootstrap_interval(by_way[w])) for w in WAYS},
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        "runs": runs,
        "rates": measure_rates(task, options.seeds),
    }
    atomic.write_text(options.output, json.dumps(record) + "\n")
    print(json.dumps(record["intervals_over_countries"], indent=1))


def pair_parameters(dim: int, vocabulary: tuple[str, ...]) -> list[torch.nn.Parameter]:
    """Return the parameters of a pair: the same number, however it is trained."""
    return list(Pair(LinearRetriever(dim), Reader(vocabulary, READER)).parameters())


if __name__ == "__main__":
    main()
