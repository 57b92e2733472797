"""What every proposer of masks has in common."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["Description", "MaskProposer", "fingerprint_of"]

Description = dict[str, str | int | float]


@runtime_checkable
class MaskProposer(Protocol):
    """Finds masks in windows of panoramas. It never sees labels or class names.

    The command line compares the signatures of ``propose`` and ``describe``: just these types.
    """

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Find the masks of each window.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.

        Returns:
            N sets of masks on the CPU.
        """
        ...

    def describe(self) -> Description:
        """All that the masks depend on: kind, weights, parameters. Batch sizes are not in it."""
        ...

    # no method here: the command line would tell `-> None` from itself, by whether the proposer's
    # module postpones its annotations
    @property
    def to(self) -> Callable[[torch.device | str], object]:
        """Move to a device: ``to(device)``; what it returns is not used."""
        ...


def fingerprint_of(description: Description) -> str:
    """SHA-256 of a description, as 64 hexadecimal digits."""
    text = json.dumps(description, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
