"""The datastore against a plain dict, on disk and off, and killed at every stage of a save."""

# ruff: noqa: D102

import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ravm_course.ravlm.datastore import Datastore

DIM = 3
ENCODER = "0123456789abcdef"


def unit(vector):
    return (np.float32(vector) / np.linalg.norm(np.float64(vector))).astype(np.float32)


def example(n=6, seed=0):
    """Make a store with pictures of several shapes, texts in two languages, and gaps."""
    rng = np.random.default_rng(seed)
    shapes = [(4, 5, 3), (2, 2), (1, 7, 3)]
    store = Datastore(DIM, ENCODER)
    store.add(
        [f"item {i}" for i in range(n)],
        rng.normal(size=(n, DIM)).astype(np.float32),
        texts=[None if i == 1 else f"text 字 {seed} {i}" for i in range(n)],
        images=[
            None if i == 2 else rng.integers(0, 255, shapes[i % 3], dtype=np.uint8)
            for i in range(n)
        ],
        metadata=[None if i == 3 else {"i": i, "deep": [{"a": 0.1}]} for i in range(n)],
    )
    return store


def content(store):
    """Everything in a store, in a form that can be compared."""
    items = [store.get(id) for id in store]
    return [
        (
            i.id,
            i.vector.tolist(),
            i.text,
            dict(i.metadata),
            None if i.image is None else i.image.tolist(),
        )
        for i in items
    ]


def test_what_goes_in_comes_out():
    store = Datastore(DIM, ENCODER)
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    facts = {"name": "法国", "numbers": [1, 2]}
    store.add(["fr"], [[3.0, 0, 4.0]], texts=["France"], images=[image], metadata=[facts])
    image[:] = 0
    facts["numbers"].append(3)
    item = store.get("fr")
    assert (item.id, item.text) == ("fr", "France")
    assert item.image.max() == 11
    assert item.metadata == {"name": "法国", "numbers": [1, 2]}
    np.testing.assert_array_equal(item.vector, np.float32([0.6, 0, 0.8]))
    with pytest.raises(TypeError, match="assignment"):
        item.metadata["name"] = "x"
    [[hit]] = store.search([[1.0, 0, 0]], 1)
    assert hit.metadata["numbers"] == [1, 2]
    assert hit.score == pytest.approx(0.6)
    with pytest.raises(ValueError, match="read-only"):
        hit.image[:] = 1


def test_equally_near_items_come_in_the_order_of_their_addition():
    store = Datastore(2, ENCODER)
    store.add(["z", "a"], [[1.0, 0], [2.0, 0]])
    store.add(["m"], [[3.0, 0]])
    assert [hit.id for hit in store.search([[1.0, 0]], 3)[0]] == ["z", "a", "m"]
    store.add(["z"], [[1.0, 0]], replace=True, texts=["new"])
    hits = store.search([[1.0, 0]], 3)[0]
    assert [hit.id for hit in hits] == ["a", "m", "z"]
    assert hits[-1].text == "new"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ids": ["a", "item 1"]}, ValueError, "'item 1' is in the store already.*replace=True"),
        ({"ids": ["a", "a"]}, ValueError, "'a' is given twice"),
        ({"ids": ["a", 3]}, TypeError, "id 3 is of type int"),
        ({"ids": "ab"}, TypeError, "sequence of strings"),
        ({"ids": ["a"]}, ValueError, "2 vectors for 1 ids"),
        ({"texts": ["x"]}, ValueError, "1 texts for 2 ids"),
        ({"texts": ["x", 5]}, TypeError, "text of 'b' is of type int"),
        ({"images": [None, np.zeros((2, 2))]}, ValueError, "image of 'b' is float64"),
        ({"images": [None, np.zeros((3, 2, 2), np.uint8)]}, ValueError, "image of 'b'"),
        ({"metadata": [None, [1]]}, TypeError, "metadata of 'b' are a list"),
        ({"metadata": [None, {"a": object()}]}, ValueError, "'b' cannot be kept as JSON"),
        ({"metadata": [None, {"a": math.nan}]}, ValueError, "'b' cannot be kept as JSON"),
        ({"metadata": [None, {1: 2}]}, ValueError, "'b' change in JSON"),
        ({"metadata": [None, {"a": (1, 2)}]}, ValueError, "'b' change in JSON"),
        ({"vectors": [[1.0, 0, 0], [0, 0, 0]]}, ValueError, "vector 1 has length 0"),
        ({"vectors": [[1.0, 0, 0], [0, math.nan, 0]]}, ValueError, "vector 1 is NaN"),
        ({"vectors": np.ones((2, 2))}, ValueError, r"expected \(number, 3\)"),
        ({"vectors": np.ones((2, 3), int)}, TypeError, "floats"),
    ],
)
@pytest.mark.parametrize("replace", [False, True])
def test_one_bad_row_and_nothing_is_added(arguments, error, message, replace):
    if replace and "already" in message:
        return
    store = example()
    before = content(store)
    good = {"ids": ["a", "b"], "vectors": [[1.0, 0, 0], [0, 1.0, 0]], "replace": replace}
    with pytest.raises(error, match=message):
        store.add(**good | arguments)
    assert content(store) == before
    store.add(**good)


