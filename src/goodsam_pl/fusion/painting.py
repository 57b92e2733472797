"""From what was decided of each mask to labels and weights of each pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows
from goodsam_pl.fusion.runs import WindowRuns

__all__ = ["paint", "topmost"]

_FILLED, _BY_CONFIDENCE, _TRUSTED = 1 << 8, 1 << 9, 1 << 10


def topmost(runs: WindowRuns, taking_part: Tensor | None = None) -> Tensor:
    """The smallest mask that a run lies in, as if masks were painted from large to small.

    Args:
        runs: of all windows.
        taking_part: masks that are painted, bool ``(nM,)``; ``None`` takes all.

    Returns:
        int64 ``(R,)``, -1 where there is none.
    """
    masks = runs.masks
    if taking_part is not None:
        masks = torch.where(taking_part[masks.clamp(min=0)], masks, -1)
    return masks.amax(dim=0)


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
    said = torch.where(filled, winner, runs.labels)
    said += filled * _FILLED + by_confidence * _BY_CONFIDENCE + trusted * _TRUSTED
    # one spreading of all four, as it is among the dearer steps
    code = runs.pixels(said.to(torch.int16))
    sure = (runs.confidence >= confidence).view_as(code)
    weight = (code & _TRUSTED).bool() | ((code & _BY_CONFIDENCE).bool() & sure)
    return FusedWindows(
        probabilities=runs.probabilities,
        winner=code.to(torch.uint8),
        filled=(code & _FILLED).bool(),
        weight=weight.to(runs.probabilities.dtype),
        instance_weight=instance_weight,
    )
