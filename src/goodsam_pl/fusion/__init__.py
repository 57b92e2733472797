"""Fusion of SAM's masks with the teacher assistant's labels."""

from __future__ import annotations

from goodsam_pl.fusion.ctcf import (
    FusedWindows,
    MaskVotes,
    cross_task_complementary_fusion,
    vote,
)

__all__ = ["FusedWindows", "MaskVotes", "cross_task_complementary_fusion", "vote"]
