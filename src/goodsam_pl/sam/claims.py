"""Who may write a file, when several processes want to: the one that holds its lock.

The lock is the operating system's on the unfinished file itself, which lies beside the place of the
finished one. It ends with its process, however that ends. So nothing has to be cleaned up: whoever
comes next takes over the unfinished file, and no two processes do the same work.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from goodsam_pl.atomic import PART_SUFFIX

if sys.platform != "win32":
    import fcntl

__all__ = ["Claim", "claim", "remove_abandoned"]

_BUSY = (errno.EWOULDBLOCK, errno.EACCES)


class Claim:
    """The right to write a file; end it with :func:`claim`'s ``with``."""

    def __init__(self, path: Path, part: Path, descriptor: int) -> None:
        self.path = path
        self._part = part
        self._descriptor = descriptor

    def write(self, content: bytes) -> None:
        """Put the file in its place, once all of it is on disk.

        Raises:
            OSError: the disk is full, among others; nothing has changed then.
        """
        os.ftruncate(self._descriptor, 0)
        with os.fdopen(self._descriptor, "wb", closefd=False) as stream:
            stream.write(content)
        os.fsync(self._descriptor)
        self._part.replace(self.path)


@contextmanager
def claim(path: Path, *, wait: bool = False) -> Iterator[Claim | None]:
    """Claim the right to write a file.

    Args:
        path: the file; its folder is made when missing.
        wait: wait while another process holds the claim, instead of giving up.

    Yields:
        The claim, or ``None`` if another process holds it. The other one may have written the file
        in the meantime: look again.
    """
    part = path.with_name(f".{path.name}{PART_SUFFIX}")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _locked(part, wait=wait)
    if descriptor is None:
        yield None
        return
    try:
        yield Claim(path, part, descriptor)
    finally:
        if _is_at(descriptor, part):  # not where the finished file was put in its place
            part.unlink(missing_ok=True)
        os.close(descriptor)


def remove_abandoned(root: Path) -> None:
    """Remove the unfinished files below a folder that no process holds."""
    for part in root.rglob(f".*{PART_SUFFIX}"):
        with claim(part.with_name(part.name.removeprefix(".").removesuffix(PART_SUFFIX))):
            pass


def _locked(part: Path, *, wait: bool) -> int | None:
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _lock(descriptor, wait=wait):
                os.close(descriptor)
                return None
            # whoever held it may have put it in its place, or removed it
            if _is_at(descriptor, part):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    if sys.platform == "win32":  # there processes share by rank alone
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        # some network file systems have no locks: there, too, processes share by rank alone
        return error.errno not in _BUSY
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(descriptor)
    return (own.st_ino, own.st_dev) == (found.st_ino, found.st_dev)
