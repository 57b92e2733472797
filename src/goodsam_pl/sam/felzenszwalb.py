"""Masks without any weights: Felzenszwalb and Huttenlocher's graph segmentation.

P. Felzenszwalb, D. Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004. It groups
pixels by colour alone; how coarsely is one number. We run it at several scales, as SAM proposes
parts and wholes, and call a segment the more certain the better it survives a change of scale (our
choice).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from skimage.segmentation import felzenszwalb
from torch import Tensor

from goodsam_pl.masks.proposer import Description, fingerprint_of
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["Felzenszwalb"]


class Felzenszwalb:
    """Segments of several scales, for those who want no network at all.

    Args:
        scales: how coarse; larger numbers give larger segments.
        sigma: width of the Gaussian that smooths the image first, pixels.
        minimum_area: segments with fewer pixels are joined to a neighbour.
        duplicate_iou: of two segments with a higher IoU, the one of the finer scale is dropped.
    """

    def __init__(
        self,
        scales: Sequence[float] = (50.0, 150.0, 450.0),
        sigma: float = 0.8,
        minimum_area: int = 40,
        duplicate_iou: float = 0.9,
    ) -> None:
        if not scales or min(scales) <= 0:
            raise ValueError(f"scales are {list(scales)}: give at least one, all above 0")
        self.scales = tuple(sorted(float(scale) for scale in scales))
        self.sigma = sigma
        self.minimum_area = minimum_area
        self.duplicate_iou = duplicate_iou

    @cached_property
    def fingerprint(self) -> str:
        """A hash of :meth:`describe`."""
        return fingerprint_of(self.describe())

    def describe(self) -> Description:
        """Every parameter."""
        return {
            "proposer": "felzenszwalb",
            "scales": " ".join(f"{scale:g}" for scale in self.scales),
            "sigma": float(self.sigma),
            "minimum_area": self.minimum_area,
            "duplicate_iou": float(self.duplicate_iou),
        }

    def to(self, device: torch.device | str) -> None:  # has no tensors
        """Stay on the CPU."""

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Segment each window.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.

        Returns:
            N sets of masks without logits. Predicted IoU and stability are both the segment's
            highest IoU with a segment of the next finer or coarser scale; 1 with a single scale.
        """
        return [self._segment(window) for window in windows]

    def _segment(self, window: Tensor) -> WindowMasks:
        picture = window.permute(1, 2, 0).cpu().numpy()
        parts = [
            torch.from_numpy(
                felzenszwalb(picture, scale=scale, sigma=self.sigma, min_size=self.minimum_area)
            )
            for scale in reversed(self.scales)
        ]
        segments = [torch.nn.functional.one_hot(part).permute(2, 0, 1).bool() for part in parts]
        binary = torch.cat(segments)
        overlaps = _pairwise_iou(binary)
        scale_of = torch.repeat_interleave(
            torch.arange(len(segments)), torch.tensor([len(some) for some in segments])
        )
        survival = _survival(overlaps, scale_of)
        kept = _first_of_each(overlaps, self.duplicate_iou)
        return WindowMasks.pack(binary[kept], survival[kept], survival[kept])


def _pairwise_iou(binary: Tensor) -> Tensor:
    """IoU ``(M, M)`` of all pairs of masks ``(M, h, w)``."""
    flat = binary.flatten(1).float()
    shared = flat @ flat.T
    areas = flat.sum(dim=1)
    return shared / (areas[:, None] + areas - shared)


def _survival(overlaps: Tensor, scale_of: Tensor) -> Tensor:
    """Best IoU ``(M,)`` with a mask of a neighbouring scale."""
    if scale_of.max() == 0:
        return torch.ones(len(overlaps))
    neighbours = (scale_of[:, None] - scale_of).abs() == 1
    return (overlaps * neighbours).amax(dim=1)


def _first_of_each(overlaps: Tensor, limit: float) -> Tensor:
    """Indices of masks that no earlier kept one matches."""
    kept: list[int] = []
    for index in range(len(overlaps)):
        if not kept or overlaps[index, kept].max() <= limit:
            kept.append(index)
    return torch.tensor(kept)
