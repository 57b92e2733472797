"""SSA, "Semantic Segment Anything": each mask takes the most frequent label of a semantic branch.

After the rule of the public project of that name, with the teacher assistant as the semantic
branch: masks are painted from large to small, tiny ones are left out, and pixels in no mask keep
their label. There is no notion of trust, so M_i is 1 everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.painting import paint, topmost
from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import tally

__all__ = ["SSA", "semantic_segment_anything"]


@dataclass(frozen=True)
class SSA(Fusion):
    """:func:`semantic_segment_anything` with its constant.

    Attributes:
        least_area: the smallest mask that is painted, pixels; 100 is the public configuration's.
    """

    least_area: int = 100

    def __call__(self, probabilities: Tensor, masks: Tensor) -> FusedWindows:
        """Fuse, see :class:`Fusion`."""
        return semantic_segment_anything(probabilities, masks, self.least_area)


def semantic_segment_anything(
    probabilities: Tensor, masks: Tensor, least_area: int = 100
) -> FusedWindows:
    """Fill masks, from large to small, with their most frequent label; M_i = 1.

    Args:
        probabilities: softmax of S_i, ``(..., K, h, w)``, float.
        masks: ids of masks in layers, int ``(..., L, h, w)``, see :class:`Fusion`.
        least_area: see :class:`SSA`, pixels of a window.
    """
    runs = WindowRuns.of(probabilities, masks)
    counted = tally(runs, runs.lengths)
    mask = topmost(runs, counted.sum(dim=-1) >= least_area)
    filled = mask > 0
    labels = counted.argmax(dim=-1).index_select(0, mask)
    everywhere = runs.lengths > 0
    return paint(runs, labels, filled, everywhere, ~everywhere)
