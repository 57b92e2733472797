"""The optimiser of all trainings, and how its learning rate goes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

import torch
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

__all__ = ["adamw"]


def adamw(
    parameters: Iterable[tuple[str, nn.Parameter]],
    rates: Mapping[str, float],
    weight_decay: float,
    warmup_steps: int,
    steps: float,
) -> OptimizerLRScheduler:
    """AdamW, linear warm-up, then linear decay to 0 (SegFormer's schedule, poly power 1).

    A run that only a time ends does not know where 0 would be: its rate stays constant.

    Args:
        parameters: by name; those without gradient are left out.
        rates: peak of each one's learning rate, by name.
        weight_decay: of weights with more than one dimension; biases and norms have none.
        warmup_steps: optimiser steps until the peak.
        steps: optimiser steps of the whole run, or infinity.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in parameters:
        if parameter.requires_grad:
            groups[rates[name], weight_decay if parameter.ndim > 1 else 0.0].append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {"params": members, "lr": rate, "weight_decay": decay}
            for (rate, decay), members in sorted(groups.items(), reverse=True)
        ],
    )
    if math.isinf(steps):
        rank_zero_info(
            "no max_steps and no max_epochs: the learning rate stays as it is after the warm-up"
        )

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / (warmup_steps + 1))
        return warm * max(0.0, 1.0 - step / max(steps, 1.0))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
