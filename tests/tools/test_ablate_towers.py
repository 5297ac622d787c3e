"""Concepts are hidden without a leak, the maps are those of the books, the record fits both."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ravm_course import data
from ravm_course.data.emoji import normalise_caption

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "tools" / "ablate_towers.py").is_file():
    pytest.skip("the tools are not part of an installed package", allow_module_level=True)
sys.path.insert(0, str(ROOT / "tools"))
import ablation_arms as arms  # noqa: E402
from ablate_towers import TUNED, errors, neighbours  # noqa: E402
from hidden_concepts import BASE, HIDDEN, Exam, Hiding  # noqa: E402

RECORD = ROOT / "ravm_course" / "checkpoints" / "towers-ablations.json"


@pytest.fixture(scope="module")
def hiding():
    return Hiding()


@pytest.fixture(scope="module")
def record():
    return json.loads(RECORD.read_text(encoding="utf-8"))


def test_nothing_of_a_hidden_concept_is_trained_on(hiding):
    emoji, splits = data.load_emoji(), data.load_emoji_splits()
    held = set(hiding.hidden)
    assert not held & set(hiding.known)
    assert not held & set(emoji.concept[np.r_[hiding.train, hiding.watched]].tolist())
    assert set(emoji.concept[hiding.asked].tolist()) == held
    texts = {
        normalise_caption(text)
        for c in hiding.hidden
        for tongue in ("en", "zh")
        for text in emoji.concepts[c].captions(tongue)
    }
    whole = [f" {normalise_caption(emoji.concepts[c].name_en)} " for c in hiding.hidden]
    for tongues in hiding.captions.values():
        trained = {normalise_caption(text) for some in tongues for text in some}
        assert not trained & texts
        assert not any(name in f" {text} " for text in trained for name in whole)
    assert not held & set(splits.unseen.tolist())


def test_only_pictures_for_training_and_validation_are_used(hiding):
    splits = data.load_emoji_splits()
    assert set(np.r_[hiding.train, hiding.asked].tolist()) <= set(splits.train.tolist())
    assert set(hiding.watched.tolist()) <= set(splits.validation.tolist())


def test_hidden_concepts_are_the_same_each_time_and_mixed_like_the_real_ones(hiding):
    assert Hiding().hidden == hiding.hidden
    assert Hiding(seed=3).hidden != hiding.hidden
    concepts, unseen = data.load_concepts(), data.load_emoji_splits().unseen.tolist()

    def share(indices, group):
        return np.mean([concepts[c].group == group for c in indices])

    assert abs(len(hiding.hidden) - HIDDEN) <= 4
    for group in {concepts[c].group for c in unseen}:
        assert share(hiding.hidden, group) == pytest.approx(share(unseen, group), abs=0.02)


def test_closed_forms_equal_those_of_scikit_learn():
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import Ridge

    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(60, 8, generator=generator), torch.randn(60, 3, generator=generator)
    new = torch.randn(5, 8, generator=generator)
    theirs = Ridge(alpha=0.3 * len(x), fit_intercept=False).fit(x, y).predict(new)
    assert arms.ridge(x, y)(new).numpy() == pytest.approx(theirs, abs=1e-4)
    unit, asked = F.normalize(x, dim=1), F.normalize(new, dim=1)  # |a - b|^2 is 2 - 2ab
    theirs = KernelRidge(alpha=0.3, kernel="rbf", gamma=1.0).fit(unit, y).predict(asked)
    assert arms.kernel_ridge(x, y)(new).numpy() == pytest.approx(theirs, abs=1e-4)


def test_the_bilinear_map_minimises_its_loss():
    generator = torch.Generator().manual_seed(0)
    x, names = torch.randn(40, 6, generator=generator), torch.randn(9, 4, generator=generator)
    known = [1, 2, 4, 7, 8]
    own = torch.tensor(known)[torch.randint(5, (40,), generator=generator)]
    wanted = (own[:, None] == torch.tensor(known)).float()
    way = arms.compatibility(x, own, names, known, other=2.0)
    weights = way(torch.eye(6)).requires_grad_(True)
    scores = names[known]
    loss = (
        (x @ weights @ scores.T - wanted).square().sum() / len(x)
        + arms.RIDGE * (weights @ scores.T).square().sum()
        + 2.0 * (x @ weights).square().sum() / len(x)
        + arms.RIDGE * 2.0 * weights.square().sum()
    )
    (slope,) = torch.autograd.grad(loss, weights)
    assert slope.abs().max() < 1e-4


@pytest.mark.parametrize("name", list(arms.LOSSES))
def test_every_loss_prefers_the_right_names(name):
    names = torch.eye(6)
    own = torch.arange(6)
    right = arms.LOSSES[name](names[own], names, own)
    assert right < arms.LOSSES[name](names[own.roll(1)], names, own)
    assert torch.isfinite(right)


def test_a_batch_holds_different_concepts():
    own = torch.tensor([5, 5, 5, 8, 8, 9, 11])
    rows, places = arms.drawer(own, [5, 8, 9, 11], 3)(torch.Generator().manual_seed(1))
    assert len(set(places.tolist())) == 3
    assert own[rows].tolist() == [[5, 8, 9, 11][p] for p in places.tolist()]


class Oracle:
    """Features that are the concept itself, so that every answer can be foretold."""

    def __init__(self, count, rows):
        self.unit = F.one_hot(torch.tensor(data.load_emoji().concept), count).float()
        self.place = torch.arange(len(self.unit))


def test_the_examination_counts_right_answers(hiding):
    exam, count = Exam(hiding), len(data.load_concepts())
    names, oracle = torch.eye(count), Oracle(count, hiding.asked)
    exam.measure("knows", lambda rows: oracle.unit[rows], names)
    exam.measure("shifted", lambda rows: oracle.unit[rows].roll(1, dims=1), names)
    knows, shifted = (exam.arms[arm]["seeds"]["0"] for arm in ("knows", "shifted"))
    for key in ("hidden", "hidden_at_5", "hidden_by_noto", "hidden_among_all_names", "seen"):
        assert knows[key] == [1, 1, 1]
    assert shifted["seen"] == shifted["hidden"] == [0, 0, 0], "a tie is no right answer"
    found = neighbours(exam, oracle, names)
    assert found["shown by other artists"][0] > 0.9  # a few were drawn by one family alone
    after = dict(zip(hiding.hidden, np.roll(hiding.hidden, -1).tolist(), strict=True))
    concept, concepts = data.load_emoji().concept, data.load_concepts()
    made = errors(exam, lambda rows: names[[after[c] for c in concept[rows].tolist()]], names)
    assert set(made["right by group"].values()) == {0.0}
    alike = [concepts[after[c]].group == concepts[c].group for c in concept[hiding.asked].tolist()]
    assert made["same group"]["errors"][0] == pytest.approx(np.mean(alike), abs=1e-4)


def test_the_record_is_of_these_concepts_and_its_intervals_hold_their_means(record, hiding):
    assert record["hidden"] == [data.load_concepts()[c].name_en for c in hiding.hidden]
    assert record["drawings"]["asked"] == len(hiding.asked)
    for arm, found in record["arms"].items():
        for seed in found["seeds"].values():
            for key, (mean, low, high) in seed.items():
                assert low <= mean <= high, (arm, key)
            assert seed["hidden"][0] <= seed["hidden_at_5"][0]
            assert seed["hidden_among_all_names"][0] <= seed["hidden"][0]


def test_names_that_were_shuffled_teach_nothing(record):
    control = record["arms"]["control: names of the training shuffled"]["seeds"]["0"]
    chance = 1 / len(record["hidden"])
    assert control["hidden"][1] <= chance
    assert record["arms"][BASE]["seeds"]["0"]["hidden"][1] > 5 * chance


def test_tuned_ways_begin_where_ridge_regression_ends(record):
    base = record["arms"][BASE]["seeds"]["0"]
    for loss, steps in TUNED:
        arm = record["arms"][f"tuned, 64 px, loss: {loss}, {steps} steps, after 0"]["seeds"]["0"]
        for key in ("hidden", "seen"):
            assert arm[key][0] == pytest.approx(base[key][0], abs=0.01)
