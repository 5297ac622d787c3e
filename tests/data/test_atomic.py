"""A write that does not come to its end leaves the old file whole and nothing beside it."""

import os

import pytest

from ravm_course.data import atomic


def test_a_new_file_is_written_whole(tmp_path):
    atomic.write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("failing", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_write_that_is_killed_leaves_the_old_file(tmp_path, monkeypatch, failing, error):
    file = tmp_path / "a"
    file.write_bytes(b"old")

    def fail(*arguments):
        raise error

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)):
        atomic.write_bytes(file, b"new")
    assert file.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write 'a'.*does not exist"):
        atomic.write_bytes(tmp_path / "missing" / "a", b"")


def test_text_is_written_with_plain_line_ends(tmp_path):
    atomic.write_text(tmp_path / "a", "一\n二\n")
    assert (tmp_path / "a").read_bytes() == "一\n二\n".encode()
