"""SSR: self-training on unlabelled images, and a frozen SAM as a regulariser of it."""

from __future__ import annotations

from goodsam_pl.modules.ssr.mixing import MixedDomains
from goodsam_pl.modules.ssr.regularized import SSR, BranchWeights, Regularizer
from goodsam_pl.modules.ssr.self_training import MaskedImages, SelfTraining

__all__ = ["SSR", "BranchWeights", "MaskedImages", "MixedDomains", "Regularizer", "SelfTraining"]
