"""A folder that one process works in at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["locked"]


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold a folder, which is made when missing.

    Processes that inherit the descriptor hold it, too: what outlives us, because we were killed,
    keeps others from writing where it writes.

    Yields:
        The descriptor of the lock.

    Raises:
        FileExistsError: another process holds it.
        ValueError: the system has no such locks.
    """
    if sys.platform == "win32":
        raise ValueError(f"{folder} is held by a POSIX file lock, which Windows lacks")
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(
                f"another process works in {folder}, or one that a killed one left behind: wait "
                "for its end, or choose another folder"
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)
