"""Files that are whole or not there: the one place where results are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["PART_SUFFIX", "write_atomically"]

PART_SUFFIX = ".part"
"""Ends the names of files that are being written, or were when their process was killed."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under another name beside its place, and move it there once it is on disk.

    The other name is short, so that a file may have the longest name that its folder takes.

    Args:
        path: the file; its folder is made when missing.
        content: all of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=PART_SUFFIX)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
