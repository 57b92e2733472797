"""Multi-level knowledge adaptation (MKA): a compact student learns from the fused teachers.

GoodSAM, Sec. 3.2. The teacher assistant stays as it is; SAM takes part through its stored masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.fusion import cross_task_complementary_fusion
from goodsam_pl.geometry import map_windows
from goodsam_pl.losses import (
    ClassBalance,
    boundary_loss,
    ensemble_cross_entropy,
    refined_boundary,
    whole_image_cross_entropy,
)
from goodsam_pl.modules.base import SegmentationModule, masks_of
from goodsam_pl.networks import FrozenNetwork

__all__ = ["StudentDistillation"]


class StudentDistillation(SegmentationModule):
    """Distil SAM and the teacher assistant into a student that sees the whole panorama once.

    L = λ_S L_CE^{TA,S}(P_S; S_TA^w) + λ_E L_CE^{T,S}(P_i; E_i, M_i) + λ_bd L_bd^{T,S}(B_S; B_ref).

    The teacher assistant is frozen, see :class:`goodsam_pl.networks.FrozenNetwork`.

    Args:
        student: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        teacher_assistant: likewise, with the same classes.
        taxonomy: name of the class set with K classes.
        window_scale: enlarge windows by this factor for the teacher assistant, as in its
            rectification.
        fusion_threshold: θ, the least label share of a trusted mask.
        fusion_confidence: the least softmax maximum of a trusted pixel outside every mask.
        fusion_distinct_share: a label with a smaller share of a mask is a thing of its own, which
            the mask does not tell apart.
        fusion_instance_weight: how far a trusted mask's label replaces S_i in E_i.
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
        fusion_threshold: float = 0.5,
        fusion_confidence: float = 0.9,
        fusion_distinct_share: float = 0.0,
        fusion_instance_weight: float = 1.0,
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
        self.remember_arguments("student", "teacher_assistant")
        self.student = student
        self.teacher_assistant = FrozenNetwork(teacher_assistant)
        self.window_scale = window_scale
        self.fuse = partial(
            cross_task_complementary_fusion,
            threshold=fusion_threshold,
            confidence=fusion_confidence,
            distinct_share=fusion_distinct_share,
            instance_weight=fusion_instance_weight,
        )
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

    def teach(self, batch: PanoramaBatch) -> Tensor:
        """S_i of the teacher assistant: probabilities of every window, ``(B, N, K, h, w)``."""
        logits = map_windows(self.teacher_assistant, batch.image, batch.windows, self.window_scale)
        return logits.float().softmax(dim=2)

    def training_step(self, batch: PanoramaBatch, batch_idx: int) -> Tensor:
        """λ_S L_CE^{TA,S} + λ_E L_CE^{T,S} + λ_bd L_bd^{T,S}."""
        windows, masks = batch.windows, masks_of(batch)
        teacher = self.teach(batch)  # S_i
        stitched = windows.stitch(teacher)  # S_TA^w
        fused = self.fuse(teacher, masks)  # E_i, M_i
        boundary = refined_boundary(masks, teacher.argmax(dim=2), windows, self.boundary_radius)
        overlaps = windows.coverage().to(teacher.device) > 1
        balance = self.class_balance(stitched.argmax(dim=1))  # w

        logits = self(batch.image)  # P_S
        log_probabilities = F.log_softmax(logits, dim=1)
        crops = windows.extract(log_probabilities)  # log P_i
        terms = {
            "whole": whole_image_cross_entropy(logits, stitched, balance),
            "ensemble": ensemble_cross_entropy(crops, *fused, self.confident_weight, balance),
            "boundary": boundary_loss(log_probabilities.exp(), boundary, where=overlaps),
        }
        self.log("train/trusted", fused.weight.mean())
        return self.total(terms, self.weights)

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """The whole panorama at once: the student needs neither windows nor SAM."""
        yield "whole", self(batch.image)
