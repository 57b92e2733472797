"""Cross-task complementary fusion, version 2: thresholds that the masks of each size set.

GoodSAM++, the block of the same name in the overview figure: an "Area Decision" puts each mask into
a level (small, medium, large), θ is the "Average within Level", and the mask is multiplied with a
"Weight Map" made of S_i before its labels are ranked. The paper's formulae are not public. Ours:
the average is that of Y_max over the masks of a level in one panorama, a pixel votes with the
teacher assistant's confidence max S_i, and the limits between the levels are COCO's. The rest is as
in :mod:`goodsam_pl.fusion.ctcf`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from goodsam_pl.fusion.ctcf import fill_accepted
from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import UNIT, fixed_point, shares, tally

__all__ = ["CTCFv2", "complementary_fusion_by_area"]


@dataclass(frozen=True)
class CTCFv2(Fusion):
    """:func:`complementary_fusion_by_area` with its constants.

    Attributes:
        area_limits: the least areas of a medium and of a large mask, pixels; COCO's 32² and 96².
        confidence: the least softmax maximum of a trusted pixel outside every mask.
        distinct_share: a label with a smaller share of a mask's votes is a thing of its own, which
            the mask does not resolve; 0 fills the whole mask, as in the figure.
        instance_weight: how far a trusted mask's label replaces S_i in E_i; 1 as in the figure.
    """

    area_limits: tuple[int, int] = (32**2, 96**2)
    confidence: float = 0.9
    distinct_share: float = 0.0
    instance_weight: float = 1.0

    def __call__(self, probabilities: Tensor, masks: Tensor) -> FusedWindows:
        """Fuse, see :class:`Fusion`."""
        return complementary_fusion_by_area(
            probabilities,
            masks,
            self.area_limits,
            self.confidence,
            self.distinct_share,
            self.instance_weight,
        )


def complementary_fusion_by_area(
    probabilities: Tensor,
    masks: Tensor,
    area_limits: tuple[int, int] = (32**2, 96**2),
    confidence: float = 0.9,
    distinct_share: float = 0.0,
    instance_weight: float = 1.0,
) -> FusedWindows:
    r"""Fuse the teacher assistant's windows S_i with SAM's masks K_i^m by areas.

    .. math:: Lcr(m, c) = \frac{\sum_{p \in K_i^m, y(p) = c} w(p)}{\sum_{p \in K_i^m} w(p)}, \quad
        Y_{max}(m) = \max_c Lcr(m, c), \quad
        \theta_l = \operatorname{mean}_{m \in l} Y_{max}(m)

    with y = argmax S_i, w = max S_i, and the mean over the masks of level l in all windows of one
    panorama. M_i = 1 on masks with Y_max ≥ θ of their level.

    Args:
        probabilities: softmax of S_i, ``(..., N, K, h, w)``, float; N runs over one panorama.
        masks: ids of masks in layers, int ``(..., N, L, h, w)``, see :class:`Fusion`.
        area_limits: see :class:`CTCFv2`, pixels of a window.
        confidence: see :class:`CTCFv2`, in [0, 1].
        distinct_share: see :class:`CTCFv2`, in [0, 1].
        instance_weight: see :class:`CTCFv2`, in [0, 1].
    """
    runs = WindowRuns.of(probabilities, masks)
    votes = tally(runs, runs.sums(fixed_point(runs.confidence)))
    most, winner = votes.max(dim=-1)
    areas = tally(runs, runs.lengths).sum(dim=-1)
    # whole multiples of 1 / UNIT again, so that means do not depend on an order
    largest_share = most * UNIT // votes.sum(dim=-1).clamp(min=1)
    number = torch.arange(len(areas), device=areas.device)
    window = (number - 1) % runs.window_count
    panorama = window // probabilities.shape[-4]
    level = panorama * 3 + area_level(areas, area_limits)
    accepted = _reaches_mean(largest_share, level, areas > 0)
    return fill_accepted(
        runs, winner, accepted, shares(votes), confidence, distinct_share, instance_weight
    )


def area_level(areas: Tensor, limits: tuple[int, int]) -> Tensor:
    """The "Area Decision": 0 small, 1 medium, 2 large; int64."""
    return torch.bucketize(areas, areas.new_tensor(limits), right=True)


def _reaches_mean(values: Tensor, level: Tensor, present: Tensor) -> Tensor:
    """Whether integers ``(m,)`` are at least the mean of those present on their level."""
    levels = int(level.max()) + 1
    sums = values.new_zeros(levels).index_add_(0, level, values * present)
    counts = values.new_zeros(levels).index_add_(0, level, present.long())
    return values * counts[level] >= sums[level]
