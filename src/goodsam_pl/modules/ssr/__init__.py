"""SSR: self-training on unlabelled images, in the manner of DAFormer."""

from __future__ import annotations

from goodsam_pl.modules.ssr.mixing import MixedDomains
from goodsam_pl.modules.ssr.self_training import MaskedImages, SelfTraining

__all__ = ["MaskedImages", "MixedDomains", "SelfTraining"]
