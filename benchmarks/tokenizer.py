"""Byte-pair encoding side by side: this package, Hugging Face's tokenizers, OpenAI's tiktoken.

Training and encoding are timed in turns, in one process, in CPU time, because the machine may be
busy; Hugging Face's threads are switched off, which costs it no CPU time. Equality comes first: the
merges, in order, must be Hugging Face's, and the numbers of every text those of both. The naive
trainer is the textbook's: all pairs of the text are counted anew for each merge, without counting
words first. It stands here because teaching code works like that; it is no library's code. Then
Kneser-Ney models of several orders are trained on the tokens of vocabularies of several sizes, and
their bits per byte on the held-out speeches are recorded for chapter 4. Last, a general compressor
(xz) reads the same training speeches before each test speech.

    python benchmarks/tokenizer.py
    python benchmarks/tokenizer.py --only bits_per_byte xz     # the rest stays as it was recorded
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import lzma
import os
import time
from collections import Counter

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tiktoken
import tokenizers
from timing import RESULTS, interleave, write

from ravm_course import metrics
from ravm_course.data.sentences import speech_split
from ravm_course.data.speeches import load_speeches
from ravm_course.text.counts import build_vocabulary, count_ngrams, encode
from ravm_course.text.ngram import NGramLM
from ravm_course.text.pretokenise import BYTES, pretokenise, to_visible
from ravm_course.text.tokenizer import BPETokenizer

MERGES = 4096
PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
#: vocabulary size and highest order: short tokens need long contexts
GRID = ((256, 9), (512, 9), (1024, 9), (2048, 9), (4096, 7), (8192, 7), (16384, 7))
#: what can be measured by itself; the times and the versions belong together
PARTS = ("bits_per_byte", "xz")


def main() -> None:
    """Measure, print, and write benchmarks/results/tokenizer.json."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7, help="turns that each way takes")
    parser.add_argument("--naive-bytes", type=int, default=400_000, help="text of the naive way")
    parser.add_argument("--naive-merges", type=int, default=MERGES, help="merges of the naive way")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=[], help="measure these, keep the rest"
    )
    options = parser.parse_args()

    parts = [[speech.text for speech in part] for part in speech_split(load_speeches())]
    corpus = parts[0][:77]  # 3.9 MB
    ways = {
        "versions": lambda: {n: importlib.metadata.version(n) for n in ("tokenizers", "tiktoken")},
        "training": lambda: compare_training(corpus, options.repeats),
        "naive": lambda: compare_naive(corpus, options.naive_bytes, options.naive_merges),
        "encoding": lambda: compare_encoding(corpus, parts[2], options.repeats),
        "bits_per_byte": lambda: bits_per_byte(*parts),
        "xz": lambda: compress_after_reading(parts[0], parts[2]),
    }
    result: dict[str, object] = {}
    if options.only:
        result = json.loads((RESULTS / "tokenizer.json").read_text("utf-8"))["results"]
    for name, measure in ways.items():
        if not options.only or name in options.only:
            result[name] = measure()
            print(f"{name}: {result[name]}", flush=True)
    given = f"--repeats {options.repeats} --naive-bytes {options.naive_bytes}"
    given += f" --naive-merges {options.naive_merges}"
    write("tokenizer", f"python benchmarks/tokenizer.py {given}", result)


def n_bytes(texts: list[str]) -> int:
    """Return the length of texts in UTF-8."""
    return sum(len(text.encode()) for text in texts)


def train_theirs(texts: list[str]) -> tokenizers.Tokenizer:
    """Train with Hugging Face's trainer."""
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = level
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=256 + MERGES, initial_alphabet=level.alphabet(), show_progress=False
    )
    theirs.train_from_iterator(texts, trainer)
    return theirs


def compare_training(corpus: list[str], repeats: int) -> dict[str, object]:
    """Learn 4,096 merges from 3.9 MB in both ways."""
    ours = BPETokenizer.train(corpus, 256 + MERGES)
    theirs = [tuple(pair) for pair in json.loads(train_theirs(corpus).to_str())["model"]["merges"]]
    assert [(to_visible(a), to_visible(b)) for a, b in ours.merges] == theirs
    seconds = interleave(
        {
            "ours": lambda: BPETokenizer.train(corpus, 256 + MERGES),
            "huggingface": lambda: train_theirs(corpus),
        },
        repeats,
        time.process_time,
    )
    return {
        "bytes": n_bytes(corpus),
        "merges": MERGES,
        "cpu_seconds": {name: round(value, 3) for name, value in seconds.items()},
        "ratio_to_huggingface": round(seconds["ours"] / seconds["huggingface"], 2),
    }


