"""How the C library hands out memory to a process that trains."""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["keep_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_THRESHOLD`` of glibc's ``malloc.h``."""
_LARGEST = 2**31 - 1  # mallopt takes a C int
_SAID_BY_USER = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")


def keep_memory() -> bool:
    """Let this process, and those forked from it, keep the memory it once had.

    Without it glibc returns every large tensor to the system and gets it back zeroed, page by page,
    and much of a training step on the CPU goes into that. Other C libraries keep what they do.
    Settings of the user in the environment win.

    Returns:
        Whether anything was set.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in _SAID_BY_USER):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes = (ctypes.c_int, ctypes.c_int)
    mallopt.restype = ctypes.c_int
    return all(mallopt(option, _LARGEST) for option in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
