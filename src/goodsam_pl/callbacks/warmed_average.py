"""An average of weights that forgets the beginning sooner."""

from __future__ import annotations

from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

__all__ = ["WarmedAverage"]


class WarmedAverage(WeightAveraging):
    """Exponential moving average of weights with a decay that grows with the steps n.

    The decay is min(``decay``, (1 + n) / (10 + n)), so that short runs do not end near their
    random start, where a fixed decay of 0.999 keeps a third of it after 1,000 steps. Checkpoints
    hold the average as the weights, and what is trained beside it.

    Args:
        decay: the highest.
    """

    def __init__(self, decay: float = 0.999) -> None:
        def average(averaged: Tensor, current: Tensor, updates: Tensor | int) -> Tensor:
            now = min(decay, (1 + int(updates)) / (10 + int(updates)))
            return averaged.lerp(current, 1 - now)

        super().__init__(avg_fn=average)
