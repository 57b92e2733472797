"""What a mask is and how masks are kept; who proposes them is another matter."""

from __future__ import annotations

from goodsam_pl.masks.index_map import IndexMap
from goodsam_pl.masks.precomputation import precompute_masks
from goodsam_pl.masks.proposer import MaskProposer
from goodsam_pl.masks.store import MaskStore, MaskStoreError, image_key
from goodsam_pl.masks.window_masks import WindowMasks, mask_layers, unpack_layers

__all__ = [
    "IndexMap",
    "MaskProposer",
    "MaskStore",
    "MaskStoreError",
    "WindowMasks",
    "image_key",
    "mask_layers",
    "precompute_masks",
    "unpack_layers",
]
