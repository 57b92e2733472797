"""How the C library hands out memory to a process that trains."""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["keep_memory"]

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_MAX`` of glibc's ``malloc.h``."""
_NEVER = -1  # taken for an unsigned number, the largest there is


def keep_memory() -> bool:
    """Let this process, and those forked from it, keep the memory it once had.

    Without it glibc returns every large tensor to the system and gets it back zeroed, page by page,
    and much of a training step on the CPU goes into that. Other C libraries keep what they do.
    Settings of the user in the environment win.

    A limit of 0 maps is asked for, not a high ``M_MMAP_THRESHOLD``: older releases refuse
    thresholds above 32 MiB, and an ``int`` would leave out tensors of 2 GiB and more.

    Returns:
        Whether anything was set.
    """
    if not sys.platform.startswith("linux") or _said_by_user():
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    mallopt = library.mallopt
    mallopt.argtypes = (ctypes.c_int, ctypes.c_int)
    mallopt.restype = ctypes.c_int
    return all(mallopt(*each) for each in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER)))


def _said_by_user() -> bool:
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return "glibc.malloc." in tunables or any(name.startswith("MALLOC_") for name in os.environ)
