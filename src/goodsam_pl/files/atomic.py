"""Files that are whole or not there: the one place where results are written."""

from __future__ import annotations

import os
from pathlib import Path

from goodsam_pl.files.unfinished import part_name

__all__ = ["put_in_place", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under another name beside its place, and move it there once it is on disk.

    The other name is this process's own and short, so that a file may have the longest name that
    its folder takes. Who may read the file is decided by the process's umask.

    Args:
        path: the file; its folder is made when missing.
        content: all of it.

    Raises:
        OSError: the disk is full, among others; nothing has changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(path, content)
    except FileNotFoundError:  # somebody who tidies up took the unfinished file away
        _write(path, content)


def put_in_place(part: Path, path: Path) -> None:
    """Move a file that was written under another name to its place, once it is on disk.

    Args:
        part: the file, in the folder of its place.
        path: its place; what is there is replaced.

    Raises:
        OSError: the disk is full, among others; nothing has changed then.
    """
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.replace(path)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(part_name())
    try:
        with part.open("xb") as stream:
            stream.write(content)
        put_in_place(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
