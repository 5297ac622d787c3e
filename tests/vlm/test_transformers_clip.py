"""A CLIP saved by transformers, tiny and random: the same vectors as there, and clear refusals."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, CLIPProcessor
from transformers.convert_slow_tokenizer import bytes_to_unicode
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from ravm_course.data import DataError, load_stamps
from ravm_course.training import fingerprint
from ravm_course.vlm import class_weights, encode_images, load_pretrained, to_float, zero_shot

MARKS = ["<|startoftext|>", "<|endoftext|>"]
TEXTS = ["a red apple", "Ärger, 猫!", "", "word " * 50]


def save(folder):
    """Write a tiny CLIP as transformers writes one, with a tokenizer of bytes and two merges."""
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{c}</w>" for c in letters), "ap", "app", *MARKS]
    vocab = {token: i for i, token in enumerate(tokens)}
    tokenizer = CLIPTokenizer(vocab=vocab, merges=[("a", "p"), ("ap", "p")])
    layers = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
              "num_attention_heads": 2}  # fmt: skip
    config = CLIPConfig(
        text_config={
            **layers,
            "vocab_size": len(vocab),
            "max_position_embeddings": 20,
            "bos_token_id": vocab[MARKS[0]],
            "eos_token_id": vocab[MARKS[1]],
        },
        vision_config={**layers, "image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(folder)
    pictures = CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    CLIPProcessor(image_processor=pictures, tokenizer=tokenizer).save_pretrained(folder)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    save(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """Return a copy that a test may damage."""
    return shutil.copytree(saved, tmp_path / "clip")


def theirs(folder):
    model = CLIPModel.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    return model, tokenizer, CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)


def test_vectors_of_texts_are_those_of_transformers(saved):
    ours, (model, tokenizer, _) = load_pretrained(saved), theirs(saved)
    tokens = tokenizer(TEXTS, padding=True, truncation=True, max_length=20, return_tensors="pt")
    assert tokens.input_ids.shape == (4, 20)
    with torch.no_grad():
        expected = model.get_text_features(**tokens).pooler_output
    expected = expected / expected.norm(dim=1, keepdim=True)
    torch.testing.assert_close(ours.encode_text(TEXTS), expected)
    # padding and company change nothing
    for text, vector in zip(TEXTS, expected, strict=True):
        torch.testing.assert_close(ours.encode_text([text])[0], vector, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(32, 32), (64, 64), (48, 90), (20, 20)])
def test_vectors_of_pictures_are_those_of_transformers(saved, shape):
    ours, (model, _, processor) = load_pretrained(saved), theirs(saved)
    # Pillow also cuts off at black and white between its two passes: stay away from both
    smooth = 0.3 + 0.4 * torch.rand(3, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.interpolate(smooth, shape, mode="bicubic").clamp(0, 1)
    images = (smooth.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()
    pixels = processor(list(images), return_tensors="pt")["pixel_values"]
    # it rounds to 256 levels after each pass: one level, over the smallest deviation
    difference = (ours.prepare(to_float(images)) - pixels).abs().max()
    assert difference < 1.05 / 255 / 0.26
    with torch.no_grad():
        expected = model.get_image_features(pixel_values=pixels).pooler_output
    similar = torch.cosine_similarity(ours.encode_image(to_float(images)), expected)
    assert similar.min() > (1 - 1e-6 if min(shape) == 32 else 0.999)


def test_it_takes_the_place_of_our_model(saved):
    model = load_pretrained(str(saved))
    assert not model.training
    assert all(not p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    assert (model.dim, model.context, model.image_size) == (12, 20, 32)
    images = load_stamps().images[:5]
    vectors = encode_images(model, images, batch=2)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))
    names = ["a frog", ["a cat", "猫"], "a bus"]
    assert class_weights(model, names).shape == (3, 12)
    shares = zero_shot(model, to_float(images), names)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(5))
    assert model.logit_scale.item() == pytest.approx(np.exp(2.6592), rel=1e-4)
    assert fingerprint(model) == fingerprint(load_pretrained(saved))


def test_what_older_versions_wrote_is_read(folder):
    """Half precision, numbered positions, parts and index, plain sides, two tokenizer files."""
    expected = load_pretrained(folder).encode_text(TEXTS)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    tensors["text_model.embeddings.position_ids"] = torch.arange(20)[None]
    names = sorted(tensors)
    parts = {"model-1.safetensors": names[:20], "model-2.safetensors": names[20:]}
    for part, some in parts.items():
        save_file(
            {n: tensors[n].half() if "proj" in n else tensors[n] for n in some}, folder / part
        )
    index = {"weight_map": {n: part for part, some in parts.items() for n in some}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "processor_config.json").unlink()
    old = {"size": 32, "crop_size": 32, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(old))
    slow = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(slow["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in slow["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    model = load_pretrained(folder)
    assert (torch.cosine_similarity(model.encode_text(TEXTS), expected) > 0.9999).all()
    assert model.prepare(torch.ones(1, 3, 32, 32)).unique().item() == pytest.approx(2)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "processor_config.json"])
def test_a_missing_or_damaged_file_is_named(folder, name):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=rf"{name} in .* is damaged"):
        load_pretrained(folder)
    (folder / name).unlink()
    looked_for = name.replace("processor_", "preprocessor_")
    with pytest.raises(FileNotFoundError, match=f"has no {looked_for}.*save_pretrained"):
        load_pretrained(folder)


def test_a_missing_or_damaged_tokenizer_is_named(folder):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be made"):
        load_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no vocab.json"):
        load_pretrained(folder)


def test_weights_in_pickle_are_not_read(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"has no model.safetensors"):
        load_pretrained(folder)


def test_parts_that_do_not_fit_are_refused(folder):
    tensors = load_file(folder / "model.safetensors")
    missing = {n: t for n, t in tensors.items() if n != "logit_scale"}
    save_file(missing, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"do not fit its config.json: missing logit_scale"):
        load_pretrained(folder)
    save_file(
        tensors | {"visual_projection.weight": torch.zeros(3, 3)}, folder / "model.safetensors"
    )
    with pytest.raises(ValueError, match=r"visual_projection.weight is \(3, 3\)"):
        load_pretrained(folder)
    save_file(tensors, folder / "model.safetensors")
    pictures = json.loads((folder / "processor_config.json").read_text())
    pictures["image_processor"]["crop_size"] = {"height": 24, "width": 24}
    (folder / "processor_config.json").write_text(json.dumps(pictures))
    with pytest.raises(ValueError, match=r"cut to .*24.*config.json names, 32"):
        load_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["vocab_size"] = 100
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="has 516 tokens, the text tower 100"):
        load_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))
    with pytest.raises(ValueError, match="type 'bert', expected 'clip'"):
        load_pretrained(folder)


def test_names_of_a_hub_are_not_fetched(tmp_path, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match=r"no folder .* nothing is fetched.*save_pretrained"
    ):
        load_pretrained("openai/clip-vit-base-patch32")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "towers").mkdir()
    assert load_pretrained("towers").config.dim == 256, "a folder does not hide a shipped name"
    with pytest.raises(FileNotFoundError, match=r"has no config.json"):
        load_pretrained("./towers/")
    with pytest.raises(DataError, match="no checkpoint is called 'clip'"):
        load_pretrained("clip")
    save(tmp_path / "clip")
    assert load_pretrained("clip").dim == 12


def test_what_is_no_text_or_no_picture_is_refused(saved):
    model = load_pretrained(saved)
    for texts, error in (("cat", TypeError), ([], ValueError), (["a", None], TypeError)):
        with pytest.raises(error, match="text"):
            model.encode_text(texts)
    for images in (torch.rand(2, 1, 32, 32), torch.rand(3, 32, 32), torch.rand(0, 3, 8, 8)):
        with pytest.raises(ValueError, match="images have shape"):
            model.encode_image(images)
    with pytest.raises(TypeError, match="uint8"):
        model.encode_image(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))


def test_transformers_is_imported_only_when_a_folder_is_loaded():
    code = (
        "import sys; from ravm_course.vlm import load_pretrained; load_pretrained('emoji-clip'); "
        "print('transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
