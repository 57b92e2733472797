"""From what was decided of each mask to labels and weights of each pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows
from goodsam_pl.fusion.runs import WindowRuns

__all__ = ["paint", "topmost"]

_FILLED = -1.0
"""A least confidence that every pixel has, as 0 is; it marks filled pixels among trusted ones."""


def topmost(runs: WindowRuns, taking_part: Tensor | None = None) -> Tensor:
    """The smallest mask that a run lies in, as if masks were painted from large to small.

    Args:
        runs: of all windows.
        taking_part: masks that are painted, bool ``(1 + nM,)``; ``None`` takes all.

    Returns:
        int64 ``(R,)``, 0 where there is none.
    """
    if taking_part is None:
        return runs.topmost
    return (runs.masks * taking_part[runs.masks]).amax(dim=0).long()


def paint(
    runs: WindowRuns,
    winner: Tensor,
    filled: Tensor,
    trusted: Tensor,
    by_confidence: Tensor,
    confidence: float = 0.0,
    instance_weight: float = 1.0,
) -> FusedWindows:
    """Give every pixel what was decided of its run.

    Args:
        runs: of all windows.
        winner: the label of each run that is filled, int64 ``(R,)``; others keep their own.
        filled: bool ``(R,)``, runs with M_i = 1 whose label is replaced.
        trusted: bool ``(R,)``, runs with M_i = 1.
        by_confidence: bool ``(R,)``, runs with M_i = 1 where max S_i is large enough.
        confidence: the least max S_i of a run in ``by_confidence``.
        instance_weight: see :class:`FusedWindows`.
    """
    # the least confidence of a trusted pixel says of its run all but the label
    least = runs.confidence.new_full(trusted.shape, torch.inf)
    least = torch.where(by_confidence, confidence, least)
    least = torch.where(trusted, 0.0, least)
    least = torch.where(filled, _FILLED, least)
    label = torch.where(filled, winner, runs.labels).to(torch.uint8)
    label, least = runs.pixels(label, least)
    return FusedWindows(
        probabilities=runs.probabilities,
        winner=label,
        # negative, said in what is several times as fast as a comparison
        filled=least.clamp(max=0).bool(),
        weight=least.le_(runs.confidence.view_as(least)).to(runs.probabilities.dtype),
        instance_weight=instance_weight,
    )
