"""A folder is embedded to the same bytes by one process, by several, and by what was killed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ravm_course.data import load_emoji
from ravm_course.retrieval import VectorIndex, search_shards
from ravm_course.vlm import encode_images, load_pretrained

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/embed_folder.py"
sys.path.insert(0, str(ROOT / "tools"))
import embed_folder  # noqa: E402

COUNT = 60
SMALL = ["--model", "emoji-clip", "--shard", "8", "--batch", "3"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Return a folder of folders with drawings, one damaged, and a text."""
    folder = tmp_path_factory.mktemp("pictures")
    for i, image in enumerate(load_emoji().images[:COUNT]):
        (folder / f"part {i % 3}").mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"part {i % 3}" / f"{i:03d}.png")
    (folder / "part 1" / "broken.JPG").write_bytes(b"\xff\xd8 cut off")
    (folder / "part 1" / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    """Return what one process made."""
    out = tmp_path_factory.mktemp("whole")
    embed_folder.main([str(pictures), str(out), *SMALL])
    return out


def names(out):
    return json.loads((out / "plan.json").read_text())["names"]


def contents(out):
    return {file.name: file.read_bytes() for file in out.iterdir()}


def test_numbers_and_vectors_are_those_of_the_pictures(pictures, whole):
    found = names(whole)
    assert found == sorted(found)
    assert len(found) == COUNT + 1
    index = VectorIndex.load(whole / "index.npz")
    broken = found.index("part 1/broken.JPG")
    assert sorted(index.ids) == [i for i in range(COUNT + 1) if i != broken]
    refused = json.loads((whole / "refused.json").read_text())
    assert list(refused) == ["part 1/broken.JPG"]
    assert "broken.JPG" in refused["part 1/broken.JPG"]
    images = np.stack([np.asarray(Image.open(pictures / found[i])) for i in index.ids])
    expected = encode_images(load_pretrained("emoji-clip"), images)
    torch.testing.assert_close(
        torch.from_numpy(index.vectors(index.ids)), expected, atol=1e-5, rtol=0
    )


def test_joined_and_side_by_side_find_the_same(whole):
    index = VectorIndex.load(whole / "index.npz")
    parts = [VectorIndex.load(file) for file in sorted(whole.glob("index-*.npz"))]
    assert [len(part) for part in parts] == [8, 8, 8, 8, 8, 7, 8, 5]
    queries = load_pretrained("emoji-clip").encode_text(["a red apple", "微笑"])
    for a, b in zip(index.search(queries, 20), search_shards(parts, queries, 20), strict=True):
        np.testing.assert_array_equal(a, b)


def test_learned_shards_equal_an_index_built_at_once(pictures, whole, tmp_path):
    more = ["--kind", "ivfpq", "--options", "nlist=4", "nprobe=2", "m=8", "nbits=4"]
    embed_folder.main([str(pictures), str(tmp_path / "out"), *SMALL, *more])
    joined = VectorIndex.load(tmp_path / "out" / "index.npz")
    flat = VectorIndex.load(whole / "index.npz")
    single = VectorIndex.load(tmp_path / "out" / "blank.npz")
    assert (len(single), joined.kind, joined.options["nprobe"]) == (0, "ivfpq", 2)
    single.add(flat.vectors(flat.ids), flat.ids)
    queries = load_pretrained("emoji-clip").encode_text(["a red apple", "微笑"])
    for a, b in zip(joined.search(queries, 5), single.search(queries, 5), strict=True):
        np.testing.assert_array_equal(a, b)


def wait_for(process, out, count):
    """Wait until a running tool has written so many shards."""
    limit = time.monotonic() + 300
    while len(list(out.glob("shard-*"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "no shard within five minutes"
        time.sleep(0.01)


@pytest.fixture
def start():
    """Return a function that starts the tool; what still runs after the test is killed."""
    running = []

    def starting(*arguments):
        command = [sys.executable, str(TOOL), *map(str, arguments)]
        running.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
            )
        )
        return running[-1]

    yield starting
    for process in running:
        with process:  # waits for it and closes its pipe
            process.kill()


def test_a_killed_run_goes_on_where_it_was(pictures, whole, tmp_path, capsys, start):
    out = tmp_path / "out"
    process = start(pictures, out, *SMALL)
    wait_for(process, out, 2)
    process.kill()
    process.communicate()
    (out / ".shard-00007.safetensors.0a1b.tmp").write_bytes(b"left by a killed worker")
    before = {file: file.stat().st_mtime_ns for file in out.glob("shard-*")}
    assert 2 <= len(before) < 8
    damaged = max(before)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    embed_folder.main([str(pictures), str(out), *SMALL])
    assert f"{len(before) - 1} of them done before" in capsys.readouterr().out
    for file, time_ns in before.items():
        assert (file.stat().st_mtime_ns == time_ns) == (file != damaged)
    assert contents(out) == contents(whole)
    embed_folder.main([str(pictures), str(out), *SMALL])
    assert "8 of them done before" in capsys.readouterr().out
    assert contents(out) == contents(whole)


def test_ray_gives_the_shards_of_killed_workers_to_others(pictures, tmp_path, monkeypatch, start):
    pytest.importorskip("ray.data", reason="Ray is not installed: run make scale-tests")
    import psutil

    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # the test writes no token into the home
    learned = [*SMALL, "--kind", "ivf", "--options", "nlist=4"]
    embed_folder.main([str(pictures), str(tmp_path / "alone"), *learned])
    out = tmp_path / "out"
    process = start(pictures, out, *learned, "--workers", "2")
    wait_for(process, out, 1)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if child.name().startswith("ray::MapWorker")
    ]
    done = len(list(out.glob("shard-*")))
    for worker in workers:
        worker.kill()
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    assert 1 <= len(workers) <= 2
    assert done < 8, "the workers were killed too late to matter"
    assert contents(out) == contents(tmp_path / "alone")


def test_another_plan_is_refused(pictures, whole, tmp_path):
    before = contents(whole)
    for change, message in (
        (["--shard", "9"], r"shard \(8, now 9\)"),
        (["--model", "towers"], r"model \('emoji-clip', now 'towers'\), fingerprint"),
        (["--kind", "ivf"], r"kind \('flat', now 'ivf'\)"),
    ):
        with pytest.raises(SystemExit, match=message):
            embed_folder.main([str(pictures), str(whole), *SMALL, *change])
    more = tmp_path / "pictures"
    more.mkdir()
    Image.new("RGB", (8, 8)).save(more / "a.png")
    embed_folder.main([str(more), str(tmp_path / "out"), *SMALL])
    Image.new("RGB", (8, 9)).save(more / "a.png")
    with pytest.raises(SystemExit, match="what differs: files"):
        embed_folder.main([str(more), str(tmp_path / "out"), *SMALL])
    assert contents(whole) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--workers", "-1"], "--workers is -1"),
        (["--shard", "0"], "--shard is 0"),
        (["--kind", "hnsw"], "invalid choice: 'hnsw'"),
        (["--options", "nlist"], "invalid pair value: 'nlist'"),
    ],
)
def test_wrong_arguments_are_named(pictures, tmp_path, change, message, capsys):
    with pytest.raises(SystemExit):
        embed_folder.main([str(pictures), str(tmp_path / "out"), *change])
    assert message in capsys.readouterr().err


def test_nothing_to_embed_is_said(tmp_path):
    with pytest.raises(SystemExit, match="no folder"):
        embed_folder.main([str(tmp_path / "no"), str(tmp_path / "out")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=r"No file below .* ends in \.bmp"):
        embed_folder.main([str(tmp_path / "empty"), str(tmp_path / "out")])


def test_a_picture_that_is_gone_stops_the_run(pictures, tmp_path, monkeypatch):
    real = embed_folder.make_plan
    monkeypatch.setattr(
        embed_folder, "make_plan", lambda options: real(options) | {"names": ["gone.png"]}
    )
    with pytest.raises(FileNotFoundError, match=r"gone.png"):
        embed_folder.main([str(pictures), str(tmp_path / "out"), *SMALL])


def test_without_ray_it_says_what_to_install(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(embed_folder.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"\[scale\].*--workers 0"):
        embed_folder.main([str(pictures), str(tmp_path / "out"), "--workers", "2"])
    assert not (tmp_path / "out").exists()
