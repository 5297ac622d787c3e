"""The task of chapter 23: nothing leaks, and each way of training does what it says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ravm_course.data.facts import RELATIONS, load_country_split
from ravm_course.ravlm.joint_answers import answers_right, fixed_reading, rank, read_all
from ravm_course.ravlm.joint_task import LinearRetriever, load_joint_task, places
from ravm_course.ravlm.joint_training import WAYS, JointBatches, JointConfig, JointLoss, Pair, train
from ravm_course.ravlm.reader import Reader
from ravm_course.training import fingerprint
from ravm_course.vlm import load_pretrained


def pair_of(reader, seed=0):
    torch.manual_seed(seed)
    return Pair(LinearRetriever(8), Reader(reader.vocabulary, reader.config))


def test_the_store_of_training_holds_no_test_country_and_names_none(task):
    assert not set(task.known().tolist()) & set(task.rows["test"].tolist())
    assert len(task.known()) == 175
    capital = RELATIONS.index("capital")
    own = [task.answers[capital][row] for row in task.rows["test"].tolist()]
    spoken_of = task.contains[capital][task.rows["test"]][:, task.known()]
    known = {task.answers[capital][row] for row in task.known().tolist()}
    for answer, row in zip(own, spoken_of, strict=True):
        assert not row.any() or answer in known, answer


def test_every_passage_holds_its_own_answers(task):
    assert task.contains.diagonal(dim1=1, dim2=2).all()
    names = load_country_split()
    assert [task.countries[i] for i in task.rows["test"]] == list(names["test"])


def test_places():
    assert places(["a", "b", "a", "b", "a"], "a b") == [0, 2]
    assert places(["a"], "a b") == []


def test_scores_are_cosines_before_training():
    a, b = torch.randn(3, 8), torch.randn(4, 8)
    expected = 7 * torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=-1)
    torch.testing.assert_close(LinearRetriever(8, scale=7.0)(a, b), expected)


def test_answers_are_weighed_and_the_oracle_reads_the_right_passage(task, table, reader):
    readings = read_all(reader, table, wordings=1)
    row = task.rows["test"][:1]
    other = (row + 1) % 235
    country = int(row)
    readings = replace(
        readings,
        texts=np.array([["wrong"] * 235] * 3, dtype=object),
        probs=np.full((3, 235), 0.5),
    )
    for relation in range(3):
        readings.texts[relation, country] = " ".join(task.answer_words(relation, country))
    both = torch.stack([row, other], dim=1)
    near, far = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert answers_right(readings, task, row, both, near).all()
    assert not answers_right(readings, task, row, both, far).any()
    passages, scores = rank(LinearRetriever(8), task, task.rows["test"])
    assert sorted(passages[0].tolist()) == list(range(235))
    assert bool((scores.diff(dim=1) <= 0).all())


@pytest.mark.parametrize("way", WAYS)
def test_ways_train_what_they_say(task, reader, table, way):
    pair, start = pair_of(reader), pair_of(reader)
    train(pair, task, way, JointConfig(steps=3, batch=4, k=2), table=table)
    moved = fingerprint(pair.retriever) != fingerprint(start.retriever)
    assert moved == (way not in ("inference only", "frozen"))
    assert fingerprint(pair.reader) != fingerprint(start.reader)
    again = pair_of(reader)
    train(again, task, way, JointConfig(steps=3, batch=4, k=2), table=table)
    assert fingerprint(again) == fingerprint(pair)


@pytest.mark.parametrize("way", ["apart", "marginal", "distilled", "multi-task", "known pairs"])
def test_a_finished_reader_is_left_alone(task, reader, table, way):
    pair = pair_of(reader)
    before, start = fingerprint(pair.reader), fingerprint(pair.retriever)
    reading = fixed_reading(pair.reader, table)
    train(pair, task, way, JointConfig(steps=2, batch=4), reading=reading)
    assert fingerprint(pair.reader) == before
    assert fingerprint(pair.retriever) != start


def test_one_passage_teaches_the_retriever_nothing(task, reader, table):
    pair = pair_of(reader)
    loss = JointLoss(task, "marginal", JointConfig(k=1), reading=fixed_reading(reader, table))
    draw = JointBatches(task, 8)
    loss(pair, draw(torch.Generator().manual_seed(0))).backward()
    gradient = pair.retriever.map.weight.grad
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))


def test_an_index_from_before_training_finds_what_it_found_then(task, reader, table):
    reading = fixed_reading(reader, table)
    retriever, rows = pair_of(reader).retriever, task.rows["train"][:6]
    asked, stored = task.queries[rows], task.keys[task.known()]

    def search(loss):
        return loss._search(retriever, rows, retriever(asked, stored))

    new, often, old = (
        JointLoss(task, "marginal", JointConfig(refresh=every), reading=reading)
        for every in (1, 2, 0)
    )
    first = search(new)
    assert torch.equal(first, search(often))
    assert torch.equal(first, search(old))
    with torch.no_grad():
        retriever.map.weight.copy_(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))
    kept = (retriever.encode(asked) @ old.index.T).topk(4).indices
    now = search(new)
    assert not torch.equal(now, kept)
    assert torch.equal(search(old), kept)
    assert torch.equal(search(often), kept), "made anew at every second step: not yet"
    assert torch.equal(search(often), now)


def test_an_old_store_ranks_new_questions_by_the_keys_it_has(task):
    retriever, rows = LinearRetriever(8, scale=7.0), task.rows["test"]
    old = retriever.encode(task.keys).detach()
    passages, scores = rank(retriever, task, rows)
    same, as_before = rank(retriever, task, rows, stored=old)
    assert torch.equal(passages, same)
    torch.testing.assert_close(scores, as_before)
    with torch.no_grad():
        retriever.map.weight.copy_(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))
        expected = 7 * retriever.encode(task.queries[rows]) @ old.T
    stale, stale_scores = rank(retriever, task, rows, stored=old)
    torch.testing.assert_close(stale_scores, expected.gather(1, stale))
    assert not torch.equal(stale, rank(retriever, task, rows)[0])


def test_batches_ask_only_what_they_should(task):
    rows, questions = JointBatches(task, 50, relations=(2,))(torch.Generator().manual_seed(0))
    assert set(task.relation[questions].tolist()) == {2}
    assert set(rows.tolist()) <= set(task.rows["train"].tolist())


def test_the_record_is_of_this_task(task):
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "joint.json"
    if not file.is_file():
        pytest.skip("benchmarks are not part of an installed package")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["towers"] == fingerprint(load_pretrained("towers"))
    assert len(record["seeds"]) >= 5
    assert len(record["runs"]) == len(WAYS) * len(record["seeds"])
    assert {(run["steps"], run["times the rate"]) for run in record["rates"]} == {
        (60, 1.0), (120, 1.0), (240, 0.3), (240, 3.0), (480, 1.0)
    }  # fmt: skip
    for run in record["rates"]:
        assert len(run["R@1"]) == len(run["answers"]) == len(task.rows["test"])
    for run in record["runs"]:
        assert np.array(run["answers"]["real"]).shape == (3, len(task.rows["test"]))
        assert len(run["rank of the right passage"]) == len(task.rows["test"])


def test_errors(task, reader, table):
    with pytest.raises(ValueError, match=r"\(235, D\)"):
        load_joint_task(torch.ones(3, 2), torch.ones(3, 2))
    with pytest.raises(ValueError, match="way is 'best'"):
        train(pair_of(reader), task, "best", table=table)
    with pytest.raises(ValueError, match="nothing to train"):
        train(pair_of(reader), task, "frozen", reading=torch.zeros(3, 235, 235))
    with pytest.raises(ValueError, match="the pair has none"):
        train(Pair(LinearRetriever(8)), task, "marginal", table=table)
    with pytest.raises(ValueError, match="either a table"):
        JointLoss(task, "marginal", JointConfig())
