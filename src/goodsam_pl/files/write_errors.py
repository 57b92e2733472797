"""What the system says when it does not let a file be written, in words that lead on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["write_errors_explained"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_STAYS = "what is there already stays"


@contextmanager
def write_errors_explained(
    folder: Path,
    kind: Callable[[str], Exception] = ValueError,
    elsewhere: str = "name another folder",
) -> Iterator[None]:
    """Tell of full disks and of folders that are only read.

    Args:
        folder: where files are written.
        kind: of the error that tells.
        elsewhere: how another folder is chosen.

    Raises:
        Exception: of that kind.
        OSError: any other error of the system, as it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise kind(
                f"{folder}: {_what_is_full(folder, error)}: make room and run the same command "
                f"again, {_STAYS}"
            ) from error
        if error.errno in _REFUSED:
            raise kind(
                f"{error.filename or folder} cannot be written ({error.strerror}): {elsewhere}, or "
                f"ask for the right to write to {folder}"
            ) from error
        raise


def _what_is_full(folder: Path, error: OSError) -> str:
    if error.errno == errno.EDQUOT:
        return "your quota is used up"
    return (
        "the disk takes no more files, its inodes are used up"
        if _lacks_inodes(folder)
        else ("the disk is full")
    )


def _lacks_inodes(folder: Path) -> bool:
    """Whether bytes may be free, and yet there is no room for another file."""
    if not hasattr(os, "statvfs"):
        return False
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    found = os.statvfs(there)
    return found.f_files > 0 and found.f_favail == 0
