"""How well two sets of masks of one image agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["MaskComparison", "compare_masks", "mask_ious", "total"]

_TOGETHER = 1 << 16


class MaskComparison(NamedTuple):
    """Masks held against those of a reference.

    Attributes:
        reference: number of the reference's masks.
        found: number of masks held against them.
        matched: masks of the reference whose best found mask reaches the least IoU.
        paired: likewise, where each found mask counts for one mask of the reference at most.
        iou: the sum, over the reference, of the IoU with the best found mask.
    """

    reference: int
    found: int
    matched: int
    paired: int
    iou: float

    @property
    def matched_share(self) -> float:
        """Of the reference's masks; 1 without any."""
        return self.matched / self.reference if self.reference else 1.0

    @property
    def paired_share(self) -> float:
        """Of the reference's masks; 1 without any."""
        return self.paired / self.reference if self.reference else 1.0

    @property
    def mean_iou(self) -> float:
        """Of the reference's masks with the best found one; 1 without any."""
        return self.iou / self.reference if self.reference else 1.0


def compare_masks(
    reference: WindowMasks, found: WindowMasks, least_iou: float = 0.8
) -> MaskComparison:
    """Look for each mask of a reference among others.

    Args:
        reference: the masks to look for.
        found: masks of the same image.
        least_iou: from which IoU on two masks match.

    Raises:
        ValueError: the masks are of images of different size.
    """
    if reference.size != found.size:
        raise ValueError(f"masks of {reference.size} and of {found.size} cannot be compared")
    iou = mask_ious(reference.binary(), found.binary())
    if iou.numel() == 0:
        return MaskComparison(len(reference), len(found), 0, 0, 0.0)
    best = iou.amax(dim=1)
    return MaskComparison(
        reference=len(reference),
        found=len(found),
        matched=int((best >= least_iou).sum()),
        paired=_pairs(iou, least_iou),
        iou=float(best.sum()),
    )


def total(comparisons: Iterable[MaskComparison]) -> MaskComparison:
    """Of several images together: numbers and sums are added."""
    columns = zip(*comparisons, strict=True)
    reference, found, matched, paired, iou = (sum(column) for column in columns)
    return MaskComparison(int(reference), int(found), int(matched), int(paired), float(iou))


def mask_ious(first: Tensor, second: Tensor) -> Tensor:
    """IoU ``(M, N)`` float64 of masks ``(M, h, w)`` and ``(N, h, w)`` bool; 0 of empty ones."""
    shared = torch.zeros(len(first), len(second), dtype=torch.float64)
    union = torch.zeros_like(shared)
    slices = (each.flatten(1).split(_TOGETHER, dim=1) for each in (first, second))
    for one, other in zip(*slices, strict=True):
        ours, theirs = one.float(), other.float()
        shared += ours @ theirs.T
        union += ours.sum(dim=1)[:, None] + theirs.sum(dim=1)
    union -= shared
    return shared / union.clamp(min=1)


def _pairs(iou: Tensor, least: float) -> int:
    """Pairs by descending IoU, each mask in one at most."""
    first, second = (iou >= least).nonzero(as_tuple=True)
    order = iou[first, second].argsort(descending=True, stable=True)
    rows: set[int] = set()
    columns: set[int] = set()
    for row, column in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
    return len(rows)
