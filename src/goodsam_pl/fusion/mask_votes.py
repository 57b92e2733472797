"""What the masks of each window say, for people who look into a fusion."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from goodsam_pl.fusion.runs import WindowRuns
from goodsam_pl.fusion.votes import shares, tally

__all__ = ["MaskVotes", "mask_votes"]


class MaskVotes(NamedTuple):
    """How the pixels of every mask vote; M is the largest number of masks in a window.

    Attributes:
        shares: the part of a mask's pixels with each label, float64 ``(..., M, K)`` in [0, 1]; 0
            for ids that a window does not have.
        areas: pixels of each mask, int64 ``(..., M)``; 0 for ids that a window does not have.
    """

    shares: Tensor
    areas: Tensor


def mask_votes(probabilities: Tensor, masks: Tensor) -> MaskVotes:
    """Rank the teacher assistant's labels inside each mask ("Lcr" in the paper's figure).

    The largest share of a mask is Y_max, which :class:`goodsam_pl.fusion.CTCF` compares with θ.

    Args:
        probabilities: softmax of S_i, ``(..., K, h, w)``, float; the leading dimensions run over
            windows.
        masks: ids of masks in layers, int ``(..., L, h, w)``, see
            :class:`goodsam_pl.fusion.Fusion`.

    Returns:
        Shares and areas; mask m of a window stands at m.

    Raises:
        ValueError: the shapes do not belong together.
    """
    runs = WindowRuns.of(probabilities, masks)
    counted = tally(runs, runs.lengths)[1:]
    by_mask = counted.view(runs.masks_per_window, runs.window_count, runs.classes)
    windows = by_mask.movedim(0, 1).unflatten(0, probabilities.shape[:-3])
    return MaskVotes(shares(windows), windows.sum(dim=-1))
