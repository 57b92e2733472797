"""Whose an unfinished file is: its name says which process writes it, and on which machine.

No two processes share such a name, so that none writes into what another one writes, whether the
file system has locks or not. One whose writer is dead is removed by whoever comes next; if that is
ever a mistake, :func:`goodsam_pl.files.atomic.write_atomically` writes once more.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "PART_SUFFIX",
    "Writer",
    "is_old",
    "part_name",
    "remove_unfinished",
    "this_process",
    "writer_of",
]

PART_SUFFIX = ".part"
"""Ends the names of files that are being written, or were when their process was killed."""

_LONGEST_HOST = 40
_NAME = re.compile(r"\.([\w.-]+)-([0-9a-f]{12})-(\d{1,9})-[0-9a-f]{8}\.part")
_OLD = 24 * 3600.0
"""Seconds. Content is complete before a file is begun, so that writing takes seconds; and the
clocks of two machines are never a day apart."""


class Writer(NamedTuple):
    """A process that writes a file.

    Attributes:
        host: name of its machine, for people.
        machine: tells machines and their process namespaces apart, 12 hexadecimal digits.
        pid: its number there.
    """

    host: str
    machine: str
    pid: int

    @property
    def is_here(self) -> bool:
        """Whether this process would see it running."""
        return self.machine == _machine()

    @property
    def is_dead(self) -> bool:
        """Whether it surely runs no more; of other machines nobody knows."""
        return self.is_here and not _is_running(self.pid)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> Writer:
    """The one that asks."""
    return Writer(_host(), _machine(), os.getpid())


def part_name() -> str:
    """A name for an unfinished file of this process, which no other file has."""
    writer = this_process()
    token = secrets.token_hex(4)
    return f".{writer.host}-{writer.machine}-{writer.pid}-{token}{PART_SUFFIX}"


def writer_of(part: Path) -> Writer | None:
    """Who writes an unfinished file, or did; ``None`` if its name is not of :func:`part_name`."""
    match = _NAME.fullmatch(part.name)
    return None if match is None else Writer(match[1], match[2], int(match[3]))


def is_old(path: Path) -> bool:
    """Whether a file has not changed for a day, as no file does that is being written."""
    try:
        return path.lstat().st_mtime < time.time() - _OLD
    except OSError:
        return False


def remove_unfinished(folder: Path) -> None:
    """Remove unfinished files whose writer is dead, in a folder, not below it.

    Dead is a writer of this machine that runs no more, and one of another machine whose file has
    not changed for a day. Everything else is left alone, as is what the system does not let us
    remove.
    """
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if entry.name.endswith(PART_SUFFIX)]
    except OSError:  # not there, or not ours to look into
        return
    for name in names:
        part = folder / name
        writer = writer_of(part)
        if writer is not None and (writer.is_dead or is_old(part)):
            with suppress(OSError):
                part.unlink()


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":  # where to ask a process is to end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


@cache
def _host() -> str:
    name = re.sub(r"[^\w.-]", "_", socket.gethostname())
    return name.encode("ascii", "replace").decode().replace("?", "_")[:_LONGEST_HOST] or "unnamed"


@cache
def _machine() -> str:
    """Of the boot and the process namespace where the system tells them, else of the name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        identity = f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        identity = socket.gethostname()
    return hashlib.sha256(identity.encode()).hexdigest()[:12]
