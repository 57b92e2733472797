"""Fusion of SAM's masks with the teacher assistant's labels."""

from __future__ import annotations

from goodsam_pl.fusion.ctcf import CTCF
from goodsam_pl.fusion.ctcf_v2 import CTCFv2
from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.majority import MajorityVote
from goodsam_pl.fusion.mask_votes import MaskVotes, mask_votes
from goodsam_pl.fusion.no_fusion import NoFusion
from goodsam_pl.fusion.refined_boundary import (
    BoundaryVersion,
    boundary_region,
    check_boundary_version,
    edges,
    refined_boundary,
)
from goodsam_pl.fusion.sepl import SEPL
from goodsam_pl.fusion.ssa import SSA
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
    "edges",
    "mask_votes",
    "refined_boundary",
]
