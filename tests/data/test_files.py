"""A damaged or missing file is named together with the command that rebuilds it."""

import hashlib
import json
import shutil

import pytest

from ravm_course.data import files
from ravm_course.data.files import DataError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a copy of a part of the data folder that the package reads instead of its own."""
    for name in ("MANIFEST.json", "flags/index.json", "flags/twemoji.webp", "products/labels.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(files.FOLDER / name, tmp_path / name)
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    files.manifest.cache_clear()
    files.path.cache_clear()
    yield tmp_path
    files.manifest.cache_clear()
    files.path.cache_clear()


def test_a_whole_file_is_returned(folder):
    assert files.path("flags/index.json") == folder / "flags/index.json"


@pytest.mark.parametrize("name", ["flags/index.json", "flags/twemoji.webp", "products/labels.json"])
def test_one_corrupt_byte_is_found(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    command = f"python tools/build_data.py {name.split('/')[0]}"
    with pytest.raises(DataError, match=rf"{name}' is damaged: .*{command}"):
        files.path(name)


def test_a_truncated_file_is_found(folder):
    content = (folder / "flags/twemoji.webp").read_bytes()
    (folder / "flags/twemoji.webp").write_bytes(content[:-100])
    with pytest.raises(DataError, match=r"twemoji.webp' is damaged"):
        files.path("flags/twemoji.webp")


def test_a_missing_file_is_named(folder):
    (folder / "flags/index.json").unlink()
    with pytest.raises(
        DataError, match=r"flags/index.json' is missing.*python tools/build_data.py flags"
    ):
        files.path("flags/index.json")


def test_a_missing_manifest_is_named(folder):
    (folder / "MANIFEST.json").unlink()
    with pytest.raises(DataError, match=r"MANIFEST.json.*python tools/build_data.py"):
        files.path("flags/index.json")


def test_a_damaged_manifest_is_named(folder):
    (folder / "MANIFEST.json").write_text('{"flags/index.json": ', encoding="utf-8")
    with pytest.raises(DataError, match=r"MANIFEST.json.*damaged"):
        files.path("flags/index.json")


def test_an_unknown_name_is_refused(folder):
    with pytest.raises(DataError, match=r"no bundled file is called 'flags/x.webp'"):
        files.path("flags/x.webp")


def test_every_bundled_file_is_listed_and_as_it_was_listed():
    listed = json.loads((files.FOLDER / "MANIFEST.json").read_text(encoding="utf-8"))
    found = {
        file.relative_to(files.FOLDER).as_posix()
        for file in files.FOLDER.rglob("*")
        if file.is_file()
    }
    assert found - {"MANIFEST.json"} == set(listed)
    for name, row in listed.items():
        content = (files.FOLDER / name).read_bytes()
        assert row["bytes"] == len(content), name
        assert row["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert row["set"], name
        assert row["licence"], name
        assert row["source"], name
        assert row["note"], name


def test_all_bundled_data_stays_under_its_budget():
    total = sum(row["bytes"] for row in files.manifest().values())
    assert total < 24_000_000


def test_share_alike_pictures_stand_in_files_of_their_own():
    for name, row in files.manifest().items():
        if row["set"] in ("emoji", "flags") and name.endswith(".webp"):
            artist = name.split("/")[1].removesuffix(".webp")
            share_alike = artist in ("openmoji", "emojione-v1")
            assert (row["licence"] == "CC-BY-SA-4.0") == share_alike, name
