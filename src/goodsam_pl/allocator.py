"""How the C library hands out memory to the processes that train."""

from __future__ import annotations

__all__ = ["KEEP_MEMORY"]

KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
"""Environment of a process that keeps the memory it once had; glibc reads it at the start.

Without it glibc returns every large tensor to the system and gets it back zeroed, page by page, and
much of a training step on the CPU goes into that.
"""
