"""What an answer costs, and what our code adds to the bare networks.

    OMP_NUM_THREADS=1 python benchmarks/answering.py

writes benchmarks/results/answering.json. CPU milliseconds of one thread, the median of turns.
"Bare" is the module alone on tensors that were made before: no reading of texts, no conversion of
pictures, no choice among spans. The answers of both are compared first.
"""

from __future__ import annotations

import time

import numpy as np
import timing
import torch
import torch.nn.functional as F

from ravm_course.data import load_emoji
from ravm_course.data.factbook import entry_of
from ravm_course.data.facts import fact_countries, load_country_split, make_passage
from ravm_course.ravlm import VisualQA
from ravm_course.ravlm.flag_encoder import crop
from ravm_course.ravlm.flag_qa import (
    flag_images,
    flag_store,
    load_flag_encoder,
    load_flag_reader,
)
from ravm_course.ravlm.passage_reader import load_passage_reader
from ravm_course.vlm import encode_images, load_pretrained, to_float

PICTURES, BATCH = 256, 32
CAPITAL, FAITH = "What is the capital of this country?", "Which religion is the most common?"


def encoding() -> list[dict]:
    """Return milliseconds a picture of both image encoders, beside their modules."""
    towers, flags = load_pretrained("towers"), load_flag_encoder()
    drawings = load_emoji().images[:PICTURES]
    known = flag_images(fact_countries()[:PICTURES], "emojione")
    rows = []
    parts = [to_float(part) for part in np.split(drawings, range(BATCH, PICTURES, BATCH))]
    for name, pictures, ours, module, ready in (
        ("towers", drawings, lambda p: encode_images(towers, p).numpy(), towers.image_tower, parts),
        (
            "flag encoder, which crops first",
            known,
            flags.encode,
            flags,
            [crop(known, flags.config.size)],
        ),
    ):

        def bare(module=module, ready=ready):
            with torch.no_grad():
                return torch.cat([module(part) for part in ready])

        np.testing.assert_allclose(F.normalize(bare(), dim=1), ours(pictures), atol=1e-5)
        rows.append(compared(name, lambda p=pictures, f=ours: f(p), bare, len(pictures), 9))
    return rows


def reading() -> list[dict]:
    """Return milliseconds a question of both readers, beside their modules."""
    small, large = load_flag_reader(), load_passage_reader()
    entries = sorted((entry_of(c).text for c in fact_countries()), key=len)
    rows = []
    for name, reader, question, passage, title in (
        ("reader of chapter 20", small, CAPITAL, *_of_templates()),
        ("reader of chapter 22, middle entry", large, FAITH, entries[len(entries) // 2], ""),
        ("reader of chapter 22, longest entry", large, FAITH, entries[-1], ""),
    ):
        batch = reader.encode([question], [passage], [title])

        def bare(reader=reader, batch=batch):
            with torch.no_grad():
                return reader(batch)[0]

        def ours(reader=reader, question=question, passage=passage, title=title):
            return reader.read(question, passage, title, may_abstain=False)

        assert abs(bare().exp().max().item() - ours().score) < 1e-6
        rows.append(compared(name, ours, bare, 1, 201))
    return rows


def whole() -> dict[str, float]:
    """Return milliseconds of a question from picture to answer, by passages read."""
    encoder, countries = load_flag_encoder(), fact_countries()
    texts = {country: entry_of(country).text for country in countries}
    picture = flag_images(load_country_split()["test"][:1], "emojione")[0]
    ways = {}
    for name, store, reader, asked in (
        ("chapter 20", flag_store(encoder, countries), load_flag_reader(), CAPITAL),
        ("chapter 22", flag_store(encoder, countries, texts=texts), load_passage_reader(), FAITH),
    ):
        qa = VisualQA(encoder.encode, store, reader)
        for k in (1, 4):
            ways[f"{name}, k = {k}"] = lambda qa=qa, asked=asked, k=k: qa.answer(picture, asked, k)
    seconds = timing.interleave(ways, repeats=101, clock=time.process_time)
    return {name: round(1e3 * value, 2) for name, value in seconds.items()}


def compared(name: str, ours, bare, count: int, repeats: int) -> dict:
    """Return a row: milliseconds each, and the bare module's as a share of ours."""
    seconds = timing.interleave(
        {"ours": ours, "bare": bare}, repeats=repeats, clock=time.process_time
    )
    return {
        "part": name,
        "cpu ms": round(1e3 * seconds["ours"] / count, 3),
        "cpu ms of the bare module": round(1e3 * seconds["bare"] / count, 3),
        "share of its speed": round(seconds["bare"] / seconds["ours"], 3),
    }


def _of_templates() -> tuple[str, str]:
    passage = make_passage(fact_countries()[0], "test")
    return passage.text, passage.title


def main() -> None:
    """Measure, print and write results/answering.json."""
    timing.fix_threads(1)
    results = {
        "encoding, a picture": encoding(),
        "reading, a question": reading(),
        "from picture to answer, ms": whole(),
    }
    for name, part in results.items():
        print(name, *(part if isinstance(part, list) else part.items()), sep="\n  ")
    print(timing.write("answering", "OMP_NUM_THREADS=1 python benchmarks/answering.py", results))


if __name__ == "__main__":
    main()
