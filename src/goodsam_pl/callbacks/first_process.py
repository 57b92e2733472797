"""What one process decides for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lightning.pytorch import Trainer

__all__ = ["on_first_process"]

_Value = TypeVar("_Value")


def on_first_process(trainer: Trainer, function: Callable[[], _Value]) -> _Value:
    """What a function gives in the first process, in all; likewise its refusal.

    Raises:
        ValueError: the function did.
    """
    answer: _Value | None = None
    refusal: str | None = None
    if trainer.is_global_zero:
        try:
            answer = function()
        except ValueError as error:
            refusal = str(error)
    answer, refusal = trainer.strategy.broadcast((answer, refusal))
    if refusal is not None:
        raise ValueError(refusal)
    return answer  # type: ignore[return-value]  # one of the two is there
