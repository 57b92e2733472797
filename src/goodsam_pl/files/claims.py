"""Who makes a file, when several processes want to: the one that holds its lock.

The lock is the operating system's, on a hidden file beside the place of the finished one that says
who holds it. It ends with its process, however that ends. It saves work and nothing else: content
never goes through the locked file, so that nothing is lost where a file system has no locks, or
locks that only processes of one machine see. There two processes may make the same file, and the
one that is done last puts its own in place.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.unfinished import Writer, is_old, remove_unfinished, this_process

if sys.platform != "win32":
    import fcntl

__all__ = ["LOCK_SUFFIX", "PATIENCE", "Claim", "claim", "holder", "remove_abandoned"]

log = logging.getLogger(__name__)

LOCK_SUFFIX = ".lock"
"""Ends the names of files that say who makes the one that they are named after."""

PATIENCE = 5.0
"""Seconds of silence, before it is told for whom a process waits."""

_PAUSE = 0.1
_BUSY = (errno.EWOULDBLOCK, errno.EACCES)
_LONGEST_NOTE = 4096


class Claim:
    """The right to make a file; end it with :func:`claim`'s ``with``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, content: bytes) -> None:
        """Put the file in its place, once all of it is on disk.

        Raises:
            OSError: the disk is full, among others; nothing has changed then.
        """
        write_atomically(self.path, content)


class _Holder(NamedTuple):
    """Who holds a lock, and since when."""

    writer: Writer
    since: str

    def __str__(self) -> str:
        return f"{self.writer}, since {self.since}"


@contextmanager
def claim(path: Path, *, wait: bool = False) -> Iterator[Claim | None]:
    """Claim the right to make a file.

    Args:
        path: the file; its folder is made when missing.
        wait: wait while another process holds the claim, instead of giving up; after
            :data:`PATIENCE` it is told which one.

    Yields:
        The claim, or ``None`` if another process holds it. The other one may have written the file
        in the meantime: look again.

    Raises:
        OSError: the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _Lock(_lock_of(path))
    granted = lock.take()
    if not granted and wait:
        _wait_for(lock, path)
        granted = True
    if not granted:
        yield None
        return
    try:
        yield Claim(path)
    finally:
        lock.release()


def holder(path: Path) -> str:
    """Who holds the claim of a file, for people: as "process 12 on host, since …"."""
    found = _read_note(_lock_of(path))
    return "another process" if found is None else str(found)


def remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left in a folder, not below it. Those at work are not disturbed.

    A lock is abandoned if we get it, and it was taken on this machine, where locks hold, or has
    lain for a day.
    """
    remove_unfinished(folder)
    try:
        names = [path for path in folder.iterdir() if path.name.endswith(LOCK_SUFFIX)]
        locks = [path for path in names if path.is_file()]
    except OSError:
        return
    for path in locks:
        note = _read_note(path)
        if note is not None and (note.writer.is_here or is_old(path)):
            with suppress(OSError):
                lock = _Lock(path)
                if lock.take():
                    lock.release()


class _Lock:
    """The lock on a file that says who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether it is ours now; where there are no locks it always is."""
        if sys.platform == "win32":  # where processes share by rank alone
            return True
        while True:
            descriptor = _open(self._path)
            if descriptor is None:
                return True
            try:
                locked = _lock(descriptor)
                if locked and _is_at(descriptor, self._path):
                    self._descriptor = descriptor
                    _note(descriptor)
                    return True
                if locked is None:
                    self._clear(descriptor)
            finally:
                if self._descriptor is None:
                    os.close(descriptor)
            if locked is not True:
                return locked is None
            # whoever held it has removed it: there is another file, or none

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is None:
            return
        if _is_at(self._descriptor, self._path):
            with suppress(OSError):  # it may be another user's
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = None

    def _clear(self, descriptor: int) -> None:
        """Where there are no locks, leave no file that looks like one."""
        if os.fstat(descriptor).st_size == 0:
            with suppress(OSError):
                self._path.unlink()


def _wait_for(lock: _Lock, path: Path) -> None:
    begun, told = time.monotonic(), False
    while not lock.take():
        if not told and time.monotonic() - begun > PATIENCE:
            log.warning("waiting for %s: %s has it in hand", path, holder(path))
            told = True
        time.sleep(_PAUSE)


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}{LOCK_SUFFIX}")


def _open(path: Path) -> int | None:
    """The file of a lock; ``None`` for one of another user who lets nobody read it."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if not path.exists():
            raise
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _lock(descriptor: int) -> bool | None:
    """Whether we have the lock; ``None`` where there are none, as on some network file systems."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _BUSY else None
    return True


def _note(descriptor: int) -> None:
    """Say who we are; a full disk is told of where it matters."""
    host, machine, pid = this_process()
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    note = json.dumps({"host": host, "machine": machine, "pid": pid, "since": since})
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note.encode(), 0)


def _read_note(lock: Path) -> _Holder | None:
    try:
        with lock.open("rb") as stream:
            note = json.loads(stream.read(_LONGEST_NOTE))
        writer = Writer(str(note["host"]), str(note["machine"]), int(note["pid"]))
        return _Holder(writer, str(note["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(descriptor)
    return (own.st_ino, own.st_dev) == (found.st_ino, found.st_dev)
