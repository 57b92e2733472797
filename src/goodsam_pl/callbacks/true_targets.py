"""True labels in the place of the teachers': an upper bound, for studies on StreetWorld."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

from goodsam_pl.callbacks.precompute_teacher import PrecomputeTeacher, TeachingModule
from goodsam_pl.data import PanoramaBatch, PanoramaDataModule, TeacherTargets
from goodsam_pl.streetworld.redrawing import true_label

__all__ = ["CorrectableModule", "TrueTargets"]


@runtime_checkable
class CorrectableModule(TeachingModule, Protocol):
    """One that can say what its teachers would say if they knew the truth."""

    def teach_corrected(self, batch: PanoramaBatch) -> TeacherTargets:
        """As ``teach``, with the batch's labels in the place of the teachers'."""
        ...


class TrueTargets(PrecomputeTeacher):
    """As :class:`PrecomputeTeacher`, but stores the truth, which no method may.

    For studies: it tells how far the student would come if SAM and the teacher assistant made no
    mistake, and so what is left to gain by better labels. The labels of a StreetWorld export's
    training panoramas are on no disk; they are drawn again. Everything else, the terms, their
    weights and the steps, is that of the distillation whose callback it takes the place of.

    Args:
        root: folder of the targets; they never stand for a teacher's.
    """

    def describe(self, module: TeachingModule, data: PanoramaDataModule) -> dict[str, str]:
        """As of the teachers, but told from them."""
        return {**super().describe(module, data), "labels": "true"}

    def ask(self, module: TeachingModule, file: Path, batch: PanoramaBatch) -> TeacherTargets:
        """The truth about a panorama; what has no class there is the teachers'.

        Raises:
            TypeError: the model has no teachers to correct.
            ValueError: the panorama is of no StreetWorld export, or is trained on at another size.
        """
        if not isinstance(module, CorrectableModule):
            raise TypeError(
                f"TrueTargets works for StudentDistillation, here is {type(module).__name__}: take "
                "PrecomputeTeacher"
            )
        label = torch.from_numpy(true_label(file)).long()[None]
        if label.shape[-2:] != batch.image.shape[-2:]:
            raise ValueError(
                f"{file} is {label.shape[-2]}×{label.shape[-1]}, and data.size is "
                f"{batch.image.shape[-2]}×{batch.image.shape[-1]}: TrueTargets needs both alike, "
                "draw panoramas of that size"
            )
        return module.teach_corrected(replace(batch, label=label.to(batch.image.device)))
