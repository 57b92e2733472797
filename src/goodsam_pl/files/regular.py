"""Opening files of others: a pipe or a device, which may never end, is refused at once."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

__all__ = ["open_regular", "read_regular"]


def open_regular(path: Path | str) -> BinaryIO:
    """Open a file for reading.

    Raises:
        OSError: it is not there, or may not be read.
        ValueError: it is a folder, a pipe or a device.
    """
    # a pipe would be waited for without this flag
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(f"{path} is no file, but a folder, a pipe or a device")
    return os.fdopen(handle, "rb")


def read_regular(path: Path | str) -> bytes:
    """All bytes of a file; else as :func:`open_regular`."""
    with open_regular(path) as stream:
        return stream.read()