def test_other_refusals():
    store = example()
    for call in (lambda: store.remove(["item 0", "no"]), lambda: store.get("no")):
        with pytest.raises(KeyError, match="'no' is not in the store of 6 items"):
            call()
    with pytest.raises(TypeError, match="sequence of strings"):
        store.remove("item 0")
    assert len(store) == 6
    with pytest.raises(ValueError, match="k is 7 but the index holds 6"):
        store.search([[1.0, 0, 0]], 7)
    with pytest.raises(ValueError, match="query 0 is NaN"):
        store.search([[math.nan, 0, 0]], 1)
    with pytest.raises(ValueError, match="fingerprint"):
        Datastore(3, "")
    with pytest.raises(ValueError, match="expected one of cosine"):
        Datastore(3, ENCODER, metric="l2")


def test_everything_can_be_removed_and_an_empty_store_kept(tmp_path):
    store = example()
    store.remove(list(store))
    assert len(store) == 0
    with pytest.raises(ValueError, match="add vectors first"):
        store.search([[1.0, 0, 0]], 1)
    store.add([], np.empty((0, DIM)))
    store.save(tmp_path / "store")
    empty = Datastore.load(tmp_path / "store", encoder=ENCODER)
    assert len(empty) == 0
    empty.add(["a"], [[1.0, 0, 0]])
    assert empty.search([[1.0, 0, 0]], 1)[0][0].id == "a"


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_saved_and_loaded_is_the_same(tmp_path, metric):
    store = Datastore(DIM, ENCODER, metric)
    store.add(["odd \ud800 text"], [[2.0, 0, 0]], texts=["\ud800"])
    for item in (example().get(id) for id in example()):
        store.add([item.id], item.vector[None] * 3, texts=[item.text], images=[item.image],
                  metadata=[item.metadata])  # fmt: skip
    store.remove(["item 4"])
    store.save(tmp_path / "store")
    loaded = Datastore.load(tmp_path / "store", encoder=ENCODER)
    assert repr(loaded) == repr(store)
    assert content(loaded) == content(store)
    queries = np.random.default_rng(0).normal(size=(5, DIM))
    for a, b in zip(loaded.search(queries, 6), store.search(queries, 6), strict=True):
        assert [(h.id, h.score) for h in a] == [(h.id, h.score) for h in b]
    loaded.add(["new"], [[1.0, 1.0, 0]])
    assert not loaded.get("item 0").image.flags.writeable


def test_a_store_of_another_encoder_is_refused(tmp_path):
    example().save(tmp_path / "store")
    with pytest.raises(ValueError, match=f"{ENCODER}.*'ffff'.*cannot be compared.*your"):
        Datastore.load(tmp_path / "store", encoder="ffff")
    assert len(Datastore.load(tmp_path / "store", encoder=None)) == 6


def test_missing_or_damaged_stores_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no store"):
        Datastore.load(tmp_path / "store", encoder=ENCODER)
    with pytest.raises(FileNotFoundError, match="Create it first"):
        example().save(tmp_path / "no" / "store")
    folder = tmp_path / "store"
    example().save(folder)
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        for bad in (data[:-1], data[:-3] + bytes([data[-3] ^ 1]) + data[-2:], b"", None):
            file.unlink() if bad is None else file.write_bytes(bad)
            if file.name == "store.json" and bad != b"":
                file.write_bytes(data)  # white space at the end does not matter
                continue
            with pytest.raises(ValueError, match=f"damaged.*{file.name if bad is None else ''}"):
                Datastore.load(folder, encoder=ENCODER)
            file.write_bytes(data)
    assert content(Datastore.load(folder, encoder=ENCODER)) == content(example())


def test_saving_again_leaves_no_old_files_and_spares_those_of_others(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "README.md").write_text("mine", encoding="utf-8")
    (folder / ".items-0123456789abcdef.json.abc.tmp").write_text("left by a killed save")
    for seed in range(3):
        example(seed=seed).save(folder)
    assert len(list(folder.iterdir())) == 5
    assert (folder / "README.md").exists()


