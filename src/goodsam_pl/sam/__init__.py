"""Masks for panoramas: who proposes them, how they are stored, and what computes them."""

from __future__ import annotations

from goodsam_pl.sam.computing import precompute_masks
from goodsam_pl.sam.felzenszwalb import Felzenszwalb
from goodsam_pl.sam.index_map import IndexMap
from goodsam_pl.sam.masks import WindowMasks, mask_layers, unpack_layers
from goodsam_pl.sam.panorama import PanoramaMaskGenerator
from goodsam_pl.sam.precompute import PanoramaSource, PrecomputeSAM
from goodsam_pl.sam.proposer import MaskProposer
from goodsam_pl.sam.segment_anything import SegmentAnything
from goodsam_pl.sam.store import MaskStore, MaskStoreError, image_key
from goodsam_pl.sam.transformers_sam import TransformersSAM
from goodsam_pl.sam.weights import download_weights

__all__ = [
    "Felzenszwalb",
    "IndexMap",
    "MaskProposer",
    "MaskStore",
    "MaskStoreError",
    "PanoramaMaskGenerator",
    "PanoramaSource",
    "PrecomputeSAM",
    "SegmentAnything",
    "TransformersSAM",
    "WindowMasks",
    "download_weights",
    "image_key",
    "mask_layers",
    "precompute_masks",
    "unpack_layers",
]
