"""IoU and boundary IoU of one mask an image, averaged over the images of a domain."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric

from goodsam_pl.metrics.boundary_iou import contour_band

__all__ = ["MaskQuality", "MaskScores", "boundary_mask_iou", "mask_iou"]

_UNITS = 2**40
"""Parts of 1 that sums are counted in, so that their order does not matter."""

BOUNDARY_SHARE = 0.02
"""d of the boundary as a share of the diagonal, as Cheng et al. and HQ-SAM have it."""


class MaskQuality(NamedTuple):
    """Means over images.

    Attributes:
        iou: fraction of 1, NaN without an image.
        boundary_iou: likewise.
        images: how many.
    """

    iou: float
    boundary_iou: float
    images: int


class MaskScores(Metric):
    """:func:`mask_iou` and :func:`boundary_mask_iou`, averaged over images.

    The states are int64 that processes sum, IoUs among them in parts of 2⁻⁴⁰: the result depends
    neither on the number of processes nor on the order of the images, to the last bit.

    Args:
        diagonal_share: d of the boundary as a share of the image diagonal.
        kwargs: see :class:`torchmetrics.Metric`.

    Raises:
        ValueError: a share that is not between 0 and 1.

    Example:
        >>> scores = MaskScores()
        >>> scores.update([torch.tensor([[2.0, 1.0, -3.0]])], [torch.tensor([[1, 0, 0]]).bool()])
        >>> scores.compute().iou
        0.5
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    iou: Tensor
    boundary_iou: Tensor
    images: Tensor

    def __init__(self, diagonal_share: float = BOUNDARY_SHARE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < diagonal_share < 1:
            raise ValueError(f"diagonal_share {diagonal_share} is not between 0 and 1")
        self.diagonal_share = diagonal_share
        for name in ("iou", "boundary_iou", "images"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Iterable[Tensor], truths: Iterable[Tensor]) -> None:
        """Count images, each in its own size.

        Args:
            logits: float ``(H, W)`` of each image, at its original resolution; the mask is where
                they are above 0.
            truths: bool ``(H, W)`` of each image.

        Raises:
            ValueError: not as many of the one as of the other, or of another size.
        """
        for one, truth in zip(logits, truths, strict=True):
            predicted = (one > 0)[None]
            self.iou += _in_units(mask_iou(predicted, truth[None]))
            self.boundary_iou += _in_units(
                boundary_mask_iou(predicted, truth[None], self.diagonal_share)
            )
            self.images += 1

    def compute(self) -> MaskQuality:
        """Mean over everything counted so far, in all processes."""
        images = int(self.images)
        if not images:
            return MaskQuality(math.nan, math.nan, 0)
        whole = images * _UNITS
        return MaskQuality(int(self.iou) / whole, int(self.boundary_iou) / whole, images)


def mask_iou(predicted: Tensor, truth: Tensor) -> Tensor:
    """Intersection over union of each pair; 1 where both are empty (our choice).

    Args:
        predicted: bool ``(B, H, W)``.
        truth: bool ``(B, H, W)``.

    Returns:
        ``(B,)`` float64 on the CPU.

    Raises:
        ValueError: shapes that differ.
    """
    if predicted.shape != truth.shape:
        raise ValueError(
            f"a mask {tuple(predicted.shape)} is compared with one of {tuple(truth.shape)}: bring "
            "logits to the original size of the image first"
        )
    common = (predicted & truth).flatten(1).sum(dim=1).cpu().double()
    either = (predicted | truth).flatten(1).sum(dim=1).cpu().double()
    return torch.where(either > 0, common / either.clamp(min=1), 1.0)


def boundary_mask_iou(
    predicted: Tensor, truth: Tensor, diagonal_share: float = BOUNDARY_SHARE
) -> Tensor:
    """IoU of the pixels of each mask that lie within d of its contour.

    As Cheng et al. (CVPR 2021, Eq. (1)) release it, and HQ-SAM and CoSAM measure: d is a share of
    the diagonal, at least 1 pixel, in the maximum norm, and where a mask is cut off by the edge of
    the image there is a contour. (:class:`goodsam_pl.metrics.BoundaryIoU` is for panoramas.)

    Args:
        predicted: bool ``(B, H, W)``.
        truth: bool ``(B, H, W)``.
        diagonal_share: d as a share of the image diagonal.

    Returns:
        ``(B,)`` float64 on the CPU; 1 where both are empty (our choice).

    Raises:
        ValueError: shapes that differ.
    """
    reach = max(1, round(diagonal_share * math.hypot(*truth.shape[-2:])))
    return mask_iou(_near_contour(predicted, reach), _near_contour(truth, reach))


def _near_contour(masks: Tensor, reach: int) -> Tensor:
    """What eroding ``masks`` by a square of side 2 · reach + 1 takes away."""
    # the rim of one pixel keeps opposite edges of the image apart
    padded = F.pad(masks.to(torch.int16), (1, 1, 1, 1))
    band = contour_band(padded, torch.zeros_like(padded, dtype=torch.bool), reach)
    return band[..., 1:-1, 1:-1] & masks


def _in_units(iou: Tensor) -> Tensor:
    return (iou * _UNITS).round().to(torch.int64).sum()