KILLER = """
import os, signal, sys
from test_datastore import Datastore, ENCODER, content, example

# In a child process, kill it just before its n-th operation on files; n grows until a save is done.
folder = sys.argv[1]
old = sys.argv[2] == "old"
n = results = 0
while True:
    n += 1
    path = os.path.join(folder, f"{old}-{n}")
    if old:
        example(seed=0).save(path)
    child = os.fork()
    if child == 0:
        count = 0
        def strike(event, arguments):
            global count
            if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir"):
                count += 1
                if count == n:
                    os.kill(os.getpid(), signal.SIGKILL)
        fsync = os.fsync
        def syncing(handle):
            strike("open", ())
            fsync(handle)
            strike("open", ())
        os.fsync = syncing
        store = example(n=9, seed=1)
        sys.addaudithook(strike)
        store.save(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    try:
        found = content(Datastore.load(path, encoder=ENCODER))
    except FileNotFoundError:
        found = None
    before = content(example(seed=0)) if old else None
    after = content(example(n=9, seed=1))
    assert found in (before, after), n
    print("new" if found == after else "old", flush=True)
    example(seed=2).save(path)  # a later save is not troubled by what lies about
    assert content(Datastore.load(path, encoder=ENCODER)) == content(example(seed=2))
    assert len(os.listdir(path)) == 4, os.listdir(path)
    if status == 0:
        break
    assert os.WIFSIGNALED(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("old", ["old", "none"])
def test_a_save_killed_at_any_stage_leaves_the_old_store_or_the_new(tmp_path, old):
    process = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path), old],
        capture_output=True, text=True, timeout=240, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    found = process.stdout.split()
    assert found[0] == "old"
    assert found[-1] == "new"
    assert found == sorted(found, reverse=True)  # one moment at which the new takes the old's place
    assert len(found) > 15
    if old == "old":
        assert found.count("new") > 3  # killed while it tidied up


IDS = st.sampled_from("abcdefgh")
VECTORS = st.tuples(*[st.integers(-2, 2)] * DIM).filter(any).map(list)
METADATA = st.none() | st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text())
ITEMS = st.lists(
    st.tuples(IDS, VECTORS, st.none() | st.text(), st.none() | st.integers(0, 255), METADATA),
    max_size=5,
    unique_by=lambda item: item[0],
)


class StoreMachine(RuleBasedStateMachine):
    """Any sequence of additions, removals, saves and loads leaves what a dict would hold."""

    @initialize(metric=st.sampled_from(["cosine", "dot", "euclidean"]))
    def start(self, metric):
        self.metric, self.folder = metric, tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "store"
        self.store, self.model = Datastore(DIM, ENCODER, metric), {}
        self.saved = None

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(items=ITEMS, replace=st.booleans())
    def add(self, items, replace):
        ids = [item[0] for item in items]
        arguments = {
            "vectors": np.array([item[1] for item in items], dtype=np.float32).reshape(-1, DIM),
            "texts": [item[2] for item in items],
            "images": [None if i[3] is None else np.full((2, 3), i[3], np.uint8) for i in items],
            "metadata": [item[4] for item in items],
            "replace": replace,
        }
        if not replace and set(ids) & set(self.model):
            with pytest.raises(ValueError, match="already"):
                self.store.add(ids, **arguments)
            return
        self.store.add(ids, **arguments)
        for id in ids:
            self.model.pop(id, None)
        self.model |= {item[0]: item for item in items}

    @rule(ids=st.sets(IDS, max_size=4))
    def remove(self, ids):
        if not ids <= set(self.model):
            with pytest.raises(KeyError):
                self.store.remove(ids)
            return
        self.store.remove(ids)
        for id in ids:
            del self.model[id]

    @rule()
    def save(self):
        self.store.save(self.path)
        self.saved = dict(self.model)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def load(self):
        self.store, self.model = Datastore.load(self.path, encoder=ENCODER), dict(self.saved)

    @precondition(lambda self: self.model)
    @rule(query=VECTORS, data=st.data())
    def search(self, query, data):
        k = data.draw(st.integers(1, len(self.model)))
        q, x = np.float64(query), np.float64([item[1] for item in self.model.values()])
        scores = {
            "dot": x @ q,
            "cosine": x @ q / np.linalg.norm(x, axis=1) / np.linalg.norm(q),
            "euclidean": -np.linalg.norm(x - q, axis=1),
        }[self.metric]
        [hits] = self.store.search([[float(v) for v in query]], k)
        np.testing.assert_allclose([h.score for h in hits], np.sort(scores)[::-1][:k], atol=1e-6)
        if self.metric == "dot":  # whole numbers: ties are exact
            order = np.argsort(-scores, kind="stable")[:k]
            assert [h.id for h in hits] == [list(self.model)[i] for i in order]
        for hit in hits:
            assert hit.text == self.model[hit.id][2]

    @invariant()
    def holds_what_the_dict_holds(self):
        if not hasattr(self, "store"):
            return
        assert list(self.store) == list(self.model)
        assert len(self.store) == len(self.model)
        for id, vector, text, grey, metadata in self.model.values():
            assert id in self.store
            item = self.store.get(id)
            assert (item.id, item.text, item.metadata) == (id, text, metadata or {})
            expected = unit(vector) if self.metric == "cosine" else np.float32(vector)
            np.testing.assert_array_equal(item.vector, expected)
            assert (item.image is None) == (grey is None)
            assert grey is None or (item.image == grey).all()


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
