"""Soft targets at a sixteenth of the room: probabilities at stride 4, in steps of 1 / 255.

At full size, soft targets of a panorama take K times the room of labels. A SegFormer decides at
stride 4 and enlarges what it decided, so little is lost at that stride; 8 bits are enough for a
target. The stride and the bits are our choice.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["SOFT_STRIDE", "pack_probabilities", "unpack_probabilities"]

SOFT_STRIDE = 4
"""Pixels of a side that share one soft target."""


def pack_probabilities(probabilities: Tensor) -> Tensor:
    """Average squares of :data:`SOFT_STRIDE` pixels and round to 1 / 255.

    Args:
        probabilities: ``(..., K, h, w)`` in [0, 1].

    Returns:
        uint8 ``(..., K, h / 4, w / 4)``.

    Raises:
        ValueError: h or w is no multiple of the stride.
    """
    height, width = probabilities.shape[-2:]
    if height % SOFT_STRIDE or width % SOFT_STRIDE:
        raise ValueError(
            f"soft targets are kept at stride {SOFT_STRIDE}, which does not divide {height}×{width}"
            ": choose data.size and the sizes of windows as multiples of it, or targets: hard"
        )
    images = probabilities.flatten(0, -4) if probabilities.ndim > 4 else probabilities
    packed = (F.avg_pool2d(images, SOFT_STRIDE) * 255).round().to(torch.uint8)
    return packed.view(*probabilities.shape[:-2], *packed.shape[-2:])


def unpack_probabilities(packed: Tensor) -> Tensor:
    """Enlarge to full size, bilinearly, and let classes sum to 1 again.

    Args:
        packed: uint8 ``(..., K, h / 4, w / 4)``.

    Returns:
        float32 ``(..., K, h, w)``.
    """
    images = packed.float().flatten(0, -4) if packed.ndim > 4 else packed.float()
    images = images / images.sum(dim=-3, keepdim=True)
    enlarged = F.interpolate(images, scale_factor=SOFT_STRIDE, mode="bilinear")
    return enlarged.view(*packed.shape[:-2], *enlarged.shape[-2:])
