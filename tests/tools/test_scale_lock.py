"""Ray has a lock of its own, and the environment of the chapters stays free of it."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def pins(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-zA-Z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


def test_the_lock_of_ray_holds_what_the_others_lack_and_no_more():
    scale, book, dev = map(
        pins, ("requirements-scale.lock", "requirements.lock", "requirements-dev.lock")
    )
    assert {"ray", "pyarrow", "pandas"} <= set(scale)
    assert not set(scale) & (set(book) | set(dev))
    text = (ROOT / "requirements-scale.lock").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(scale)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_of_ray_satisfies_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (wanted,) = map(Requirement, project["optional-dependencies"]["scale"])
    assert wanted.specifier.contains(pins("requirements-scale.lock")[wanted.name])
    tool = (ROOT / "tools/embed_folder.py").read_text(encoding="utf-8")
    assert f"'{wanted}'" in tool, "the message that says what to install"
