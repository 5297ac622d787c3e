"""Write files so that a reader sees the old content or the new, never a half.

The bytes go to a temporary file in the same folder, are flushed to the disk, and the file is then
renamed over its destination: on POSIX and Windows alike :func:`os.replace` is atomic within one
file system. A process killed at any moment leaves the old file as it was.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` atomically.

    Parameters
    ----------
    path
        Destination. Its folder must exist.
    data
        The whole content of the file.

    Raises
    ------
    FileNotFoundError
        If the folder of `path` does not exist.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder) / "a.txt", b"whole or not at all")
    ...     (Path(folder) / "a.txt").read_bytes()
    b'whole or not at all'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path.name!r}: the folder {str(path.parent)!r} does not exist. "
            "Create it first."
        )
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Write `text` to `path` atomically, as UTF-8 with ``\n`` line ends.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(Path(folder) / "a.txt", "字")
    ...     (Path(folder) / "a.txt").read_bytes()
    b'\xe5\xad\x97'
    """
    write_bytes(path, text.encode("utf-8"))
