"""The loop: what it promises, and that a killed run ends with the bits of one left alone."""

import math
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ravm_course.training import fingerprint, fit, learning_rate_factor
from ravm_course.training.checkpoint import read_tensors


def small_model(seed=0, width=16):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(4, width), nn.BatchNorm1d(width), nn.Tanh(), nn.Dropout(0.3), nn.Linear(width, 1)
    )


def draw(generator):
    x = torch.randn(16, 4, generator=generator)
    return {"x": x, "y": x.square().sum(1, keepdim=True)}


def loss(model, batch):
    return nn.functional.mse_loss(model(batch["x"]), batch["y"])


HELD_OUT = draw(torch.Generator().manual_seed(99))


def evaluate(model):
    assert not model.training
    assert not torch.is_grad_enabled()
    return {"loss": loss(model, HELD_OUT).item()}


OPTIONS = {
    "steps": 40, "lr": 0.01, "weight_decay": 0.01, "warmup": 5, "clip_norm": 1.0, "seed": 7,
    "evaluate": evaluate, "evaluate_every": 8, "progress": False,
}  # fmt: skip


def test_training_learns_and_leaves_the_model_in_evaluation_mode():
    model = small_model()
    with torch.no_grad():
        before = evaluate(model.eval())["loss"]
    history = fit(model, loss, draw, **OPTIONS | {"steps": 300, "evaluate_every": 100})
    assert not model.training
    assert history.evaluations[-1]["loss"] < before / 2
    assert len(history.losses) == len(history.learning_rates) == 300
    assert [e["step"] for e in history.evaluations] == [100, 200, 300]


def test_the_loop_equals_one_written_out():
    ours, theirs = small_model(), small_model()
    history = fit(ours, loss, draw, steps=20, lr=0.01, weight_decay=0.1, warmup=4, clip_norm=0.5,
                  schedule="linear", seed=3, progress=False)  # fmt: skip
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
    rates = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: (s + 1) / 4),
            torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=16),
        ],
        milestones=[4],
    )
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(3 + 1_000_003)
    for step in range(20):
        assert history.learning_rates[step] == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        value = loss(theirs.train(), draw(generator))
        value.backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimizer.step()
        rates.step()
        assert history.losses[step] == pytest.approx(value.item(), rel=1e-5)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_seed_decides_everything_and_torchs_generator_is_given_back():
    prints = set()
    for seed in (1, 1, 2):
        torch.manual_seed(seed * 31 + len(prints))
        model, state = small_model(), torch.get_rng_state()
        fit(model, loss, draw, **OPTIONS | {"seed": seed})
        assert torch.equal(torch.get_rng_state(), state)
        prints.add(fingerprint(model))
    assert len(prints) == 2


def test_cosine_equals_torchs():
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
    for step in range(30):
        ours = learning_rate_factor(step, 30, schedule="cosine")
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        torchs.step()


def test_an_optimizer_of_ones_own_gets_its_rates_back():
    model = small_model()
    optimizer = torch.optim.SGD(
        [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[4].parameters()}],
        lr=0.01, momentum=0.9,
    )  # fmt: skip
    untouched = model[1].weight.clone()
    fit(model, loss, draw, steps=5, optimizer=optimizer, clip_norm=1.0, progress=False)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.01]
    assert torch.equal(model[1].weight, untouched)


def test_patience_stops_and_brings_the_best_weights_back():
    values = iter([5.0, 3.0, 4.0, 3.0, 1.0])
    prints = []

    def scripted(model):
        prints.append(fingerprint(model))
        return {"error": next(values)}

    model = small_model()
    history = fit(model, loss, draw, steps=50, evaluate=scripted, evaluate_every=10,
                  monitor="error", patience=2, progress=False)  # fmt: skip
    assert history.stopped_early
    assert history.best_step == 20
    assert len(history.losses) == 40
    assert fingerprint(model) == prints[1]


def test_a_loss_that_is_not_finite_names_the_step_and_spares_the_weights():
    model = small_model()
    prints = []

    def breaks(model, batch):
        prints.append(fingerprint(model))
        return loss(model, batch) * (math.nan if len(prints) == 4 else 1)

    with pytest.raises(FloatingPointError, match=r"nan at step 3.*clip_norm"):
        fit(model, breaks, draw, steps=10, lr=1e-3, progress=False)
    weights = {k: v for k, v in model.state_dict().items() if "running" not in k}
    assert all(torch.isfinite(v).all() for v in weights.values())
    assert not model.training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "at least 1"),
        ({"schedule": "cosinus"}, "expected one of"),
        ({"warmup": 40}, "warmup is 40 of 40"),
        ({"clip_norm": 0.0}, "clip_norm is 0.0"),
        ({"evaluate": None}, "need evaluate"),
        ({"evaluate_every": None, "patience": 2}, "evaluate_every"),
        ({"monitor": "accuracy"}, "finite 'accuracy'"),
        ({"evaluate": lambda model: {"loss": math.nan}}, "finite 'loss'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(small_model(), loss, draw, **OPTIONS | options)


def test_the_folder_of_the_checkpoint_must_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match="create it first"):
        fit(small_model(), loss, draw, **OPTIONS, checkpoint=tmp_path / "no" / "run.safetensors")


