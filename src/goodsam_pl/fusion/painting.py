"""From what was decided of each mask to labels and weights of each pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows
from goodsam_pl.fusion.runs import WindowRuns

__all__ = ["paint", "topmost"]

_FILLED = 1 << 8


def topmost(runs: WindowRuns, taking_part: Tensor | None = None) -> Tensor:
    """The smallest mask that a run lies in, as if masks were painted from large to small.

    Args:
        runs: of all windows.
        taking_part: masks that are painted, bool ``(1 + nM,)``; ``None`` takes all.

    Returns:
        int64 ``(R,)``, 0 where there is none.
    """
    masks = runs.masks
    if taking_part is not None:
        masks = masks * taking_part[masks]
    return masks.amax(dim=0).long()


def paint(
    runs: WindowRuns,
    winner: Tensor,
    filled: Tensor,
    trusted: Tensor,
    by_confidence: Tensor,
    confidence: float = 0.0,
    instance_weight: float = 1.0,
) -> FusedWindows:
    """Tell every pixel what was decided of its run.

    Args:
        runs: of all windows.
        winner: the label of each run that is filled, int64 ``(R,)``; others keep their own.
        filled: bool ``(R,)``.
        trusted: bool ``(R,)``, runs with M_i = 1.
        by_confidence: bool ``(R,)``, runs with M_i = 1 where max S_i is large enough.
        confidence: the least max S_i of those.
        instance_weight: see :class:`FusedWindows`.
    """
    # both in one number, as telling the pixels is among the dearer steps
    code = runs.pixels((torch.where(filled, winner, runs.labels) + filled * _FILLED).short())
    least = runs.confidence.new_full(trusted.shape, torch.inf)
    least[by_confidence] = confidence
    least[trusted] = -torch.inf
    weight = runs.pixels(least).le_(runs.confidence.view_as(code))
    return FusedWindows(
        probabilities=runs.probabilities,
        winner=code.to(torch.uint8),
        filled=code >= _FILLED,
        weight=weight,
        instance_weight=instance_weight,
    )
