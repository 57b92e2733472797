"""From 8-bit RGB to what networks see, and back for pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "NORMALIZATION", "denormalize", "normalize"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of R, G, B over ImageNet, images scaled to 0..1."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Standard deviation of R, G, B over ImageNet, images scaled to 0..1."""
NORMALIZATION = {"mean": list(IMAGENET_MEAN), "std": list(IMAGENET_STD)}
"""What :func:`normalize` does, for files of weights."""


def normalize(image: npt.NDArray[np.uint8]) -> Tensor:
    """Scale to ImageNet statistics; the only place where this happens.

    Args:
        image: RGB ``(H, W, 3)`` uint8.

    Returns:
        float32 ``(3, H, W)``.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    scaled = pixels.to(torch.float32) / 255
    return ((scaled - _column(IMAGENET_MEAN)) / _column(IMAGENET_STD)).contiguous()


def denormalize(image: Tensor) -> Tensor:
    """Undo :func:`normalize`, for pictures.

    Args:
        image: normalised ``(..., 3, H, W)`` floating point.

    Returns:
        RGB uint8 of the same shape, rounded and clipped to 0..255.
    """
    mean, std = (_column(values).to(image) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((image * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)


def _column(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(-1, 1, 1)
