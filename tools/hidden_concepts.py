"""Hide training concepts, and ask for them: an examination that is no test set.

150 training concepts are hidden with their relatives, by the rules and in the mixture of groups of
the real held-out ones. No picture of them may be trained on, and no caption that equals or contains
one of theirs.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sets._emoji_splits import LARGEST, PEOPLE, blocked_captions, caption_set, relatives
from torch import Tensor

from ravm_course import data
from ravm_course.data.atomic import write_bytes
from ravm_course.data.emoji import normalise_caption
from ravm_course.metrics import bootstrap_interval, paired_bootstrap
from ravm_course.vision.efficientnet import load_efficientnet
from ravm_course.vlm import to_float

HIDDEN, SEED = 150, 2
BASE = "ridge, 64 px"


class Hiding:
    """Which concepts are hidden, what may still be trained on, and what is asked.

    Attributes
    ----------
    hidden, known
        Concepts that are hidden, and those that may be trained on; ascending.
    train, asked, watched
        Rows of the emoji: known concepts by training artists, hidden ones by training artists,
        known ones by openmoji.
    """

    def __init__(self, count: int = HIDDEN, seed: int = SEED):
        emoji, splits = data.load_emoji(), data.load_emoji_splits()
        table = [asdict(concept) for concept in emoji.concepts]
        self.hidden = self._choose(table, count, seed)
        blocked = blocked_captions(table, sorted({*self.hidden, *splits.unseen.tolist()}))
        self.captions = {}
        for c in sorted(set(splits.seen.tolist()) - set(self.hidden)):
            left = [
                [text for text in splits.training_captions(c, tongue)
                 if normalise_caption(text) not in blocked[tongue]]
                for tongue in ("en", "zh")
            ]  # fmt: skip
            if all(left) and left[0][0] == emoji.concepts[c].name_en:
                self.captions[c] = left
        self.train = self._rows(splits.train, set(self.captions))
        self.asked = self._rows(splits.train, set(self.hidden))
        self.known = sorted(set(emoji.concept[self.train].tolist()))
        self.watched = self._rows(splits.validation, set(self.known))

    @staticmethod
    def _rows(rows: np.ndarray, concepts: set[int]) -> np.ndarray:
        return np.array([i for i in rows if int(data.load_emoji().concept[i]) in concepts])

    @staticmethod
    def _choose(table: list[dict], count: int, seed: int) -> list[int]:
        emoji, splits = data.load_emoji(), data.load_emoji_splits()
        drawn = set(emoji.concept[splits.train].tolist()) & set(splits.seen.tolist())
        real = Counter(table[c]["group"] for c in splits.unseen)
        left = {g: round(count * n / len(splits.unseen)) for g, n in real.items()}
        names = {
            i: {normalise_caption(table[i][key]) for key in ("name_en", "name_zh")} for i in drawn
        }
        families = [
            family
            for family in relatives(table)
            if len(family) <= LARGEST
            and set(family) <= drawn
            and len({table[i]["group"] for i in family}) == 1
            and not any(table[i]["name_en"] in PEOPLE for i in family)
        ]
        hidden: list[int] = []
        for place in np.random.default_rng(seed).permutation(len(families)):
            family = families[place]
            group, held = table[family[0]]["group"], caption_set(table, family)
            lost = sum(bool(names[i] & held) for i in drawn if i not in family)
            if left[group] >= len(family) and lost <= 1:
                hidden += family
                left[group] -= len(family)
        return sorted(hidden)


class Features:
    """The published network's features of the drawings that may be used here, at one size."""

    def __init__(self, size: int, folder: Path):
        emoji, splits = data.load_emoji(), data.load_emoji_splits()
        rows = np.concatenate([splits.train, splits.validation])
        kept = folder / f"features-{size}.npy"
        if not kept.exists():
            network, parts = load_efficientnet(), []
            with torch.inference_mode():
                for start in range(0, len(rows), 64):
                    batch = to_float(emoji.images[rows[start : start + 64]])
                    batch = F.interpolate(batch, (size, size), mode="bilinear")
                    parts.append(network.features(batch))
            write_bytes(kept, torch.cat(parts).numpy().tobytes())
        self.raw = torch.from_numpy(np.fromfile(kept, np.float32).reshape(len(rows), -1))
        self.unit = F.normalize(self.raw, dim=1)
        self.place = torch.zeros(len(emoji), dtype=torch.long)
        self.place[torch.from_numpy(rows)] = torch.arange(len(rows))

    def of(self, rows: np.ndarray) -> Tensor:
        """Return the features as the network gives them, ``(len(rows), 1280)``."""
        return self.raw[self.place[rows]]

    def centred(self, train: np.ndarray) -> Callable[[np.ndarray], Tensor]:
        """Return a function from rows to features, each of mean 0 and deviation 1 in `train`."""
        seen = self.unit[self.place[train]]
        mean, deviation = seen.mean(0), seen.std(0) + 1e-4 * seen.std()
        return lambda rows: (self.unit[self.place[rows]] - mean) / deviation


