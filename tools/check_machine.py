"""Say what this machine lacks before a long installation starts, and what to type.

Called by the Makefile with the names of what a target needs: ``python``, ``compiler``, ``browser``.
It imports only the standard library, so that any Python 3 can run it.
"""

import importlib.util
import shutil
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def check_python() -> str:
    """Return what is wrong with this Python, or an empty string."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return (
            "Python 3.11, 3.12 or 3.13 is needed, and this is Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}. "
            "Name another: make book PYTHON=python3.12"
        )
    if importlib.util.find_spec("ensurepip") is None:
        return "Python's venv module is missing. On Debian or Ubuntu: sudo apt install python3-venv"
    return ""


def check_compiler() -> str:
    """Return what is missing to compile kenlm, a reference library of the tests."""
    if sys.platform != "win32" and not (shutil.which("c++") or shutil.which("g++")):
        return (
            "The tests compile kenlm and need a C++ compiler. On Debian or Ubuntu: "
            "sudo apt install build-essential; on macOS: xcode-select --install"
        )
    return ""


def check_browser() -> str:
    """Return what is missing for the browser tests."""
    if not any(shutil.which(name) for name in BROWSERS):
        return (
            "The browser tests need Chromium. On Debian: sudo apt install chromium; "
            "elsewhere install Chromium or Google Chrome so that it is on the PATH."
        )
    return ""


CHECKS = {"python": check_python, "compiler": check_compiler, "browser": check_browser}


def main(names: list) -> int:
    """Check each of `names`; print what is missing and return the exit status."""
    unknown = sorted(set(names) - set(CHECKS))
    if unknown or not names:
        print(f"usage: check_machine.py {'|'.join(CHECKS)} ...; unknown: {unknown}")
        return 2
    missing = [message for message in (CHECKS[name]() for name in names) if message]
    for message in missing:
        print(message, file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
