"""Networks: dense predictors, their weights, and the small SAM. Nothing here knows Lightning."""

from __future__ import annotations

from goodsam_pl.networks.building import (
    build_described,
    build_network,
    checked_description,
    describe_network,
)
from goodsam_pl.networks.card import CARD, NetworkCard
from goodsam_pl.networks.checking import check_logits
from goodsam_pl.networks.checkpoint_file import read_checkpoint
from goodsam_pl.networks.custom import CustomNetwork
from goodsam_pl.networks.daformer import DAFormerNetwork
from goodsam_pl.networks.deeplab import DeepLabV2Network
from goodsam_pl.networks.frozen import FrozenNetwork, unfrozen
from goodsam_pl.networks.identity import identity_of
from goodsam_pl.networks.modes import begin_training, evaluating, keeping_statistics
from goodsam_pl.networks.network_state import export_weights, load_weights, weights_hash
from goodsam_pl.networks.postponed import brought_by, read_postponed
from goodsam_pl.networks.segmentation import (
    FeatureNetwork,
    PretrainedNetwork,
    PyramidNetwork,
    SegmentationNetwork,
    SegmentationOutput,
)
from goodsam_pl.networks.tiling import TiledNetwork, TileSize, predict_tiles
from goodsam_pl.networks.trusted import classes_named_in, refuse_untrusted
from goodsam_pl.networks.tta import ViewAveraging
from goodsam_pl.networks.weights_file import read_card, read_weights, save_weights

__all__ = [
    "CARD",
    "CustomNetwork",
    "DAFormerNetwork",
    "DeepLabV2Network",
    "FeatureNetwork",
    "FrozenNetwork",
    "NetworkCard",
    "PretrainedNetwork",
    "PyramidNetwork",
    "SegmentationNetwork",
    "SegmentationOutput",
    "TileSize",
    "TiledNetwork",
    "ViewAveraging",
    "begin_training",
    "brought_by",
    "build_described",
    "build_network",
    "check_logits",
    "checked_description",
    "classes_named_in",
    "describe_network",
    "evaluating",
    "export_weights",
    "identity_of",
    "keeping_statistics",
    "load_weights",
    "predict_tiles",
    "read_card",
    "read_checkpoint",
    "read_postponed",
    "read_weights",
    "refuse_untrusted",
    "save_weights",
    "unfrozen",
    "weights_hash",
]
