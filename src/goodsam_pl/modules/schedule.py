"""The optimisers of our trainings, and how their learning rate goes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

__all__ = ["Recipe", "adamw", "is_of_head", "sgd"]

Recipe = Callable[
    [Iterable[tuple[str, nn.Parameter]], Mapping[str, float], float, int, float],
    OptimizerLRScheduler,
]
"""What makes an optimiser of parameters, their rates, weight decay, warm-up and length."""

_HEADS = frozenset({"head", "decoder", "segmentation_head"})
_MOMENTUM = 0.9
_POWER = 0.9


def is_of_head(name: str) -> bool:
    """Whether a parameter is of a decoder or head, which no ImageNet has taught, by its name."""
    return bool(_HEADS & {*name.split(".")})


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
    optimizer = torch.optim.AdamW(_groups(parameters, rates, weight_decay))
    return _scheduled(optimizer, warmup_steps, steps, power=1.0)


def sgd(
    parameters: Iterable[tuple[str, nn.Parameter]],
    rates: Mapping[str, float],
    weight_decay: float,
    warmup_steps: int,
    steps: float,
) -> OptimizerLRScheduler:
    """SGD of momentum 0.9 and polynomial decay to 0 of power 0.9 (DeepLab's schedule).

    Args:
        parameters: as for :func:`adamw`.
        rates: as for :func:`adamw`.
        weight_decay: as for :func:`adamw`.
        warmup_steps: as for :func:`adamw`; DeepLab has none.
        steps: as for :func:`adamw`.
    """
    groups = _groups(parameters, rates, weight_decay)
    optimizer = torch.optim.SGD(groups, momentum=_MOMENTUM)
    return _scheduled(optimizer, warmup_steps, steps, _POWER)


def _groups(
    parameters: Iterable[tuple[str, nn.Parameter]], rates: Mapping[str, float], weight_decay: float
) -> list[dict[str, Any]]:
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in parameters:
        if parameter.requires_grad:
            groups[rates[name], weight_decay if parameter.ndim > 1 else 0.0].append(parameter)
    return [
        {"params": members, "lr": rate, "weight_decay": decay}
        for (rate, decay), members in sorted(groups.items(), reverse=True)
    ]


def _scheduled(
    optimizer: torch.optim.Optimizer, warmup_steps: int, steps: float, power: float
) -> OptimizerLRScheduler:
    if math.isinf(steps):
        rank_zero_info(
            "no max_steps and no max_epochs: the learning rate stays as it is after the warm-up"
        )

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / (warmup_steps + 1))
        left = max(0.0, 1.0 - step / max(steps, 1.0))
        return warm * float(left**power)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
