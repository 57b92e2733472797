"""Networks: dense predictors, their weights, and the small SAM. Nothing here knows Lightning."""

from __future__ import annotations

from goodsam_pl.networks.frozen import FrozenNetwork
from goodsam_pl.networks.segmentation import PretrainedNetwork, SegmentationNetwork
from goodsam_pl.networks.tta import ViewAveraging
from goodsam_pl.networks.weights import (
    export_weights,
    load_weights,
    read_weights,
    save_weights,
)

__all__ = [
    "FrozenNetwork",
    "PretrainedNetwork",
    "SegmentationNetwork",
    "ViewAveraging",
    "export_weights",
    "load_weights",
    "read_weights",
    "save_weights",
]
