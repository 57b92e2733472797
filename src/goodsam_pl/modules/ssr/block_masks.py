"""Masked image consistency (MIC): blocks of a target image that the network does not see."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["draw_block_masks"]


def draw_block_masks(
    shape: tuple[int, int, int], block: int, ratio: float, generator: torch.Generator
) -> Tensor:
    r"""Hide square blocks of each image, each with the same probability.

    .. math:: M_b(i, j) = [u > r], \quad u \sim U(0, 1)

    with one draw of u for all pixels of a block; blocks begin in the upper left corner.

    Args:
        shape: B, H, W.
        block: side of a block, pixels.
        ratio: r, the probability that a block is hidden.
        generator: on the CPU.

    Returns:
        float32 ``(B, 1, H, W)``: 0 where the image is hidden, else 1.
    """
    count, height, width = shape
    blocks = (count, 1, -(-height // block), -(-width // block))
    kept = (torch.rand(blocks, generator=generator) > ratio).to(torch.float32)
    pixels = kept.repeat_interleave(block, dim=2).repeat_interleave(block, dim=3)
    return pixels[..., :height, :width]
