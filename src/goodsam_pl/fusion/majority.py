"""Majority vote: a mask takes the label that more than half of it carries.

The simplest way to refine labels by masks. Where no label has a majority, what was there stays: a
larger mask's label, or the teacher assistant's.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.painting import paint, topmost
from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import tally

__all__ = ["MajorityVote", "majority_vote"]


@dataclass(frozen=True)
class MajorityVote(Fusion):
    """:func:`majority_vote` with its constants.

    Attributes:
        majority: the share that a label must exceed; 0.5 is the absolute majority, 0 fills every
            mask with its most frequent label.
        confidence: the least softmax maximum of a trusted pixel that no mask filled.
    """

    majority: float = 0.5
    confidence: float = 0.9

    def __call__(self, probabilities: Tensor, masks: Tensor) -> FusedWindows:
        """Fuse, see :class:`Fusion`."""
        return majority_vote(probabilities, masks, self.majority, self.confidence)


def majority_vote(
    probabilities: Tensor, masks: Tensor, majority: float = 0.5, confidence: float = 0.9
) -> FusedWindows:
    """Fill masks, from large to small, with a label that has the majority; M_i = 1 there.

    Args:
        probabilities: softmax of S_i, ``(..., K, h, w)``, float.
        masks: ids of masks in layers, int ``(..., L, h, w)``, see :class:`Fusion`.
        majority: see :class:`MajorityVote`, in [0, 1].
        confidence: see :class:`MajorityVote`, in [0, 1]; the weight map is our choice.
    """
    runs = WindowRuns.of(probabilities, masks)
    counted = tally(runs, runs.lengths)
    most, winner = counted.max(dim=-1)
    mask = topmost(runs, most > majority * counted.sum(dim=-1).double())
    filled = mask > 0
    return paint(runs, winner.index_select(0, mask), filled, filled, ~filled, confidence)
