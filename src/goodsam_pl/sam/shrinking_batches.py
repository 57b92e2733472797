"""Batches that shrink when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["ShrinkingBatches", "ran_out_of_memory"]

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_CPU_ALLOCATOR = ("can't allocate memory", "not enough memory")


class ShrinkingBatches:
    """Applies a function to some items at a time, to half as many whenever memory runs out.

    Args:
        what: what the items are, in the plural, for the warning.
        size: items in a batch at first.

    Attributes:
        size: items in a batch now; what did not fit once is not tried again.
    """

    def __init__(self, what: str, size: int) -> None:
        self.what = what
        self.size = size

    def apply(self, function: Callable[[Tensor], Result], items: Tensor) -> list[Result]:
        """Results of batches, in order; the function must not care how items are batched.

        Raises:
            RuntimeError: a single item does not fit, or what else the function raises.
        """
        results: list[Result] = []
        done = 0
        while done < len(items):
            batch = items[done : done + self.size]
            try:
                results.append(function(batch))
            except RuntimeError as error:
                if len(batch) == 1 or not ran_out_of_memory(error):
                    raise
                self.size = len(batch) // 2
            else:
                done += len(batch)
                continue
            # only here is the error, and with it what the function had allocated, gone
            log.warning("out of memory: going on with %d %s at a time", self.size, self.what)
            if items.device.type == "cuda":
                torch.cuda.empty_cache()
        return results


def ran_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that memory ran out; on the CPU only its message does."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _CPU_ALLOCATOR)
