"""Drawing in openmoji's hand: nothing leaks, and no judge can be won by a copy."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ravm_course.data import load_emoji, load_emoji_splits
from ravm_course.ravlm.redraw_task import CONDITIONS, load_redraw_task, palette
from ravm_course.training import fingerprint
from ravm_course.vlm import CLIP, CLIPConfig, load_pretrained

EMOJI, SPLITS = load_emoji(), load_emoji_splits()


class PixelTowers(CLIP):
    """Vectors of a few pixels: judges without training."""

    def encode_image(self, images):
        """Return unit vectors of 8 x 8 pixels."""
        small = F.adaptive_avg_pool2d(images, 8).flatten(1)
        return F.normalize(small - small.mean(1, keepdim=True), dim=1)


@pytest.fixture(scope="module")
def towers():
    return PixelTowers(CLIPConfig(dim=8, channels=(8,), blocks=(1,), buckets=64))


@pytest.fixture(scope="module")
def task(towers):
    pictures = torch.from_numpy(EMOJI.images.copy()).permute(0, 3, 1, 2).div(255)
    vectors = torch.cat([towers.encode_image(part) for part in pictures.split(1000)])
    names = F.normalize(torch.randn(len(EMOJI.concepts), vectors.shape[1]), dim=1)
    return load_redraw_task(vectors, names)


def concepts(rows):
    return set(EMOJI.concept[rows].tolist())


def test_targets_are_openmojis_and_the_sets_share_no_concept(task):
    for rows in (task.train, task.held, task.new):
        assert set(EMOJI.artist[rows]) == {"openmoji"}
    assert not concepts(task.train) & concepts(task.held)
    assert concepts(task.new) <= set(SPLITS.unseen.tolist())
    assert concepts(task.held) <= set(SPLITS.seen.tolist())


def test_the_store_holds_other_hands_and_every_target_can_be_named(task):
    assert set(EMOJI.artist[task.store]) == set(SPLITS.train_artists)
    for rows in (task.held, task.new):
        assert concepts(rows) <= concepts(task.store)
    drawing, _, _, shown, _ = task.drawer(8)(torch.Generator().manual_seed(0))
    assert shown.shape == (8, 2, *drawing.shape[1:])
    assert not concepts(task.known) & set(SPLITS.unseen.tolist()), "new things are not trained on"


def test_what_is_shown(task):
    rows = task.new
    named = task.shown(rows, "named", seed=1)
    assert (EMOJI.concept[named] == EMOJI.concept[rows][:, None]).all()
    shuffled = task.shown(rows, "shuffled", seed=1)
    assert np.array_equal(shuffled, np.roll(named, 1, axis=0))
    assert not (EMOJI.concept[shuffled] == EMOJI.concept[rows][:, None]).any()
    for condition in ("random", "retrieved"):
        assert np.isin(task.shown(rows, condition, seed=1), task.store).all()
    nearest = task.shown(rows, "retrieved")[:, 0]
    scores = task.names[EMOJI.concept[rows]] @ task.vectors[task.store].T
    assert np.array_equal(nearest, task.store[scores.argmax(1)])
    with pytest.raises(ValueError, match="condition is 'best'"):
        task.shown(rows, "best")


def test_a_copy_has_the_wrong_hand_and_the_truth_the_right_one(task, towers):
    shown = task.shown(task.new, "named")
    truth = task.judge((task.small[task.new] + 1) / 2, task.new, shown, towers)
    copy = task.judge((task.small[shown[:, 0]] + 1) / 2, task.new, shown, towers)
    assert truth["hand"].mean() > 0.9
    assert copy["hand"].mean() < 0.1
    np.testing.assert_allclose(truth["truth"], 1, atol=1e-5)
    np.testing.assert_allclose(copy["shown"], 1, atol=1e-5)
    assert copy["truth"].mean() < 0.5
    assert np.array_equal(copy["both"], copy["concept"] & copy["hand"])
    chance = 5 / len(task.new)
    assert truth["concept"].mean() > 3 * chance


def test_palette_does_not_see_where_a_colour_is():
    drawing = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(palette(drawing), palette(drawing.flip(-1)))
    np.testing.assert_allclose((palette(drawing) ** 2).sum(1), 1, atol=1e-6)


@pytest.mark.parametrize(("name", "seeds"), [("redraw", 5), ("redraw_long", 2)])
def test_the_record_is_of_this_task(task, name, seeds):
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / f"{name}.json"
    if not file.is_file():
        pytest.skip("benchmarks are not part of an installed package")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["rows"] == {"held": task.held.tolist(), "new": task.new.tolist()}
    assert record["towers"] == fingerprint(load_pretrained("towers"))
    assert len(record["runs"]) == 2 * len(record["options"]["seeds"]) == 2 * seeds
    for test, conditions in record["results"].items():
        assert {"truth", "copy", "none", *CONDITIONS} <= set(conditions)
        for verdict in conditions.values():
            assert len(verdict["both"]) == len(record["rows"][test])
            assert np.mean(verdict["both"]) == pytest.approx(
                np.mean(verdict["both_by_seed"]), abs=1e-3
            )


def test_errors():
    with pytest.raises(ValueError, match="one for each emoji"):
        load_redraw_task(torch.zeros(3, 2), torch.zeros(len(EMOJI.concepts), 2))
