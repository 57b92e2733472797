"""What a step of self-training makes of source and target images before it learns from them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["MixedDomains"]


@dataclass(frozen=True, eq=False)
class MixedDomains:
    """Target images with what the teacher says of them, and their ClassMix with source images.

    Attributes:
        target: x_t, crops as large as the source's, ``(B, 3, H, W)``.
        pseudo_labels: ŷ_t, int64 ``(B, H, W)``.
        trust: q, 0 in ignored rows, ``(B, H, W)`` in [0, 1].
        images: x_m, ``(M, 3, H, W)``; M is the smaller of the two numbers of images.
        labels: y_m, int64 ``(M, H, W)``.
        weights: w_m, ``(M, H, W)`` in [0, 1].
    """

    target: Tensor
    pseudo_labels: Tensor
    trust: Tensor
    images: Tensor
    labels: Tensor
    weights: Tensor
