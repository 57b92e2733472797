"""The teacher of self-training: a moving average of the student's weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from goodsam_pl.geometry import at_scale
from goodsam_pl.networks import evaluating

__all__ = ["MeanTeacher", "TeacherStatistics", "ask_teacher", "update_teacher", "warmed_decay"]

TeacherStatistics: TypeAlias = Literal["own", "student"]
"""Whose statistics the teacher's batch normalisation uses. ``own``: those of the batch that it is
asked about, as SSR's release does; the student's never reach it. ``student``: the moving average of
the student's running ones."""


@dataclass(frozen=True)
class MeanTeacher:
    """How the teacher follows the student, and how it looks.

    Attributes:
        decay: α of the moving average, after its warm-up.
        statistics: whose statistics it normalises by, see :data:`TeacherStatistics`.
        scale: by how much its view of a target crop is enlarged, our choice; 1 is DAFormer's.
    """

    decay: float = 0.999
    statistics: TeacherStatistics = "own"
    scale: float = 1.0


def warmed_decay(step: int, decay: float) -> float:
    r"""How much of the teacher stays in a step: :math:`\alpha_t = \min(1 - 1/(t+1), \alpha)`.

    Args:
        step: t, 0 for the first, in which the teacher becomes the student.
        decay: α.
    """
    return min(1 - 1 / (step + 1), decay)


@torch.no_grad()
def update_teacher(
    teacher: nn.Module, student: nn.Module, decay: float, statistics: TeacherStatistics
) -> None:
    r"""Move the teacher towards the student, in place.

    .. math:: \phi \leftarrow \alpha_t \phi + (1 - \alpha_t) \theta

    Args:
        teacher: with weights φ.
        student: with weights θ, a network of the same kind.
        decay: α_t.
        statistics: with ``student``, running statistics are averaged alike, and buffers that are no
            floating-point numbers copied.
    """
    for average, value in zip(teacher.parameters(), student.parameters(), strict=True):
        average.lerp_(value.to(average.dtype), 1 - decay)
    if statistics == "own":
        return
    for kept, seen in zip(teacher.buffers(), student.buffers(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(seen, 1 - decay)
        else:
            kept.copy_(seen)


@torch.no_grad()
def ask_teacher(
    teacher: nn.Module, images: Tensor, statistics: TeacherStatistics, scale: float = 1.0
) -> Tensor:
    """What the teacher says, without dropout and dropped paths, whatever mode it is in.

    With its ``own`` statistics it normalises by the batch, and its running ones learn from it.

    Args:
        teacher: maps images to logits; its mode is left as it was.
        images: ``(B, 3, H, W)``.
        statistics: see :data:`TeacherStatistics`.
        scale: by how much it sees them enlarged, see :func:`goodsam_pl.geometry.at_scale`.

    Returns:
        Logits float32 ``(B, K, H, W)``.
    """
    with evaluating(teacher):
        if statistics == "own":
            for part in teacher.modules():
                if isinstance(part, _BatchNorm):
                    part.train()
        return at_scale(teacher, images, scale)