def test_a_finished_run_returns_at_once(tmp_path):
    path = tmp_path / "run.safetensors"
    first, again = small_model(), small_model(seed=5)
    history = fit(first, loss, draw, **OPTIONS, patience=1, checkpoint=path)
    same = fit(again, loss, None, **OPTIONS, patience=1, checkpoint=path)
    assert fingerprint(again) == fingerprint(first)
    assert same == history


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.02}, r"lr was \[0.01\], now it is \[0.02\]"),
        ({"steps": 50}, "steps was 40, now it is 50"),
        ({"seed": 8}, "seed"),
        ({"clip_norm": None}, "clip_norm"),
        ({"weight_decay": 0.0}, "optimizer was"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(tmp_path, change, message):
    path = tmp_path / "run.safetensors"
    fit(small_model(), loss, draw, **OPTIONS, checkpoint=path)
    model = small_model()
    before = fingerprint(model)
    with pytest.raises(ValueError, match=message):
        fit(model, loss, draw, **OPTIONS | change, checkpoint=path)
    assert fingerprint(model) == before


def test_a_checkpoint_of_another_model_or_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(small_model(), loss, draw, **OPTIONS, checkpoint=path)
    with pytest.raises(ValueError, match=r"another model: 0.bias is \(16,\).*the model has \(8,\)"):
        fit(small_model(width=8), loss, draw, **OPTIONS, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="damaged"):
        fit(small_model(), loss, draw, **OPTIONS, checkpoint=path)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_interrupted_anywhere_and_resumed_is_uninterrupted(tmp_path, optimizer):
    """An exception instead of a kill: every step can be tried in one process."""

    def run(path, stop_at=None):
        model = small_model()
        own = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        own = own if optimizer == "sgd" else None
        count = 0

        def counting(model, batch):
            nonlocal count
            count += 1
            if count == stop_at:
                raise KeyboardInterrupt
            return loss(model, batch)

        history = fit(model, counting, draw, **OPTIONS, patience=3, checkpoint=path,
                      checkpoint_every=3, optimizer=own)  # fmt: skip
        history.seconds = 0.0
        return fingerprint(model), history

    expected = run(tmp_path / "whole.safetensors")
    for stop_at in (1, 3, 4, 8, 9, 24, 39):
        path = tmp_path / f"{stop_at}.safetensors"
        with pytest.raises(KeyboardInterrupt):
            run(path, stop_at)
        torch.manual_seed(stop_at)  # the world has moved on
        assert run(path) == expected


SCRIPT = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from test_fit import OPTIONS, draw, fit, loss, small_model

path, kill_at, in_save = sys.argv[2], int(sys.argv[3]), sys.argv[4] == "save"
count = 0

def kill():
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

def counting(model, batch):
    global count
    count += 1
    if count == kill_at and not in_save:
        kill()
    return loss(model, batch)

saves = 0
replace = os.replace
def replacing(a, b):
    global saves
    saves += 1
    if in_save and saves == kill_at:
        kill()
    replace(a, b)
os.replace = replacing

model = small_model()
fit(model, counting, draw, **OPTIONS, checkpoint=path, checkpoint_every=4)
"""


def run_and_be_killed(path, kill_at, where):
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(path), str(kill_at), where],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    signals = (-getattr(signal, "SIGKILL", signal.SIGTERM), int(signal.SIGTERM))
    assert process.returncode in signals, process.stderr


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, one_thread):
    path, whole = tmp_path / "run.safetensors", tmp_path / "whole.safetensors"
    run_and_be_killed(path, 11, "step")  # between two checkpoints
    assert len(read_tensors(path)[1]["history"]["losses"]) == 8
    run_and_be_killed(path, 3, "save")  # while writing the third from there
    assert len(read_tensors(path)[1]["history"]["losses"]) == 16
    prints = []
    for checkpoint in (path, whole):
        model = small_model()
        fit(model, loss, draw, **OPTIONS, checkpoint=checkpoint, checkpoint_every=4)
        prints.append(fingerprint(model))
    assert prints[0] == prints[1]
    resumed, expected = (read_tensors(checkpoint)[0] for checkpoint in (path, whole))
    assert resumed.keys() == expected.keys()
    assert all(torch.equal(resumed[key], expected[key]) for key in resumed)
