"""Multi-level knowledge adaptation (MKA): a compact student learns from the fused teachers.

GoodSAM, Sec. 3.2. The teacher assistant stays as it is; SAM takes part through its stored masks.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch, TeacherTargets
from goodsam_pl.fusion import CTCF, Fusion
from goodsam_pl.geometry import map_windows
from goodsam_pl.losses import (
    ClassBalance,
    boundary_loss,
    ensemble_cross_entropy,
    refined_boundary,
    whole_image_cross_entropy,
)
from goodsam_pl.modules.base import SegmentationModule, masks_of
from goodsam_pl.networks import FrozenNetwork, weights_hash

__all__ = ["StudentDistillation"]


class StudentDistillation(SegmentationModule):
    """Distil SAM and the teacher assistant into a student that sees the whole panorama once.

    L = λ_S L_CE^{TA,S}(P_S; S_TA^w) + λ_E L_CE^{T,S}(P_i; E_i, M_i) + λ_bd L_bd^{T,S}(B_S; B_ref).

    The teacher assistant is frozen, see :class:`goodsam_pl.networks.FrozenNetwork`. What it says of
    a panorama never changes, so :class:`goodsam_pl.callbacks.PrecomputeTeacher` can ask it once
    instead of in every step.

    Args:
        student: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        teacher_assistant: likewise, with the same classes.
        taxonomy: name of the class set with K classes.
        window_scale: enlarge windows by this factor for the teacher assistant, as in its
            rectification.
        fusion: joins S_i and the masks to E_i and M_i; ``None`` takes
            :class:`goodsam_pl.fusion.CTCF` with its defaults.
        whole_weight: λ_S, of the whole-image link to the stitched teacher assistant.
        ensemble_weight: λ_E, of the window-level cross-entropy with E_i.
        confident_weight: λ_H, of the link to E_H^i beside the one to E_i.
        boundary_weight: λ_bd, of the student's boundary against B_ref, on overlaps.
        boundary_radius: how far a class edge may lie from SAM's, pixels.
        class_balance: γ of the weights of classes in both cross-entropies, from how often the
            teachers name them; 0 is the paper's.
        learning_rate: 6e-5 is SegFormer's.
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: optimiser steps.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher_assistant: nn.Module,
        taxonomy: str = "cityscapes-19",
        window_scale: float = 1.0,
        fusion: Fusion | None = None,
        whole_weight: float = 1.0,
        ensemble_weight: float = 1.0,
        confident_weight: float = 1.0,
        boundary_weight: float = 0.1,
        boundary_radius: int = 3,
        class_balance: float = 0.0,
        learning_rate: float = 6e-5,
        weight_decay: float = 0.01,
        warmup_steps: int = 1500,
    ) -> None:
        super().__init__(taxonomy, ("whole",), learning_rate, weight_decay, warmup_steps)
        self.remember_arguments("student", "teacher_assistant", "fusion")
        self.student = student
        self.teacher_assistant = FrozenNetwork(teacher_assistant)
        self.window_scale = window_scale
        self.fuse = fusion or CTCF()
        self.confident_weight = confident_weight
        self.boundary_radius = boundary_radius
        self.class_balance = ClassBalance(len(self.taxonomy.classes), class_balance)
        self.weights = {
            "whole": whole_weight,
            "ensemble": ensemble_weight,
            "boundary": boundary_weight,
        }

    def forward(self, images: Tensor) -> Tensor:
        """The student: images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.student(images)
        return logits.float()

    @torch.no_grad()
    def teach(self, batch: PanoramaBatch) -> TeacherTargets:
        """What the teachers say: labels of S_TA^w and E_i, with M_i and B_ref."""
        windows, masks = batch.windows, masks_of(batch)
        logits = map_windows(self.teacher_assistant, batch.image, windows, self.window_scale)
        teacher = logits.float().softmax(dim=2)  # S_i
        fused = self.fuse(teacher, masks)  # E_i, M_i
        return TeacherTargets(
            whole=windows.stitch(teacher).argmax(dim=1).to(torch.uint8),
            ensemble=fused.label,
            weight=fused.weight.to(torch.uint8),
            boundary=refined_boundary(masks, teacher.argmax(dim=2), windows, self.boundary_radius),
        )

    def describe_teachers(self) -> dict[str, str]:
        """Everything that :meth:`teach` depends on besides the batch."""
        return {
            "teacher_assistant": weights_hash(self.teacher_assistant.network),
            "window_scale": repr(self.window_scale),
            "fusion": repr(self.fuse),
            "boundary_radius": repr(self.boundary_radius),
        }

    def training_step(self, batch: PanoramaBatch, batch_idx: int) -> Tensor:
        """λ_S L_CE^{TA,S} + λ_E L_CE^{T,S} + λ_bd L_bd^{T,S}."""
        targets = batch.targets or self.teach(batch)
        overlaps = batch.windows.coverage().to(self.device) > 1
        balance = self.class_balance(targets.whole)  # w

        logits = self(batch.image)  # P_S
        log_probabilities = F.log_softmax(logits, dim=1)
        crops = batch.windows.extract(log_probabilities)  # log P_i
        terms = {
            "whole": whole_image_cross_entropy(logits, targets.whole, balance),
            "ensemble": ensemble_cross_entropy(
                crops, targets.ensemble, targets.weight, self.confident_weight, balance
            ),
            "boundary": boundary_loss(log_probabilities.exp(), targets.boundary, where=overlaps),
        }
        self.log("train/trusted", targets.weight.float().mean())
        return self.total(terms, self.weights)

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """The whole panorama at once: the student needs neither windows nor SAM."""
        yield "whole", self(batch.image)
