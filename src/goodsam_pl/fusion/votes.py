"""Elections inside masks. Votes are integers, so that no order of summation changes a result."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from goodsam_pl.fusion.runs import WindowRuns

__all__ = ["UNIT", "Ballot", "cast", "fixed_point", "shares", "sum_by_mask", "tally"]

Ballot = Literal["count", "confidence", "softmax"]
"""One vote a pixel; one weighted by max S_i; or one shared out among all classes by S_i."""

UNIT = 1 << 16
"""A whole vote in fixed point: float32 probabilities near 1 are hardly finer."""


def fixed_point(values: Tensor) -> Tensor:
    """Non-negative floats in units of 1 / :data:`UNIT`, rounded: int32.

    Half precision could not count as far.
    """
    wide = values if values.dtype == torch.float64 else values.float()
    return (wide * UNIT).round_().to(torch.int32)


def cast(runs: WindowRuns, ballot: Ballot) -> Tensor:
    """The votes for each class in each mask, int64 ``(1 + nM, K)``."""
    if ballot == "count":
        return tally(runs, runs.lengths)
    if ballot == "confidence":
        return tally(runs, runs.sums(fixed_point(runs.confidence)))
    planes = runs.probabilities.movedim(-3, 0).flatten(1)
    count = runs.mask_count
    given = [sum_by_mask(runs.masks, runs.sums(fixed_point(plane)), count) for plane in planes]
    return torch.stack(given, dim=1)


def tally(runs: WindowRuns, weights: Tensor) -> Tensor:
    """Every run votes for its label in all its masks.

    Args:
        runs: of all windows.
        weights: votes of each run, int64 ``(R,)``.

    Returns:
        int64 ``(1 + nM, K)``; the first row is that of no mask, 0.
    """
    votes = weights.new_zeros(runs.mask_count * runs.classes)
    labels = runs.labels.int()
    for masks in runs.masks:
        votes.index_add_(0, masks * runs.classes + labels, weights)
    votes = votes.view(-1, runs.classes)
    votes[0] = 0
    return votes


def shares(votes: Tensor) -> Tensor:
    """The part of its mask's votes that each class has, float64 in [0, 1]; 0 without votes."""
    return votes.double() / votes.sum(dim=-1, keepdim=True).clamp(min=1)


def sum_by_mask(masks: Tensor, weights: Tensor, count: int) -> Tensor:
    """Every run gives its weight to all its masks.

    Args:
        masks: numbers of each run's masks, int ``(L, R)``, 0 is none.
        weights: int64 ``(R,)``.
        count: more than every number.

    Returns:
        int64 ``(count,)``; the first is that of no mask, 0.
    """
    sums = weights.new_zeros(count)
    for layer in masks:
        sums.index_add_(0, layer, weights)
    sums[0] = 0
    return sums
