"""What is known of masks without labels: how many, how much they cover, how they agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from goodsam_pl.masks.index_map import IndexMap, Integers, starts
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["KnownQuality", "known_quality", "total_known"]


class KnownQuality(NamedTuple):
    """Sums over panoramas; the properties are what is reported.

    Attributes:
        panoramas: number.
        pixels: of all their windows.
        in_masks: pixels that lie in at least one mask.
        masks: number.
        sum_predicted_iou: over masks.
        sum_stability: over masks.
        shared: pixels that two masks share, summed over all pairs of masks of a window.
        crossing: the least number of pixels that would have to change hands for each of these pairs
            to be nested or apart, summed.
    """

    panoramas: int
    pixels: int
    in_masks: int
    masks: int
    sum_predicted_iou: float
    sum_stability: float
    shared: int
    crossing: int

    @property
    def masks_per_panorama(self) -> float:
        """Mean number; of windows, those of all windows together."""
        return self.masks / max(1, self.panoramas)

    @property
    def covered(self) -> float:
        """Share of pixels that lie in at least one mask."""
        return self.in_masks / max(1, self.pixels)

    @property
    def predicted_iou(self) -> float:
        """Mean over masks; 0 without any."""
        return self.sum_predicted_iou / max(1, self.masks)

    @property
    def stability(self) -> float:
        """Mean over masks; 0 without any."""
        return self.sum_stability / max(1, self.masks)

    @property
    def agreement(self) -> float:
        """Of the pixels that two masks share, the share that speaks for both (our choice).

        Two masks agree if one lies in the other, as a wheel in a car, or if they are apart. Where
        they cross each other, one of them is wrong. 1 = all agree, also if no two overlap.
        """
        return 1 - self.crossing / self.shared if self.shared else 1.0

    def as_dict(self) -> dict[str, float]:
        """What is reported, by name."""
        return {
            "masks_per_panorama": self.masks_per_panorama,
            "covered": self.covered,
            "predicted_iou": self.predicted_iou,
            "stability": self.stability,
            "agreement": self.agreement,
        }

    def __str__(self) -> str:
        return (
            f"{self.masks_per_panorama:.1f} masks a panorama cover {self.covered:.1%} of the "
            f"pixels, mean predicted IoU {self.predicted_iou:.2f}, mean stability "
            f"{self.stability:.2f}, agreement of overlapping masks {self.agreement:.2f}"
        )


def known_quality(masks: Sequence[WindowMasks]) -> KnownQuality:
    """Look at the masks of one panorama, one set for each window, or one of the whole."""
    index_map = IndexMap.of([each.layers for each in masks], [len(each) for each in masks])
    cell_count = int(index_map.cell_counts.sum())
    areas = np.bincount(index_map.cells, index_map.lengths, minlength=cell_count)
    overlaps = [_overlaps(index_map, areas.astype(np.int64), w) for w in range(len(masks))]
    return KnownQuality(
        panoramas=1,
        pixels=int(areas.sum()),
        in_masks=int(areas[np.unique(index_map.pair_cells)].sum()),
        masks=len(index_map.mask_layers),
        sum_predicted_iou=sum(float(each.predicted_iou.sum()) for each in masks),
        sum_stability=sum(float(each.stability.sum()) for each in masks),
        shared=sum(shared for shared, _ in overlaps),
        crossing=sum(crossing for _, crossing in overlaps),
    )


def total_known(parts: Iterable[KnownQuality]) -> KnownQuality:
    """Of several panoramas together; of none, all zero."""
    columns = [*zip(*parts, strict=True)] or [(0,)] * len(KnownQuality._fields)
    return KnownQuality(*(sum(column) for column in columns))


def _overlaps(index_map: IndexMap, areas: Integers, window: int) -> tuple[int, int]:
    """Pixels that pairs of masks of a window share, and those in which they cross."""
    first_mask, first_cell = (
        int(starts(counts)[window]) for counts in (index_map.mask_counts, index_map.cell_counts)
    )
    masks, cells = (
        int(counts[window]) for counts in (index_map.mask_counts, index_map.cell_counts)
    )
    own = slice(*np.searchsorted(index_map.pair_masks, (first_mask, first_mask + masks)))
    members = np.zeros((masks, cells))
    members[index_map.pair_masks[own] - first_mask, index_map.pair_cells[own] - first_cell] = 1
    shared = (members * areas[first_cell : first_cell + cells]) @ members.T
    sizes = np.diag(shared)
    apart = np.minimum(sizes[:, None], sizes) - shared
    pairs = np.triu_indices(masks, 1)
    crossing = np.minimum(shared, apart)[pairs].sum()
    return round(float(shared[pairs].sum())), round(float(crossing))
