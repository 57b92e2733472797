"""How good masks are, measured against true instances: one scale for every proposer.

Masks and instances are compared in windows, as training sees them. An instance counts with the
pixels of it that a window shows, and so does a mask. (Our choice; the measures themselves are those
of proposals of objects: best overlap and recall.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.comparison import mask_ious
from goodsam_pl.masks.layers import unpack_layers
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["LEAST_AREAS", "InstanceQuality", "MaskQuality", "QualityTally", "masks_in_windows"]

LEAST_AREAS = (64, 400, 1024)
"""Visible pixels from which on instances and masks are counted, our choice: squares of 8, 20 and 32
pixels."""

_PURE = 0.95


class InstanceQuality(NamedTuple):
    """Of instances and masks with at least so many visible pixels. Shares are NaN of none.

    Attributes:
        least_area: pixels.
        instances: how many there were.
        mean_iou: of instances with their best mask, whatever its size.
        recall_50: share of instances whose best mask has an IoU of at least 0.5.
        recall_75: likewise, 0.75.
        masks: how many there were.
        purity: share of masks that have at least 95 % of their pixels in one class.
    """

    least_area: int
    instances: int
    mean_iou: float
    recall_50: float
    recall_75: float
    masks: int
    purity: float


class MaskQuality(NamedTuple):
    """Of all masks of many windows.

    Attributes:
        by_size: for each of :data:`LEAST_AREAS`, ascending.
        purity: share of all masks, of any size, with at least 95 % of their pixels in one class;
            NaN without masks or classes.
        covered: share of pixels that lie in at least one mask.
        masks_per_window: mean number.
        windows: how many windows were looked at.
    """

    by_size: tuple[InstanceQuality, ...]
    purity: float
    covered: float
    masks_per_window: float
    windows: int

    def of_size(self, least_area: int) -> InstanceQuality:
        """The entry of one of :data:`LEAST_AREAS`."""
        return next(each for each in self.by_size if each.least_area == least_area)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, a flat dictionary: ``mean_iou_400``, ``purity``, …."""
        sized = {
            f"{name}_{each.least_area}": value
            for each in self.by_size
            for name, value in each._asdict().items()
            if name != "least_area"
        }
        return {**sized, **{k: v for k, v in self._asdict().items() if k != "by_size"}}


class QualityTally:
    """Collects the masks of windows, one after the other."""

    def __init__(self) -> None:
        self._ious: list[Tensor] = []
        self._instance_areas: list[Tensor] = []
        self._pure: list[Tensor] = []
        self._mask_areas: list[Tensor] = []
        self._covered: list[float] = []

    def add(self, masks: Tensor, instances: Tensor, classes: Tensor | None = None) -> None:
        """Count one window.

        Args:
            masks: ``(M, h, w)`` bool; those without a pixel do not count.
            instances: ``(h, w)`` integers, an id for each thing and each region of stuff.
            classes: ``(h, w)`` integers of at least 0, void counts as one more class; ``None``
                where they are not known, and purity is not either.

        Raises:
            ValueError: masks, instances and classes are not of one size.
        """
        sizes = {tuple(masks.shape[1:]), tuple(instances.shape)}
        sizes |= set() if classes is None else {tuple(classes.shape)}
        if len(sizes) > 1:
            raise ValueError(f"masks, instances and classes of {sorted(sizes)} are of one window?")
        masks = masks[masks.flatten(1).any(dim=1)]
        ids, areas = instances.unique(return_counts=True)
        seen = areas >= LEAST_AREAS[0]
        ious = mask_ious(instances == ids[seen, None, None], masks)
        none = ious.new_zeros(len(ious), 1)
        self._ious.append(torch.cat([ious, none], dim=1).amax(dim=1))
        self._instance_areas.append(areas[seen])
        mask_areas = masks.flatten(1).sum(dim=1)
        self._mask_areas.append(mask_areas)
        if classes is not None:
            self._pure.append(_largest_share(masks, classes, mask_areas) >= _PURE)
        self._covered.append(float(masks.any(dim=0).float().mean()) if len(masks) else 0.0)

    def score(self) -> MaskQuality:
        """The quality of all that was counted.

        Raises:
            ValueError: nothing was, or some windows had classes and others none.
        """
        if not self._covered:
            raise ValueError("no window was counted: nothing is known of these masks")
        if self._pure and len(self._pure) < len(self._covered):
            raise ValueError("some windows had classes and others none: purity is of all or none")
        ious, instance_areas = torch.cat(self._ious), torch.cat(self._instance_areas)
        mask_areas = torch.cat(self._mask_areas)
        pure = torch.cat(self._pure) if self._pure else None
        return MaskQuality(
            by_size=tuple(
                _of_size(least, ious[instance_areas >= least], mask_areas >= least, pure)
                for least in LEAST_AREAS
            ),
            purity=math.nan if pure is None else _mean(pure),
            covered=sum(self._covered) / len(self._covered),
            masks_per_window=len(mask_areas) / len(self._covered),
            windows=len(self._covered),
        )


def masks_in_windows(found: Sequence[WindowMasks], windows: WindowGrid) -> list[Tensor]:
    """The masks of a panorama as its windows show them.

    Args:
        found: one set for each window, or one set of the whole panorama.
        windows: the grid to see them through.

    Returns:
        ``(M, h, w)`` bool for each window; masks that it does not show are left out.

    Raises:
        ValueError: they are of neither.
    """
    sizes = {each.size for each in found}
    if len(found) == windows.count and sizes == {windows.window_size}:
        return [each.binary() for each in found]
    if len(found) != 1 or sizes != {windows.image_size}:
        raise ValueError(
            f"{len(found)} sets of masks of {sorted(sizes)} are neither of {windows.count} windows "
            f"of {windows.window_size} nor of one panorama of {windows.image_size}"
        )
    cut = windows.extract(found[0].layers[None])[0]
    shown = [unpack_layers(layers, len(found[0])) for layers in cut]
    return [masks[masks.flatten(1).any(dim=1)] for masks in shown]


def _of_size(least: int, ious: Tensor, large: Tensor, pure: Tensor | None) -> InstanceQuality:
    return InstanceQuality(
        least_area=least,
        instances=len(ious),
        mean_iou=_mean(ious),
        recall_50=_mean(ious >= 0.5),
        recall_75=_mean(ious >= 0.75),
        masks=int(large.sum()),
        purity=math.nan if pure is None else _mean(pure[large]),
    )


def _mean(values: Tensor) -> float:
    return float(values.double().mean()) if len(values) else math.nan


def _largest_share(masks: Tensor, classes: Tensor, areas: Tensor) -> Tensor:
    """Of each mask, the share ``(M,)`` of its pixels that are of its most frequent class."""
    present = classes.unique()
    of_class = (classes == present[:, None, None]).flatten(1).float()
    counts: Tensor = masks.flatten(1).float() @ of_class.T
    return counts.amax(dim=1).div(areas)
