"""Zero-shot: SAM as it is."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from goodsam_pl.modules.continual.method import ContinualMethod
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks

__all__ = ["ZeroShot"]


class ZeroShot(ContinualMethod):
    """Learns nothing and forgets nothing; see :class:`ContinualMethod`."""

    learns: ClassVar[bool] = False

    def current(self, batch: PromptedBatch) -> Tensor:
        """SAM's own masks."""
        return draw_masks(None, self.sam, batch)
