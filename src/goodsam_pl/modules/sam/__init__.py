"""Training of Segment Anything models on instances."""

from __future__ import annotations

from goodsam_pl.modules.sam.sam_training import SamTraining

__all__ = ["SamTraining"]
