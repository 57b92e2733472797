"""Fusion of SAM's masks with the teacher assistant's labels."""

from __future__ import annotations

from goodsam_pl.fusion.ctcf import CTCF, complementary_fusion
from goodsam_pl.fusion.ctcf_v2 import CTCFv2, complementary_fusion_by_area
from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.majority import MajorityVote, majority_vote
from goodsam_pl.fusion.mask_votes import MaskVotes, mask_votes
from goodsam_pl.fusion.no_fusion import NoFusion, own_predictions
from goodsam_pl.fusion.refined_boundary import (
    BoundaryVersion,
    boundary_region,
    check_boundary_version,
    edges,
    refined_boundary,
)
from goodsam_pl.fusion.sepl import SEPL, sam_enhanced_pseudo_labels
from goodsam_pl.fusion.ssa import SSA, semantic_segment_anything
from goodsam_pl.fusion.votes import Ballot

__all__ = [
    "CTCF",
    "SEPL",
    "SSA",
    "Ballot",
    "BoundaryVersion",
    "CTCFv2",
    "FusedWindows",
    "Fusion",
    "MajorityVote",
    "MaskVotes",
    "NoFusion",
    "boundary_region",
    "check_boundary_version",
    "complementary_fusion",
    "complementary_fusion_by_area",
    "edges",
    "majority_vote",
    "mask_votes",
    "own_predictions",
    "refined_boundary",
    "sam_enhanced_pseudo_labels",
    "semantic_segment_anything",
]