class Exam:
    """Name pictures by the nearest vector of a name, and keep what was right."""

    def __init__(self, hiding: Hiding):
        self.hiding, self.emoji = hiding, data.load_emoji()
        self.arms: dict[str, dict] = {}
        self.shares: dict[str, np.ndarray] = {}

    def ranks(self, encode, names: Tensor, rows: np.ndarray, choices: list[int]) -> np.ndarray:
        """Return how many choices are no farther than the right one, for each row."""
        scores = F.normalize(encode(rows), dim=1) @ F.normalize(names[choices], dim=1).T
        own = torch.tensor([choices.index(c) for c in self.emoji.concept[rows].tolist()])
        return (scores >= scores.gather(1, own[:, None])).sum(1).numpy() - 1

    def by_concept(self, right: np.ndarray) -> np.ndarray:
        """Return the share of each hidden concept's drawings that are right."""
        concept = self.emoji.concept[self.hiding.asked]
        return np.array([right[concept == c].mean() for c in np.unique(concept)])

    def measure(self, arm: str, encode, names: Tensor, seed: int = 0) -> dict:
        """Record and return recall on hidden and on seen concepts, and the lead over the base."""
        h = self.hiding
        ranks = self.ranks(encode, names, h.asked, h.hidden)
        among_all = self.ranks(encode, names, h.asked, sorted({*h.hidden, *h.known}))
        gallery = sorted(set(self.emoji.concept[h.watched].tolist()))
        watched = self.ranks(encode, names, h.watched, gallery)
        shares, noto = self.by_concept(ranks == 0), self.emoji.artist[h.asked] == "noto"
        self.shares[f"{arm}, {seed}"] = shares
        found = {
            "hidden": interval(shares),
            "hidden_at_5": interval(self.by_concept(ranks < 5)),
            "hidden_by_noto": interval(ranks[noto] == 0),
            "hidden_among_all_names": interval(self.by_concept(among_all == 0)),
            "seen": interval(watched == 0),
        }
        if arm != BASE and f"{BASE}, 0" in self.shares:
            lead = paired_bootstrap(shares, self.shares[f"{BASE}, 0"])
            found["lead"] = [round(v, 4) for v in (lead.mean, lead.low, lead.high)]
        self.arms.setdefault(arm, {"seeds": {}})["seeds"][str(seed)] = found
        told = {k: v[:3] for k, v in found.items()}
        print(f"{arm}, seed {seed}: {told}, {time.process_time():.0f} CPU seconds", flush=True)
        return found


def interval(right: np.ndarray) -> list[float]:
    """Return mean, low and high of the 95 % bootstrap interval."""
    found = bootstrap_interval(right)
    return [round(value, 4) for value in (found.mean, found.low, found.high)]
