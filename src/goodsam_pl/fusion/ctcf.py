"""Cross-task complementary fusion: SAM knows where regions end, the teacher assistant their class.

GoodSAM, Sec. 3.1, the block of the same name in the overview figure. For each SAM mask K_i^m of a
window the labels of the teacher assistant inside it are ranked by share; the winner fills the mask
in the ensemble E_i, and the weight map M_i keeps the mask where the winner's share Y_max reaches θ.

The paper's Eq. (3) is not public. Ours, where the figure is silent: a mask below θ keeps the
teacher assistant's own prediction; where masks nest, the smallest decides; pixels outside every
mask keep the teacher assistant's prediction and count as confident by its softmax. Votes may be
weighted. Two more choices soften the fill, because masks miss thin things: a pixel whose own label
has only a small share of the mask keeps it (a pole in front of a house), and the winner need not
replace the prediction altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.painting import paint, topmost
from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import Ballot, cast, shares, tally

__all__ = ["CTCF", "complementary_fusion", "fill_accepted"]


@dataclass(frozen=True)
class CTCF(Fusion):
    """:func:`complementary_fusion` with its constants.

    Attributes:
        threshold: θ, the least share Y_max of a mask that is trusted.
        confidence: the least softmax maximum of a trusted pixel outside every mask.
        distinct_share: a label with a smaller share of a mask is a thing of its own, which the
            mask does not resolve; 0 fills the whole mask, as in the figure.
        instance_weight: how far a trusted mask's label replaces S_i in E_i; 1 as in the figure.
        votes: how a mask's label is elected; "count" as in the figure, see :data:`Ballot`.
    """

    threshold: float = 0.5
    confidence: float = 0.9
    distinct_share: float = 0.0
    instance_weight: float = 1.0
    votes: Ballot = "count"

    def __call__(self, probabilities: Tensor, masks: Tensor) -> FusedWindows:
        """Fuse, see :class:`Fusion`."""
        return complementary_fusion(
            probabilities,
            masks,
            self.threshold,
            self.confidence,
            self.distinct_share,
            self.instance_weight,
            self.votes,
        )


def complementary_fusion(
    probabilities: Tensor,
    masks: Tensor,
    threshold: float = 0.5,
    confidence: float = 0.9,
    distinct_share: float = 0.0,
    instance_weight: float = 1.0,
    votes: Ballot = "count",
) -> FusedWindows:
    r"""Fuse the teacher assistant's windows S_i with SAM's masks K_i^m.

    .. math:: Y(m) = \arg\max_c V(m, c), \quad
        Y_{max}(m) = |\{p \in K_i^m : \arg\max S_i(p) = Y(m)\}| \,/\, |K_i^m|

    with V the votes. M_i = 1 on masks with Y_max ≥ θ, which E_i fills with Y.

    Args:
        probabilities: softmax of S_i, ``(..., K, h, w)``, float.
        masks: ids of masks in layers, int ``(..., L, h, w)``, see :class:`Fusion`.
        threshold: θ in [0, 1].
        confidence: see :class:`CTCF`, in [0, 1].
        distinct_share: see :class:`CTCF`, in [0, 1].
        instance_weight: see :class:`CTCF`, in [0, 1].
        votes: V: pixels counted, weighted by max S_i, or S_i summed. A tie goes to the lower class.
    """
    runs = WindowRuns.of(probabilities, masks)
    counted = tally(runs, runs.lengths)
    winner = (counted if votes == "count" else cast(runs, votes)).argmax(dim=-1)
    share = shares(counted)
    accepted = share.gather(-1, winner[:, None]).squeeze(-1) >= threshold
    return fill_accepted(runs, winner, accepted, share, confidence, distinct_share, instance_weight)


def fill_accepted(
    runs: WindowRuns,
    winner: Tensor,
    accepted: Tensor,
    share: Tensor,
    confidence: float,
    distinct_share: float,
    instance_weight: float,
) -> FusedWindows:
    """E_i and M_i from what was decided of each mask; the smallest mask at a pixel counts.

    Args:
        runs: of all windows.
        winner: Y of each mask, int64 ``(1 + nM,)``.
        accepted: masks with Y_max ≥ θ, bool ``(1 + nM,)``.
        share: of each class in each mask, float ``(1 + nM, K)``.
        confidence: see :class:`CTCF`.
        distinct_share: see :class:`CTCF`.
        instance_weight: see :class:`CTCF`.
    """
    mask = topmost(runs)
    in_mask = mask > 0
    if distinct_share > 0:
        in_mask &= share[mask, runs.labels] >= distinct_share
    filled = in_mask & accepted.index_select(0, mask)
    labels = winner.index_select(0, mask)
    return paint(runs, labels, filled, filled, ~in_mask, confidence, instance_weight)
