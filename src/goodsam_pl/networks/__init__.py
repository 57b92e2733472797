"""Networks: dense predictors, their weights, and the small SAM. Nothing here knows Lightning."""

from __future__ import annotations

from goodsam_pl.networks.frozen import FrozenNetwork
from goodsam_pl.networks.segmentation import (
    FeatureNetwork,
    PretrainedNetwork,
    SegmentationNetwork,
    SegmentationOutput,
)
from goodsam_pl.networks.tiling import TiledNetwork, TileSize, predict_tiles
from goodsam_pl.networks.tta import ViewAveraging
from goodsam_pl.networks.weights import (
    export_weights,
    load_weights,
    read_weights,
    save_weights,
    weights_hash,
)

__all__ = [
    "FeatureNetwork",
    "FrozenNetwork",
    "PretrainedNetwork",
    "SegmentationNetwork",
    "SegmentationOutput",
    "TileSize",
    "TiledNetwork",
    "ViewAveraging",
    "export_weights",
    "load_weights",
    "predict_tiles",
    "read_weights",
    "save_weights",
    "weights_hash",
]
