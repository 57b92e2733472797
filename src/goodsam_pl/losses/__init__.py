"""Losses, one idea of the papers in each file; pure functions on tensors."""

from __future__ import annotations

from goodsam_pl.losses.adaptation import (
    cross_entropy,
    ensemble_cross_entropy,
    labelled_cross_entropy,
    whole_image_cross_entropy,
)
from goodsam_pl.losses.balance import ClassBalance
from goodsam_pl.losses.boundary import boundary_loss, soft_boundary
from goodsam_pl.losses.consistency import (
    Distance,
    consistency,
    squared_difference,
    symmetric_divergence,
)
from goodsam_pl.losses.double_similarity import (
    attention_maps,
    category_similarity,
    pixel_similarity,
)
from goodsam_pl.losses.feature_adaptation import FeatureAdaptation, feature_distance

__all__ = [
    "ClassBalance",
    "Distance",
    "FeatureAdaptation",
    "attention_maps",
    "boundary_loss",
    "category_similarity",
    "consistency",
    "cross_entropy",
    "ensemble_cross_entropy",
    "feature_distance",
    "labelled_cross_entropy",
    "pixel_similarity",
    "soft_boundary",
    "squared_difference",
    "symmetric_divergence",
    "whole_image_cross_entropy",
]
