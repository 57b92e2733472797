"""Imports of what is large: torch, Lightning and all that they bring."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_collection"]


@contextmanager
def without_collection() -> Iterator[None]:
    """Let Python not look for garbage while modules are imported.

    They make a million objects, of which hardly one goes again, and Python goes through all of them
    time after time: a sixth of what a training needs to start.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
