"""Features that are to point where those of a frozen network point (ours, an extra of SSR)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["feature_matching"]


def feature_matching(features: Tensor, frozen: Tensor) -> Tensor:
    r"""How far directions are apart, place by place.

    .. math:: L = 1 - \operatorname{mean}_{b,p} \cos(f_b(p), s_b(p))

    Args:
        features: f, ``(B, C, h, w)``.
        frozen: s, ``(B, C, h', w')``; resized bilinearly to the places of ``features``. No gradient
            runs through.

    Returns:
        Scalar in [0, 2].
    """
    size = (features.shape[-2], features.shape[-1])
    laid = F.interpolate(frozen.detach(), size, mode="bilinear", antialias=True)
    return 1 - F.cosine_similarity(features, laid, dim=1).mean()
