"""A part of the target images, as large as the source's crops."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["crop_like"]


def crop_like(images: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Cut all images of a batch at one random place.

    Args:
        images: ``(B, 3, H, W)``.
        size: height and width of the crop, pixels.
        generator: on the CPU.

    Returns:
        ``(B, 3, *size)``.

    Raises:
        ValueError: the crop is larger than the images.
    """
    spare = [have - want for have, want in zip(images.shape[-2:], size, strict=True)]
    if min(spare) < 0:
        (height, width), (rows, columns) = images.shape[-2:], size
        raise ValueError(
            f"crops of the source are {rows}×{columns}, images of the target only "
            f"{height}×{width}: end data.source.train_transforms with a smaller crop, or choose a "
            "larger data.target.size"
        )
    top, left = (int(torch.randint(each + 1, (), generator=generator)) for each in spare)
    return images[..., top : top + size[0], left : left + size[1]]
