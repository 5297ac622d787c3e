"""The promises of the house: floors, files that agree with each other, nothing unpickled."""

from __future__ import annotations

import ast
import itertools
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "ravm_course"
FLOORS = {
    "data": 0,
    "metrics": 0,
    "plots": 1,
    "text": 1,
    "nn": 1,
    "training": 2,
    "lm": 3,
    "vision": 3,
    "vlm": 4,
    "retrieval": 5,
    "ravlm": 6,
    "app": 7,
    "checks": 8,
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported_names(file: Path) -> set[str]:
    """Return the full names of all that `file` imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: import by the full name, not relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "ravm_course" and len(parts) > 1 else None


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_down(file):
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        assert not imported_names(file), "importing the package must load nothing"
        return
    for name in imported_names(file):
        other = room(name)
        if other and other != own:
            assert FLOORS[other] < FLOORS[own], f"{own} imports {other}, which is not below it"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_nothing_is_unpickled(file):
    forbidden = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
    assert not {name.split(".")[0] for name in imported_names(file)} & forbidden
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("torch", "load"), "use safetensors"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False


def test_importing_the_package_loads_nothing_heavy():
    code = "import ravm_course, sys; print(sorted({'torch', 'numpy', 'faiss'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-zA-Z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("requirements.lock", ["book"]), ("requirements-dev.lock", ["book", "test", "tools"])],
)
def test_the_lock_satisfies_the_project(lock, extras):
    locked = pins(lock)
    wanted = list(PROJECT["dependencies"])
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    for requirement in map(Requirement, wanted):
        if requirement.name == "torch":
            assert "torch" not in locked, "torch is installed first and unhashed"
            continue
        version = locked[normal(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


def test_the_locks_agree_and_every_pin_is_hashed():
    book, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in book} == book
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        blocks = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in block for block in blocks)


def test_environment_yml_agrees_with_the_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = next(row for row in environment["dependencies"] if str(row).startswith("python>"))
    assert python == f"python{PROJECT['requires-python']}"
    rows = next(row["pip"] for row in environment["dependencies"] if isinstance(row, dict))
    known = {}
    extras = PROJECT["optional-dependencies"].values()
    for text in itertools.chain(PROJECT["dependencies"], *extras):
        requirement = Requirement(text)
        known[normal(requirement.name)] = str(requirement.specifier)
    named = [Requirement(row) for row in rows if not row.startswith("-e")]
    assert {normal(row.name) for row in named} == {
        "faiss-cpu",
        "jupyter-book",
        "jupyterlab",
        "matplotlib",
        "nbval",
        "scikit-learn",
        "torch",
        "transformers",
    }
    for row in named:
        assert str(row.specifier) == known[normal(row.name)]


def test_version_is_told_once():
    namespace: dict[str, str] = {}
    exec((PACKAGE / "__init__.py").read_text(encoding="utf-8"), namespace)
    assert namespace["__version__"] == PROJECT["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == PROJECT["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_data_and_checkpoints_fit_their_budget():
    for folder, budget in (("data/files", 24e6), ("checkpoints", 43e6)):
        sizes = [file.stat().st_size for file in (PACKAGE / folder).rglob("*") if file.is_file()]
        assert 0 < sum(sizes) < budget
    listed = json.loads((PACKAGE / "data/files/MANIFEST.json").read_text(encoding="utf-8"))
    shipped = {
        file.relative_to(PACKAGE / "data/files").as_posix()
        for file in (PACKAGE / "data/files").rglob("*")
        if file.is_file() and not file.name.startswith(".")
    }
    assert shipped == {
        *listed,
        "MANIFEST.json",
        *(name for name in shipped if name.startswith("licences/")),
    }


@pytest.mark.parametrize("name", ["python", "compiler", "browser"])
def test_check_machine_says_what_is_missing(name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import check_machine

    monkeypatch.setattr(check_machine.shutil, "which", lambda program: None)
    monkeypatch.setattr(check_machine.sys, "version_info", (3, 9, 0))
    monkeypatch.setattr(check_machine.sys, "platform", "linux")
    assert check_machine.main([name]) == 1
    assert {"python": "PYTHON=", "compiler": "C++", "browser": "Chromium"}[
        name
    ] in capsys.readouterr().err
