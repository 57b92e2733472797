"""Who proposes masks: Segment Anything, a proposer without weights, and an oracle for studies."""

from __future__ import annotations

from goodsam_pl.sam.felzenszwalb import Felzenszwalb
from goodsam_pl.sam.given_boxes import GivenBoxes
from goodsam_pl.sam.given_masks import GivenMasks
from goodsam_pl.sam.grounded_sam import GroundedSAM
from goodsam_pl.sam.grounding_dino import GroundingDino
from goodsam_pl.sam.image_embedder import ImageEmbedder
from goodsam_pl.sam.official_checkpoints import download_weights
from goodsam_pl.sam.oracle import StreetWorldOracle
from goodsam_pl.sam.panorama_generator import PanoramaMaskGenerator
from goodsam_pl.sam.sam3_concepts import Sam3Concepts
from goodsam_pl.sam.segment_anything import SegmentAnything
from goodsam_pl.sam.transformers_sam import TransformersSAM

__all__ = [
    "Felzenszwalb",
    "GivenBoxes",
    "GivenMasks",
    "GroundedSAM",
    "GroundingDino",
    "ImageEmbedder",
    "PanoramaMaskGenerator",
    "Sam3Concepts",
    "SegmentAnything",
    "StreetWorldOracle",
    "TransformersSAM",
    "download_weights",
]
