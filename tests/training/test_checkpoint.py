"""Weights on disk: there and back, and refused with the reason when they do not fit."""

import json

import pytest
import torch
from torch import nn

from ravm_course.training import fingerprint, load_weights, save_weights
from ravm_course.training.checkpoint import read_tensors, write_tensors


class Tied(nn.Module):
    """Two names for one tensor, a buffer, a scalar, and mixed dtypes."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.register_buffer("count", torch.tensor([1, 2, 3]))
        self.rough = nn.Parameter(torch.ones(3, dtype=torch.bfloat16))


def test_weights_come_back_with_their_facts(tmp_path):
    torch.manual_seed(0)
    model, other = Tied(), Tied()
    path = tmp_path / "model.safetensors"
    save_weights(model, path, seed=3, note="字")
    assert fingerprint(other) != fingerprint(model)
    facts = load_weights(other, path)
    assert facts == {"fingerprint": fingerprint(model), "seed": 3, "note": "字"}
    assert fingerprint(other) == fingerprint(model)
    assert other.head.weight is other.embedding.weight
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) == facts


def test_fingerprint_sees_every_weight_name_shape_and_dtype():
    base = nn.Linear(2, 3, bias=False)
    weight = base.weight.detach()
    variants = [base, nn.Linear(3, 2, bias=False), nn.Sequential(base), nn.Linear(2, 3, bias=False)]
    variants[1].weight.data = weight.reshape(2, 3)
    variants[3].weight.data = weight.double()
    assert len({fingerprint(v) for v in variants}) == 4
    shared = nn.Linear(2, 3, bias=False)
    shared.weight.data = weight.t().contiguous().t()  # same numbers, other strides
    assert fingerprint(shared) == fingerprint(base)


def test_a_mismatch_names_the_keys_and_changes_nothing(tmp_path):
    path = tmp_path / "model.safetensors"
    save_weights(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), path)
    model = nn.Sequential(nn.Linear(2, 4), nn.Identity(), nn.Linear(3, 1))
    before = fingerprint(model)
    with pytest.raises(ValueError, match=r"missing 2.bias, 2.weight; unexpected 1.bias, 1.weight;"):
        load_weights(model, path)
    with pytest.raises(ValueError, match=r"0.bias is \(3,\) float32 but the model has \(4,\)"):
        load_weights(model, path)
    assert fingerprint(model) == before


def test_a_mismatch_of_many_tensors_is_told_in_a_few(tmp_path):
    path = tmp_path / "model.safetensors"
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(50)))
    save_weights(model.half(), path)
    with pytest.raises(ValueError, match=r"0.bias is .* float16 .*float32 and 96 more\.$") as error:
        load_weights(model.float(), path)
    assert len(str(error.value)) < 600


def test_damage_is_noticed_and_the_model_left_alone(tmp_path):
    path = tmp_path / "model.safetensors"
    save_weights(nn.Linear(2, 3), path)
    whole = path.read_bytes()
    model = nn.Linear(2, 3)
    before = fingerprint(model)
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    for data in (b"", b"abc", whole[:40], whole[:-4], flipped):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="damaged"):
            load_weights(model, path)
        assert fingerprint(model) == before


def test_refusals(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        load_weights(nn.Linear(1, 1), tmp_path / "no.safetensors")
    with pytest.raises(ValueError, match="must end in"):
        save_weights(nn.Linear(1, 1), tmp_path / "model.pt")
    with pytest.raises(TypeError):
        save_weights(nn.Linear(1, 1), tmp_path / "model.safetensors", fact=object())
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_someone_else_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.ones(1, 1), "bias": torch.ones(1)}, tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match="not written by this package"):
        load_weights(nn.Linear(1, 1), tmp_path / "m.safetensors")


def test_facts_survive_exactly(tmp_path):
    facts = {"losses": [0.1, 1e-300, 3.0], "deep": {"a": [None, True, "\n字"]}}
    write_tensors(tmp_path / "x", {"t": torch.zeros(0, 3)}, facts)
    tensors, back = read_tensors(tmp_path / "x")
    assert back == facts
    assert tensors["t"].shape == (0, 3)
