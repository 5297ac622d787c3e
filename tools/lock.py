"""Write the lock files from ``pyproject.toml``: pinned, hashed, for every supported system.

``requirements.lock`` holds what a reader installs (package, site, JupyterLab), and
``requirements-dev.lock`` everything that maintainers need on top (tests, data tools). torch and the
CUDA libraries that its Linux wheel asks for are left out: torch is installed first, by its version
alone, so that a CPU build which is already there satisfies it.

``requirements-scale.lock`` holds Ray and what only Ray needs. It is apart because scikit-learn
imports pandas and pyarrow wherever it finds them, which would make every chapter slower and larger;
``make scale-tests`` installs it into a folder of its own.

Run ``python tools/lock.py`` after changing a dependency; it needs ``uv``, which the ``tools`` extra
installs.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.lock": ["book"], "requirements-dev.lock": ["book", "test", "tools"]}
APART = {"requirements-scale.lock": ["scale"]}  # without what stands in the others
LEFT_OUT = re.compile(r"^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==", re.MULTILINE)

PINNED = re.compile(r"^([a-zA-Z0-9._-]+)==", re.MULTILINE)


def compile_lock(extras: list[str], left_out: list[str], constraint: Path | None) -> str:
    """Return the lock of the package with `extras`, without the packages `left_out`."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml"]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"]
    command += [word for extra in extras for word in ("--extra", extra)]
    command += [word for name in left_out for word in ("--no-emit-package", name)]
    command += ["--constraint", str(constraint)] if constraint else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"uv could not resolve {extras}:\n{done.stderr}")
    return done.stdout


def main() -> None:
    """Resolve the locks and write them; each agrees with those before it where they overlap."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        constraint = None
        for name, extras in {**LOCKS, **APART}.items():
            left_out = set(LEFT_OUT.findall(compile_lock(extras, [], constraint)))
            if name in APART:
                left_out |= set(PINNED.findall(constraint.read_text(encoding="utf-8")))
            text = compile_lock(extras, sorted(left_out), constraint)
            text = text.replace(f"{folder}/", "").replace(f"{folder}\\", "")
            (ROOT / name).write_text(text, encoding="utf-8", newline="\n")
            print(f"{name}: {len(re.findall(r'^[a-zA-Z0-9]', text, re.MULTILINE))} packages")
            constraint = Path(folder) / name
            pins = re.findall(r"^[a-zA-Z0-9][^\s\\]*(?: ;[^\\\n]*)?", text, re.MULTILINE)
            constraint.write_text("\n".join(pins), encoding="utf-8")


if __name__ == "__main__":
    main()
