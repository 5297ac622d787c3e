"""The builder: what it fetches, what it refuses, and that a failed build changes nothing."""

import gzip
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
if not (TOOLS / "build_data.py").is_file():
    pytest.skip("the tools are not part of an installed package", allow_module_level=True)
sys.path.insert(0, str(TOOLS))
import archives  # noqa: E402
import build_data  # noqa: E402
import fetch  # noqa: E402


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Return a data folder of our own with one file of another set."""
    monkeypatch.setattr(build_data, "FILES", tmp_path / "files")
    monkeypatch.setattr(build_data, "ROOT", tmp_path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files/MANIFEST.json").write_text(
        json.dumps({"b/old": {"set": "b", "bytes": 1, "sha256": "x"}}), encoding="utf-8"
    )
    return tmp_path


class Fake:
    """A set module."""

    SOURCES = ()

    def __init__(self, written, listed=None):
        self.written, self.listed = written, written if listed is None else listed

    def build(self, sources, out):
        """Write what the test asked for."""
        for name, content in self.written.items():
            (out / name).parent.mkdir(exist_ok=True)
            (out / name).write_bytes(content)
        fields = {"licence": "MIT", "source": "test", "note": "n"}
        return [{"file": name, **fields} for name in self.listed]


def run(monkeypatch, shelf, module, name="a"):
    monkeypatch.setitem(sys.modules, f"sets.{name}", module)
    out = shelf / f"out-{name}"
    out.mkdir(exist_ok=True)
    rows = build_data.build(name, out)
    build_data.install(name, rows, out)
    return rows


def test_a_set_is_installed_and_the_others_are_kept(shelf, monkeypatch):
    run(monkeypatch, shelf, Fake({"a/one": b"1", "a/two": b"22"}))
    manifest = build_data.read_manifest()
    assert list(manifest) == ["a/one", "a/two", "b/old"]
    assert manifest["a/two"]["bytes"] == 2
    assert (shelf / "files/a/two").read_bytes() == b"22"
    assert build_data.differences("a", {k: v for k, v in manifest.items() if v["set"] == "a"}) == []


def test_files_that_a_set_no_longer_makes_are_removed(shelf, monkeypatch):
    run(monkeypatch, shelf, Fake({"a/one": b"1", "a/two": b"2"}))
    for file in (shelf / "out-a/a").iterdir():
        file.unlink()
    run(monkeypatch, shelf, Fake({"a/one": b"1"}))
    assert not (shelf / "files/a/two").exists()
    assert "a/two" not in build_data.read_manifest()


def test_a_file_of_another_set_is_not_overwritten(shelf, monkeypatch):
    with pytest.raises(ValueError, match="'b/old', which belongs to set b"):
        run(monkeypatch, shelf, Fake({"b/old": b"mine"}))
    assert "a" not in {row["set"] for row in build_data.read_manifest().values()}


def test_what_is_written_and_what_is_listed_must_agree(shelf, monkeypatch):
    with pytest.raises(ValueError, match=r"wrote \['a/two'\] but does not list"):
        run(monkeypatch, shelf, Fake({"a/one": b"", "a/two": b""}, listed=["a/one"]))
    with pytest.raises(ValueError, match="lists 'a/three' but did not write it"):
        run(monkeypatch, shelf, Fake({"a/one": b""}, listed=["a/one", "a/three"]), name="c")


def test_differences_are_told(shelf, monkeypatch):
    rows = run(monkeypatch, shelf, Fake({"a/one": b"1"}))
    (shelf / "files/a/one").write_bytes(b"2")
    assert "ships" in build_data.differences("a", rows)[0]
    (shelf / "files/a/one").unlink()
    assert "missing" in build_data.differences("a", rows)[0]


def test_unknown_sets_are_refused_with_the_known_ones(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["build_data.py", "emojis"])
    with pytest.raises(SystemExit):
        build_data.main()
    assert (
        "no set is called emojis. Known sets: classics, countries, emoji" in capsys.readouterr().err
    )


def test_every_source_is_pinned_and_every_set_names_known_ones():
    pinned = fetch.pinned()
    for key, record in pinned.items():
        assert set(record) == {
            "client", "package", "version", "file", "sha256", "licence", "homepage",
        }, key  # fmt: skip
        assert record["client"] in ("npm", "pip", "apt")
        assert len(record["sha256"]) == 64
    used = set()
    for name in build_data.known_sets():
        text = (TOOLS / "sets" / f"{name}.py").read_text(encoding="utf-8")
        assert "SOURCES" in text, name
        assert "def build(" in text, name
        used.add(name)
    shipped = {row["set"] for row in json.loads(
        (TOOLS.parent / "ravm_course/data/files/MANIFEST.json").read_text(encoding="utf-8")
    ).values()}  # fmt: skip
    assert shipped == used


@pytest.mark.parametrize(
    ("client", "words"),
    [("npm", ["pack", "p@1", "--silent"]), ("apt", ["download", "-q", "p=1"])],
)
def test_packages_are_fetched_by_the_client_of_their_registry(client, words, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "which", lambda name: f"/bin/{name}")
    record = {"client": client, "package": "p", "version": "1", "file": "f"}
    assert fetch.command(record)[1:] == words


def test_a_missing_client_is_named(monkeypatch):
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    record = {"client": "apt", "package": "p", "version": "1", "file": "f.deb"}
    with pytest.raises(fetch.FetchError, match=r"apt-get \(Debian, Ubuntu\), which was not found"):
        fetch.command(record)


def test_an_archive_with_another_content_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "CACHE", tmp_path / "cache")
    record = {"client": "npm", "package": "p", "version": "1", "file": "p.tgz", "sha256": "0" * 64}
    monkeypatch.setattr(fetch, "pinned", lambda: {"p": record})
    make = [sys.executable, "-c", "open('p.tgz', 'w').write('other')"]
    monkeypatch.setattr(fetch, "command", lambda record: make)
    with pytest.raises(fetch.FetchError, match=r"the npm package p 1 has SHA-256 .* but .* pins"):
        fetch.fetch("p")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_client_that_fails_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "CACHE", tmp_path)
    record = {"client": "pip", "package": "p", "version": "1", "file": "p.whl", "sha256": "0"}
    monkeypatch.setattr(fetch, "pinned", lambda: {"p": record})
    fail = [sys.executable, "-c", "import sys; sys.exit('no such version')"]
    monkeypatch.setattr(fetch, "command", lambda record: fail)
    with pytest.raises(fetch.FetchError, match=r"pip package p 1 could not .*no such version"):
        fetch.fetch("p")


def test_an_unknown_source_is_refused():
    with pytest.raises(KeyError, match=r"'nothing' is not in tools/sources.json"):
        fetch.fetch("nothing")


def test_compressed_files_carry_no_time():
    assert archives.gzip_bytes(b"a" * 99) == archives.gzip_bytes(b"a" * 99)
    assert gzip.decompress(archives.gzip_bytes(b"a" * 99)) == b"a" * 99
    assert archives.gzip_bytes(b"a")[4:8] == bytes(4)
    assert archives.json_bytes([{"b": "字"}], lines=True) == '[\n{"b":"字"}\n]\n'.encode()


def test_members_of_a_debian_package_are_read_without_unpacking(tmp_path):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:xz") as opened:
        info = tarfile.TarInfo("./usr/share/x.txt")
        info.size = 3
        opened.addfile(info, io.BytesIO(b"abc"))
    deb = b"!<arch>\n"
    for name, content in ((b"debian-binary", b"2.0\n"), (b"data.tar.xz", tar.getvalue())):
        deb += name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8)
        deb += str(len(content)).encode().ljust(10) + b"`\n" + content + b"\n" * (len(content) % 2)
    (tmp_path / "x.deb").write_bytes(deb)
    assert archives.members(tmp_path / "x.deb") == {"usr/share/x.txt": b"abc"}
    with pytest.raises(KeyError, match=r"x.deb holds no file 'y'"):
        archives.member(tmp_path / "x.deb", "y")
