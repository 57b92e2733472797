"""One ablation at a time in an output folder."""

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
def locked(out: Path) -> Iterator[int]:
    """Hold the output folder.

    Processes that inherit the descriptor hold it, too: a training that outlives us, because we were
    killed, keeps others from writing where it writes.

    Yields:
        The descriptor of the lock.

    Raises:
        FileExistsError: another process holds it.
        ValueError: the system has no such locks.
    """
    if sys.platform == "win32":
        raise ValueError("goodsam ablate needs POSIX file locks, which Windows lacks")
    out.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(out / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(
                f"another ablation works in {out}, or a training that a killed one left behind: "
                "wait for its end, or choose another folder"
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)