def train_naively(text: str, n_merges: int) -> list[tuple[bytes, bytes]]:
    """Learn merges as a textbook tells it: count all pairs, merge the most frequent, repeat."""
    number = {token: i for i, token in enumerate(BYTES)}
    tokens = list(BYTES)
    chunks = [[number[bytes([b])] for b in piece.encode()] for piece in pretokenise(text)]
    merges = []
    for _ in range(n_merges):
        counts: Counter[tuple[int, int]] = Counter()
        for chunk in chunks:
            for i in range(len(chunk) - 1):
                counts[chunk[i], chunk[i + 1]] += 1
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append((tokens[best[0]], tokens[best[1]]))
        for k, chunk in enumerate(chunks):
            new, i = [], 0
            while i < len(chunk):
                if i < len(chunk) - 1 and (chunk[i], chunk[i + 1]) == best:
                    new.append(len(tokens))
                    i += 2
                else:
                    new.append(chunk[i])
                    i += 1
            chunks[k] = new
        tokens.append(tokens[best[0]] + tokens[best[1]])
    return merges


def compare_naive(corpus: list[str], size: int, n_merges: int) -> dict[str, object]:
    """Learn merges from a slice in the naive way, once, and in ours."""
    text = "\n".join(corpus)[:size]
    start = time.process_time()
    naive = train_naively(text, n_merges)
    naive_seconds = time.process_time() - start
    assert list(BPETokenizer.train(text, 256 + n_merges).merges) == naive
    ours = interleave(
        {"ours": lambda: BPETokenizer.train(text, 256 + n_merges)}, 5, time.process_time
    )
    return {
        "bytes": n_bytes([text]),
        "merges": n_merges,
        "cpu_seconds": {"ours": round(ours["ours"], 3), "naive": round(naive_seconds, 1)},
        "naive_to_ours": round(naive_seconds / ours["ours"]),
    }


def compare_encoding(corpus: list[str], test: list[str], repeats: int) -> dict[str, object]:
    """Encode the test speeches; the tokenizer was trained on others."""
    ours = BPETokenizer.train(corpus, 256 + MERGES)
    theirs = train_theirs(corpus)
    tik = tiktoken.Encoding(
        "ours", pat_str=PATTERN, mergeable_ranks=ours.vocabulary, special_tokens={}
    )
    for text in test:
        assert ours.encode(text) == theirs.encode(text).ids == tik.encode_ordinary(text)
    seconds = interleave(
        {
            "ours": lambda: list(map(ours.encode, test)),
            "ours, nothing remembered": lambda: list(
                map(BPETokenizer(ours.vocabulary, ours.merges).encode, test)
            ),
            "huggingface": lambda: [theirs.encode(text).ids for text in test],
            "tiktoken": lambda: list(map(tik.encode_ordinary, test)),
        },
        repeats,
        time.process_time,
    )
    size = n_bytes(test)
    return {
        "bytes": size,
        "megabytes_per_cpu_second": {
            name: round(size / value / 1e6, 1) for name, value in seconds.items()
        },
    }


def bits_per_byte(train: list[str], validation: list[str], test: list[str]) -> dict[str, object]:
    """Fit Kneser-Ney on the tokens of vocabularies of several sizes; whole speeches, raw text."""
    largest = BPETokenizer.train(train, max(size for size, _ in GRID))
    rows = []
    for size, highest in GRID:
        tokenizer = largest.shrink(size)
        tokens = [[tokenizer.tokenize(text) for text in part] for part in (train, validation, test)]
        vocabulary = build_vocabulary([list(map(to_visible, tokenizer.vocabulary))])
        tables = count_ngrams(*encode(tokens[0], vocabulary), len(vocabulary), highest)
        for order in range(2, highest + 1):
            lm = NGramLM(order, discount_fallback=True).fit_counts(tables, vocabulary)
            row = {"vocabulary": size, "order": order}
            for name, part, text in zip(
                ("validation", "test"), tokens[1:], (validation, test), strict=True
            ):
                value = metrics.bits_per_byte(lm.log_probs(part), n_bytes(text))
                row[name] = round(value, 4)
            rows.append(row)
        print(rows[-1], flush=True)
    return {
        "what": "raw text of whole speeches and the end of each; no line breaks occur in them",
        "train_bytes": n_bytes(train),
        "validation_bytes": n_bytes(validation),
        "test_bytes": n_bytes(test),
        "rows": rows,
    }


def compress_after_reading(train: list[str], test: list[str]) -> dict[str, object]:
    """Compress each test speech by itself and behind all training speeches; lists of bytes."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]

    def size(text: str) -> int:
        return len(lzma.compress(text.encode(), lzma.FORMAT_RAW, filters=filters))

    read = "\n".join(train) + "\n"  # its dictionary of 64 MiB holds all of it
    before = size(read)
    return {
        "what": "bytes of each test speech under xz -9e without headers",
        "alone": [size(text) for text in test],
        "after the training speeches": [size(read + text) - before for text in test],
    }


if __name__ == "__main__":
    main()
