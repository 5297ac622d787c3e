"""The shipped checkpoints: whole, small, what their records say, and better than chance."""

import json

import pytest
import torch

from ravm_course.data import DataError, load_emoji, load_emoji_splits
from ravm_course.training import shipped, shipped_facts
from ravm_course.vlm import encode_images, hits, load_pretrained

SIZES = {"emoji-clip": 5_000_000, "towers": 10_000_000}
TOOLS = {"emoji-clip": "tools/train_clip.py", "towers": "tools/train_towers.py"}


@pytest.fixture(scope="module", params=list(SIZES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return load_pretrained(name)


def test_is_small_and_ready_for_use(model, name):
    assert (shipped.FOLDER / f"{name}.safetensors").stat().st_size < SIZES[name]
    assert not model.training
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())
    assert model.logit_scale.item() <= 100


def test_record_says_how_it_was_made(name):
    facts = shipped_facts(name)
    assert facts["command"].startswith(f"python {TOOLS[name]}")
    assert " /" not in facts["command"], "a path of the machine that trained it"
    assert {"seed", "data_sha256", "cpu_seconds", "selection", "versions"} <= set(facts)


def test_does_what_its_record_says(model, name):
    emoji, splits = load_emoji(), load_emoji_splits()
    rows = splits.test_concept
    names = [emoji.concepts[c].name_en for c in emoji.concept[rows]]
    gallery = sorted(set(names))
    right = hits(
        encode_images(model, emoji.images[rows]), model.encode_text(gallery), names, gallery
    )
    recorded = shipped_facts(name)["metrics"]["test_concept.en"]
    assert len(right) == recorded["n"]
    assert right.mean() == pytest.approx(recorded["recall_at_1"], abs=2 / len(right))
    assert recorded["low"] > 3 / recorded["choices"], "three times chance, at the least"


def test_one_model_reads_two_languages(model):
    emoji, splits = load_emoji(), load_emoji_splits()
    concepts = [emoji.concepts[c] for c in splits.seen]
    english = model.encode_text([c.name_en for c in concepts])
    chinese = model.encode_text([c.name_zh for c in concepts])
    translated = hits(chinese, english, range(len(concepts)), range(len(concepts)))
    assert translated.mean() > 100 / len(concepts), "a hundred times chance, at the least"


def test_a_missing_or_damaged_checkpoint_is_named(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"no checkpoint is called 'cat'.*emoji-clip"):
        load_pretrained("cat")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    (tmp_path / "emoji-clip.json").write_text(json.dumps({"config": {}}), encoding="utf-8")
    with pytest.raises(DataError, match=r"emoji-clip.safetensors.*git checkout"):
        load_pretrained("emoji-clip")
    (tmp_path / "emoji-clip.safetensors").write_bytes(b"not weights")
    with pytest.raises(DataError, match=r"emoji-clip.safetensors.*git checkout"):
        load_pretrained("emoji-clip")
    (tmp_path / "emoji-clip.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="is not JSON"):
        load_pretrained("emoji-clip")
