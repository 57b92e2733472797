"""Fusion of SAM's masks with the teacher assistant's labels."""

from __future__ import annotations

from goodsam_pl.fusion.ctcf import CTCF
from goodsam_pl.fusion.ctcf_v2 import CTCFv2
from goodsam_pl.fusion.fused import Fused, FusedWindows, Fusion
from goodsam_pl.fusion.majority import MajorityVote
from goodsam_pl.fusion.mask_votes import MaskVotes, mask_votes
from goodsam_pl.fusion.no_fusion import NoFusion
from goodsam_pl.fusion.panorama_fusion import PanoramaFusion, fuse
from goodsam_pl.fusion.refined_boundary import (
    BoundaryVersion,
    boundary_region,
    check_boundary_version,
    edges,
    refined_boundary,
)
from goodsam_pl.fusion.sepl import SEPL
from goodsam_pl.fusion.ssa import SSA
from goodsam_pl.fusion.trusted_pool import TrustedPool
from goodsam_pl.fusion.votes import Ballot
from goodsam_pl.fusion.word_voter import WordVoter

__all__ = [
    "CTCF",
    "SEPL",
    "SSA",
    "Ballot",
    "BoundaryVersion",
    "CTCFv2",
    "Fused",
    "FusedWindows",
    "Fusion",
    "MajorityVote",
    "MaskVotes",
    "NoFusion",
    "PanoramaFusion",
    "TrustedPool",
    "WordVoter",
    "boundary_region",
    "check_boundary_version",
    "edges",
    "fuse",
    "mask_votes",
    "refined_boundary",
]
