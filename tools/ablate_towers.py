"""Ask why the towers miss held-out concepts, on training concepts that are hidden for the purpose.

The test sets must not choose anything, so that training concepts are hidden instead, see
``hidden_concepts.py``. Then one thing at a time is changed on the way from a picture to the
teacher's vector of its name: the resolution, the map, the targets, the loss, what is tuned, how
many concepts are shown, and whether the names of ImageNet's classes, which the published network
knows, are used as well. Settings of the maps were found on the same hidden concepts in shorter
trials, so that differences among the better arms flatter them a little.

``hidden`` is the share of right first answers among the hidden names, averaged over the drawings of
a concept, then over concepts; intervals are bootstraps over concepts. ``seen`` is the recall at 1
on openmoji, as in ``train_towers.py``, without the hidden concepts. No test set is read. Features
are kept in ``build/towers``; the record is written before the slow part and after each arm of it:

    OMP_NUM_THREADS=1 python tools/ablate_towers.py
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from ablation_arms import (
    LOSSES,
    LowerMaps,
    class_vectors,
    compatibility,
    kernel_ridge,
    learn,
    ridge,
    student_vectors,
    tune,
)
from hidden_concepts import BASE, SEED, Exam, Features, Hiding, interval
from teacher import embed
from torch import Tensor
from train_clip import ROOT, data_hash

from ravm_course import data
from ravm_course.data.atomic import write_text

CLASSES = 0.4  # weight of the mean of ImageNet's names
TUNED = (("all names", 200), ("teacher", 200), ("all names", 1000))  # losses, and steps with them


def centred_names(hiding: Hiding, vectors: Tensor) -> Tensor:
    """Return unit vectors of all names around the mean of the known ones."""
    return F.normalize(vectors - vectors[hiding.known].mean(0), dim=1)


def teacher_vectors(texts: dict[int, str]) -> Tensor:
    """Return MiniLM's vectors by concept, zero where there is no text."""
    vectors = torch.zeros(len(data.load_emoji().concepts), 384)
    vectors[list(texts)] = embed(list(texts.values()))
    return vectors


def errors(exam: Exam, encode, names: Tensor) -> dict:
    """Return what the wrong answers of an arm have in common with the right ones."""
    h, concepts = exam.hiding, exam.emoji.concepts
    said = (F.normalize(encode(h.asked), dim=1) @ names[h.hidden].T).argmax(1).tolist()
    pairs = [(h.hidden[i], int(c)) for i, c in zip(said, exam.emoji.concept[h.asked], strict=True)]
    wrong = [(a, b) for a, b in pairs if a != b]
    found = {}
    for kind in ("group", "subgroup"):
        alike = [getattr(concepts[a], kind) == getattr(concepts[b], kind) for a, b in wrong]
        chance = [
            np.mean([getattr(concepts[c], kind) == getattr(concepts[b], kind)
                     for c in h.hidden if c != b]) for _, b in wrong
        ]  # fmt: skip
        found[f"same {kind}"] = {"errors": interval(alike), "by chance": round(np.mean(chance), 4)}
    by_group: dict[str, list[bool]] = {}
    for a, b in pairs:
        by_group.setdefault(concepts[b].group, []).append(a == b)
    found["right by group"] = {g: round(np.mean(v), 4) for g, v in sorted(by_group.items())}
    most = Counter(concepts[a].name_en for a, _ in wrong).most_common(8)
    return {**found, "names said most often": dict(most)}


def neighbours(exam: Exam, features: Features, names: Tensor) -> dict:
    """Return two baselines: a nearest drawing whose name is relayed, and one of the same concept.

    The second is shown the hidden concepts as other artists draw them; no text is needed.
    """
    h, emoji = exam.hiding, exam.emoji
    unit, asked = features.unit, features.unit[features.place[h.asked]]
    nearest = (asked @ unit[features.place[h.train]].T).argmax(1).numpy()
    relay = names[emoji.concept[h.train][nearest]] @ names[h.hidden].T
    right = np.array(h.hidden)[relay.argmax(1).numpy()] == emoji.concept[h.asked]
    family = np.array([name.removesuffix("-v1") for name in emoji.artist[h.asked]])
    scores = asked @ asked.T
    scores[torch.from_numpy(family[:, None] == family[None])] = -1
    shown = emoji.concept[h.asked][scores.argmax(1).numpy()] == emoji.concept[h.asked]
    return {"nearest drawing, its name relayed": interval(exam.by_concept(right)),
            "shown by other artists": interval(exam.by_concept(shown))}  # fmt: skip


def then(see, way):
    """Return rows to vectors: first features, then a map of them."""
    return lambda rows: way(see(rows))


def fused(one, other):
    """Return rows to the sum of two unit vectors, the second with a smaller weight."""
    return lambda rows: F.normalize(one(rows), dim=1) + CLASSES * other(rows)


