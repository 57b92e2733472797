"""Losses, one idea of the papers in each file; pure functions on tensors."""

from __future__ import annotations

from goodsam_pl.losses.adaptation import ensemble_cross_entropy, whole_image_cross_entropy
from goodsam_pl.losses.balance import ClassBalance
from goodsam_pl.losses.boundary import boundary_loss, edges, refined_boundary, soft_boundary
from goodsam_pl.losses.consistency import consistency, symmetric_divergence

__all__ = [
    "ClassBalance",
    "boundary_loss",
    "consistency",
    "edges",
    "ensemble_cross_entropy",
    "refined_boundary",
    "soft_boundary",
    "symmetric_divergence",
    "whole_image_cross_entropy",
]
