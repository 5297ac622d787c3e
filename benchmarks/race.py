"""The race of Part I: what each model pays for the test speeches, in bits per byte.

    OMP_NUM_THREADS=2 python benchmarks/race.py

All entries read the same training speeches and pay for the same bytes and ends of the same 46 test
speeches. Here the n-gram models are fitted (orders 1 to 7), the shipped GPT reads the speeches, and
both are mixed, with the weights that suit the validation speeches. The neural models of a minute
come from ``benchmarks/speedrun.py``, whose results are read. The curves say what a model pays on
the validation speeches after so many CPU seconds of training; for counting, a longer training is a
larger part of the training speeches.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence

import numpy as np
from timing import RESULTS, fix_threads, write

from ravm_course.lm import GPT, SpeechTokens, load_speech_gpt, load_speech_tokens, token_log_probs
from ravm_course.lm.mixture import mix, mixture_weights
from ravm_course.lm.speech_tokens import Part
from ravm_course.metrics import ratio_interval
from ravm_course.nn.transformer import count_parameters
from ravm_course.text.counts import build_vocabulary, count_ngrams
from ravm_course.text.counts import encode as encode_words
from ravm_course.text.ngram import NGramLM
from ravm_course.training import shipped_facts

ORDERS = range(1, 8)
FRACTIONS = (64, 32, 16, 8, 4, 2, 1)  # of the training speeches, every so-manieth


def as_words(ids: Sequence) -> list[list[str]]:
    """Return tokens as the n-gram model reads them, without the end, which it adds itself."""
    return [[str(token) for token in text[:-1].tolist()] for text in ids]


def fit_ngrams(speeches: SpeechTokens, ids: Sequence, orders: Sequence[int]) -> dict:
    """Fit Kneser-Ney models; return each with the CPU seconds of its counts and estimates."""
    words = as_words(ids)
    vocabulary = build_vocabulary([[str(token) for token in range(speeches.end)]])
    models = {}
    for order in orders:
        begin = time.process_time()
        tables = count_ngrams(*encode_words(words, vocabulary), len(vocabulary), order)
        lm = NGramLM(order, discount_fallback=True).fit_counts(tables, vocabulary)
        models[order] = lm, time.process_time() - begin, sum(map(len, tables))
    return models


def gpt_logs(model: GPT, part: Part, begin: int) -> np.ndarray:
    """Return what the GPT says of all tokens of a part."""
    logs = [token_log_probs(model, ids, begin=begin).double().numpy() for ids in part.ids]
    return np.concatenate(logs)


def by_speech(logs: np.ndarray, part: Part) -> list[float]:
    """Return the bits of each speech."""
    ends = np.cumsum([len(ids) for ids in part.ids])
    return [-some.sum() / math.log(2) for some in np.split(logs, ends[:-1])]


def entry(name: str, family: str, parameters: int, seconds: float, logs: dict, parts: dict) -> dict:
    """Return a row of the table, and print it."""
    bits = {part: by_speech(logs[part], parts[part]) for part in parts}
    values = {part: ratio_interval(bits[part], parts[part].n_bytes) for part in parts}
    test = values["test"]
    print(f"{name:<40} {values['validation'].mean:.4f} {test.mean:.4f}", end="")
    print(f" [{test.low:.3f}, {test.high:.3f}]  {seconds:.1f} CPU-s", flush=True)
    return {
        "name": name,
        "family": family,
        "parameters": int(parameters),
        "cpu_seconds": round(seconds, 1),
        "validation": round(values["validation"].mean, 4),
        "test": round(test.mean, 4),
        "bits": [round(b, 1) for b in bits["test"]],
    }


def counting_curve(speeches: SpeechTokens) -> list[list[float]]:
    """Return CPU seconds and bits per byte of order 5 on growing parts of the training text."""
    curve = []
    heldout = as_words(speeches.validation.ids)
    for every in FRACTIONS:
        lm, seconds, _ = fit_ngrams(speeches, speeches.train.ids[::every], [5])[5]
        bits = -lm.log_probs(heldout).sum() / math.log(2) / sum(speeches.validation.n_bytes)
        curve.append([round(seconds, 3), round(bits, 4)])
    return curve


def minute_entries(n_bytes: Sequence[int], counted: dict[int, int]) -> list[dict]:
    """Return the rows of the neural model of a minute, and of its mixture with counts.

    Empty where ``benchmarks/speedrun.py`` was not run. The first seed stands for the recipe.
    `counted` says how many numbers the n-gram model of each order holds.
    """
    path = RESULTS / "speedrun.json"
    if not path.is_file():
        return []
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    run = next(run for run in results["runs"] if "test_bits" in run)
    cores = results["threads"] if results["clock"] == "wall" else 1
    order = run["mixture"]["order"]
    rows = (
        ("LSTM and memory of contexts, 60 s", "lstm", run, 0),
        (f"the same + Kneser-Ney, order {order}", "mixture", run["mixture"], counted[order]),
    )
    return [
        {
            "name": name,
            "family": family,
            "parameters": run["parameters"] + more,
            "cpu_seconds": cores * results["seconds"],
            "validation": round(found["validation"], 4),
            "test": round(sum(found["test_bits"]) / sum(n_bytes), 4),
            "bits": [round(bits, 1) for bits in found["test_bits"]],
        }
        for name, family, found, more in rows
    ]


def main(arguments: list[str] | None = None) -> None:
    """Run the race and store it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    options = parser.parse_args(arguments)
    fix_threads(options.threads)
    facts = shipped_facts("speech-gpt")
    speeches = load_speech_tokens(facts["settings"]["vocabulary"])
    parts = {"validation": speeches.validation, "test": speeches.test}
    size = f"{speeches.end:,} tokens"

    entries, logs_of = [], {}
    for order, (lm, seconds, parameters) in fit_ngrams(
        speeches, speeches.train.ids, ORDERS
    ).items():
        logs = {name: lm.log_probs(as_words(part.ids)) for name, part in parts.items()}
        logs_of[order] = logs
        row = (f"Kneser-Ney, order {order}", "n-gram", parameters, seconds)
        entries.append(entry(*row, logs, parts))
    model = load_speech_gpt()
    gpt = {name: gpt_logs(model, part, speeches.end) for name, part in parts.items()}
    row = ("GPT, shipped", "gpt", count_parameters(model.requires_grad_(True)))
    entries.append(entry(*row, facts["cpu_seconds"], gpt, parts))

    ngrams = [e for e in entries if e["family"] == "n-gram"]
    best = min(ngrams, key=lambda e: e["validation"])
    order = int(best["name"].split()[-1])
    together = {p: np.stack([logs_of[order][p], gpt[p]]) for p in parts}
    weights = mixture_weights(together["validation"])
    mixed = {p: mix(together[p], weights) for p in parts}
    name = f"{weights[0]:.2f} {best['name']} + {weights[1]:.2f} GPT"
    total = sum(e["parameters"] for e in (best, entries[-1]))
    seconds = best["cpu_seconds"] + facts["cpu_seconds"]
    entries.append(entry(name, "mixture", total, seconds, mixed, parts))

    curves = {
        "n-gram": counting_curve(speeches),
        "gpt": [
            [round(row["step"] * facts["cpu_seconds_a_step"], 1), row["bits_per_byte"]]
            for row in facts["validation"]
        ],
    }
    counted = {o: e["parameters"] for o, e in zip(ORDERS, ngrams, strict=True)}
    entries += minute_entries(speeches.test.n_bytes, counted)
    path = write(
        "race",
        "OMP_NUM_THREADS=2 python benchmarks/race.py",
        {
            "tokens": size,
            "test_bytes": list(speeches.test.n_bytes),
            "mixture_weights": [round(w, 4) for w in weights],
            "entries": entries,
            "curves": curves,
        },
    )
    print(path)


if __name__ == "__main__":
    main()