def closed_form(exam: Exam, work: Path) -> tuple[Tensor, dict]:
    """Measure all arms that leave the published network as it is; return names and facts."""
    h, concepts = exam.hiding, exam.emoji.concepts
    vectors = teacher_vectors({c: concepts[c].name_en for c in sorted({*h.known, *h.hidden})})
    names, facts = centred_names(h, vectors), {}
    own = torch.from_numpy(exam.emoji.concept[h.train])
    known_classes = class_vectors(vectors[h.known].mean(0))
    for size in (64, 128):
        features = Features(size, work)
        see, px = features.centred(h.train), f", {size} px"
        shown, classes = see(h.train), then(features.of, known_classes)
        plain = then(see, ridge(shown, names[own]))
        curved = then(see, kernel_ridge(shown, names[own]))
        exam.measure("ridge" + px, plain, names)
        exam.measure("kernel ridge" + px, curved, names)
        exam.measure("ESZSL" + px, then(see, compatibility(shown, own, names, h.known)), names)
        exam.measure("ridge and ImageNet's names" + px, fused(plain, classes), names)
        exam.measure("kernel ridge and ImageNet's names" + px, fused(curved, classes), names)
        facts["neighbours" + px] = neighbours(exam, features, names)
        facts["errors of kernel ridge" + px] = errors(exam, curved, names)
        if size == 64:
            facts |= small(exam, see, names, own, work)
    return names, facts


def small(exam: Exam, see, names: Tensor, own: Tensor, work: Path) -> dict:
    """Measure the arms that are compared at 64 pixels alone."""
    h, concepts, shown = exam.hiding, exam.emoji.concepts, see(exam.hiding.train)
    shuffled = names.clone()
    shuffled[h.known] = names[np.random.default_rng(SEED).permutation(h.known)]
    wrong = then(see, ridge(shown, shuffled[own]))
    exam.measure("control: names of the training shuffled", wrong, names)
    wordy = {c: ", ".join(h.captions[c][0]) for c in h.known}
    wordy |= {c: ", ".join(concepts[c].captions("en")) for c in h.hidden}
    full = centred_names(h, teacher_vectors(wordy))
    left, axes = torch.linalg.svd(names[h.known], full_matrices=False)[1:]
    white = F.normalize(names @ axes.T @ torch.diag(left**-0.5), dim=1)
    for arm, targets in (("name with keywords", full), ("half whitened", white)):
        plain = then(see, ridge(shown, targets[own]))
        exam.measure(f"ridge, 64 px, targets: {arm}", plain, targets)
    for arm, loss in LOSSES.items():
        for seed in (0, 1):
            head = then(see, learn(loss, shown, own, names, h.known, seed=seed))
            exam.measure(f"linear head, 64 px, loss: {arm}", head, names, seed)
    curve: dict[str, list] = {}
    for count in (150, 300, 600, len(h.known)):
        for seed in range(3 if count < len(h.known) else 1):
            some = np.random.default_rng(seed).permutation(h.known)[:count]
            kept = torch.from_numpy(np.isin(own.numpy(), some))
            part = then(see, kernel_ridge(shown[kept], names[own[kept]]))
            ranks = exam.ranks(part, names, h.asked, h.hidden)
            curve.setdefault(str(count), []).append(interval(exam.by_concept(ranks == 0)))
    student = centred_names(h, student_vectors(h, work))
    for arm, targets in (("names", names), ("names and targets", student)):
        curved = then(see, kernel_ridge(shown, targets[own]))
        exam.measure(f"kernel ridge, 64 px, {arm} of a small tower", curved, student)
    return {"hidden by number of training concepts (kernel ridge, 64 px)": curve}


def tuned(exam: Exam, names: Tensor, written: Callable[[], None]) -> None:
    """Measure the losses again where the upper half of the network is tuned with the head."""
    h = exam.hiding
    maps = LowerMaps(h.train, np.concatenate([h.asked, h.watched]))
    own = torch.from_numpy(exam.emoji.concept[h.train])
    for loss, steps in TUNED:

        def tell(encode, done: int, arm: str = f"{loss}, {steps} steps") -> float:
            found = exam.measure(f"tuned, 64 px, loss: {arm}, after {done}", encode, names)
            return 1 - found["seen"][0]

        tune(LOSSES[loss], maps, own, names, h.known, tell, steps=steps)
        written()


def main(arguments: list[str] | None = None) -> None:
    """Measure every arm and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add("--work", type=Path, default=ROOT / "build" / "towers", help="cache (build/towers)")
    add("--output", type=Path,
        default=ROOT / "ravm_course" / "checkpoints" / "towers-ablations.json")  # fmt: skip
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    hiding = Hiding()
    exam = Exam(hiding)
    names, facts = closed_form(exam, options.work)

    def written() -> None:
        record = {**about(hiding), "arms": exam.arms, **facts,
                  "cpu_seconds": round(time.process_time())}  # fmt: skip
        write_text(options.output, json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    written()
    tuned(exam, names, written)


def about(hiding: Hiding) -> dict:
    """Return what a reader of the record must know."""
    return {
        "command": "python tools/ablate_towers.py",
        "data_sha256": data_hash(),
        "seed": SEED,
        "hidden": [data.load_concepts()[c].name_en for c in hiding.hidden],
        "training_concepts": len(hiding.known),
        "drawings": {"trained": len(hiding.train), "asked": len(hiding.asked),
                     "watched": len(hiding.watched)},
        "selection": "none; no test set is read",
        "base": BASE,
    }  # fmt: skip


if __name__ == "__main__":
    main()
