"""Networks of the SAM family in 16 bits."""

from __future__ import annotations

from typing import Literal

import torch

__all__ = ["Precision", "autocast", "check_precision"]

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
"""As Lightning's Trainer calls them; the mixed ones compute most of a network in 16 bits."""

_TYPES = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def check_precision(precision: str) -> None:
    """Refuse what is none.

    Raises:
        ValueError: the message says what there is.
    """
    if precision not in _TYPES:
        raise ValueError(f"precision is {precision!r}: choose one of {sorted(_TYPES)}")


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context in which a network computes so; with ``32-true`` it changes nothing."""
    kind = _TYPES[precision]
    return torch.autocast(device.type, kind, enabled=kind != torch.float32)
