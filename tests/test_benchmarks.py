"""The race in a minute, run for six seconds: it ends, and reports what its model says."""

from __future__ import annotations

import dataclasses
import importlib
import math
from pathlib import Path

import pytest
import torch

from ravm_course.lm.speech_tokens import load_speech_tokens

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def speedrun(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("speedrun")


def test_speedrun_reports_the_sum_of_single_tokens(speedrun, monkeypatch):
    models, train = [], speedrun.train

    def remember(*arguments):
        models.append(train(*arguments))
        return models[-1]

    monkeypatch.setattr(speedrun, "train", remember)
    monkeypatch.setattr(speedrun, "KNESER_NEY", ((4096, 2),))
    arguments = "--quick --no-ablations --seeds 0 --seconds 6 --clock cpu --threads 2"
    results = speedrun.main(arguments.split())
    (model, facts), (row,) = models[0], results["runs"]
    assert facts["steps"] > 3
    assert facts["steps"] == row["steps"]

    ids = load_speech_tokens(4096).test.ids[0]
    read = torch.cat([torch.tensor([4096]), ids[:-1]])
    nats, state = 0.0, None
    with torch.no_grad():
        for t, token in enumerate(ids):
            rows = model.memory.rows(read[max(0, t - 2) : t + 1])  # no context is longer than three
            vectors = model.memory.look_up({n: r[-1:, None] for n, r in rows.items()})
            logits, state = model(read[t : t + 1, None], vectors, state)
            nats -= logits.double().log_softmax(-1)[0, 0, token].item()
    assert row["test_bits"][0] == pytest.approx(nats / math.log(2), rel=1e-4)
    assert row["validation"] < 6  # it has learned something: 10 bits a token are 4.4 a byte
    assert row["mixture"]["validation"] <= row["validation"]


def test_every_ingredient_is_left_out(speedrun):
    recipe = speedrun.Recipe()
    changed = {name for change in speedrun.ABLATIONS.values() for name in change}
    assert changed == {field.name for field in dataclasses.fields(recipe)}
    for change in speedrun.ABLATIONS.values():
        assert dataclasses.replace(recipe, **change) != recipe


def test_two_threads_find_the_gradient_of_one(speedrun):
    recipe = speedrun.Recipe(streams=4, bfloat16=False)
    ids = torch.randint(50, (2000,))
    found = []
    for threads in (1, 2):
        clock = iter([0.0, 0.1, 0.2, 1.0, 1.0])
        stub = type("Stub", (), {"seconds": lambda self, clock=clock: next(clock)})()
        model, facts = speedrun.train(recipe, ids, 50, stub, 1.0, 0, threads)
        assert facts["steps"] == 3
        found.append(model)
    for one, two in zip(*(model.parameters() for model in found), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)
    for n in recipe.contexts:
        torch.testing.assert_close(*(m.memory.tables[n] for m in found), rtol=1e-3, atol=1e-4)


def test_it_ends_when_the_text_was_read_often_enough(speedrun):
    recipe = speedrun.Recipe(streams=4, passes=2.0, bfloat16=False)
    ids = torch.randint(50, (2000,))
    clock = type("Stopped", (), {"seconds": lambda self: 1.0})()
    _, facts = speedrun.train(recipe, ids, 50, clock, 1e9)
    assert facts["steps"] == 2 * (2000 // (speedrun.WINDOW * 4))


def test_it_says_when_the_processor_cannot(speedrun, monkeypatch, capsys):
    monkeypatch.setattr(speedrun, "has_bfloat16", lambda: False)
    with pytest.raises(SystemExit):
        speedrun.main(["--quick", "--bfloat16"])
    assert "use --no-bfloat16" in capsys.readouterr().err
