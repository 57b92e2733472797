"""SEPL, "SAM-enhanced pseudo-labels": masks are chosen by how they overlap a class's region.

After the rule of the public project of that name, with the teacher assistant's labels as the
pseudo-labels. A mask stands for a class if most of it lies in the class's region, or if it covers
most of that region. Pixels that no mask covers keep their label; pixels that only masks cover which
stand for nothing become background there. A street has no background class, so that here they keep
their label and lose their weight (our choice).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.painting import paint, topmost
from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import tally

__all__ = ["SEPL", "sam_enhanced_pseudo_labels"]


@dataclass(frozen=True)
class SEPL(Fusion):
    """:func:`sam_enhanced_pseudo_labels` with its constants, those of the public rule.

    Attributes:
        inside: the share of a mask that must exceed this in the class's region, or …
        covered: … the share of the class's region that the mask must reach.
    """

    inside: float = 0.5
    covered: float = 0.85

    def __call__(self, probabilities: Tensor, masks: Tensor) -> FusedWindows:
        """Fuse, see :class:`Fusion`."""
        return sam_enhanced_pseudo_labels(probabilities, masks, self.inside, self.covered)


def sam_enhanced_pseudo_labels(
    probabilities: Tensor, masks: Tensor, inside: float = 0.5, covered: float = 0.85
) -> FusedWindows:
    r"""Fill mask m with class c if they overlap enough, R_c being the pixels of c in the window.

    .. math:: |m \cap R_c| > 0.5 \, |m| \quad \text{or} \quad |m \cap R_c| \ge 0.85 \, |R_c|

    A mask that stands for several classes takes the one it holds most of, and masks are painted
    from large to small (our choice).

    Args:
        probabilities: softmax of S_i, ``(..., K, h, w)``, float.
        masks: ids of masks in layers, int ``(..., L, h, w)``, see :class:`Fusion`.
        inside: see :class:`SEPL`, in [0, 1].
        covered: see :class:`SEPL`, in (0, 1].
    """
    runs = WindowRuns.of(probabilities, masks)
    counted = tally(runs, runs.lengths)
    areas = counted.sum(dim=-1, keepdim=True)
    regions = _regions(runs).repeat(runs.masks_per_window, 1)
    regions = F.pad(regions, (0, 0, 1, 0))  # the row of no mask
    held = counted.double()
    stands = ((held > inside * areas) | (held >= covered * regions)) & (counted > 0)
    most, winner = (counted * stands).max(dim=-1)
    mask = topmost(runs, most > 0)
    filled = mask > 0
    trusted = filled | (topmost(runs) == 0)
    nowhere = torch.zeros_like(filled)
    return paint(runs, winner.index_select(0, mask), filled, trusted, by_confidence=nowhere)


def _regions(runs: WindowRuns) -> Tensor:
    """|R_c|: pixels of each class in each window, int64 ``(n, K)``."""
    pixels = runs.lengths.new_zeros(runs.window_count * runs.classes)
    bins = runs.windows * runs.classes + runs.labels
    return pixels.index_add_(0, bins, runs.lengths).view(-1, runs.classes)
