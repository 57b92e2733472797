"""Distortion-aware rectification (DAR): the teacher assistant adapts to panoramas by windows.

GoodSAM, Sec. 3.1, with the links L_CE^{T,TA} of Sec. 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.geometry import Windowed
from goodsam_pl.losses import (
    ClassBalance,
    Distance,
    boundary_loss,
    consistency,
    ensemble_cross_entropy,
)
from goodsam_pl.modules.base import SegmentationModule
from goodsam_pl.modules.goodsam.teachers import Look, Teachers

__all__ = ["TARectification", "rectification_terms"]


class TARectification(SegmentationModule):
    """Rectify the teacher assistant on unlabelled panoramas.

    On every window, the teacher assistant's prediction S_i is fused with SAM's masks into E_i and
    M_i, and learns from what it gave: L_TA = λ_E L_CE^{T,TA} + λ_cc L_CC + λ_bd L_bd, see
    :func:`rectification_terms`.

    Args:
        teacher_assistant: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        taxonomy: name of the class set with K classes.
        teachers: how it looks at windows and is fused with SAM's masks; its targets are labels of
            E_i (hard, mixed) or the probabilities (soft).
        ensemble_weight: λ_E, of the cross-entropy with E_i.
        confident_weight: λ_H, of the link to E_H^i beside the one to E_i.
        consistency_weight: λ_cc, of L_CC on overlaps.
        consistency: the distance of L_CC, see :func:`goodsam_pl.losses.consistency`.
        boundary_weight: λ_bd, of L_bd between the stitched S and B_ref, on overlaps.
        class_balance: γ of the weights of classes in the cross-entropy, from how often E_i names
            them; 0 is the paper's.
        learning_rate: a tenth of the student's keeps self-training from drifting (our choice).
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: optimiser steps.
    """

    network_names = ("teacher_assistant",)

    def __init__(
        self,
        teacher_assistant: nn.Module,
        taxonomy: str = "cityscapes-19",
        teachers: Teachers = Teachers(),
        ensemble_weight: float = 1.0,
        confident_weight: float = 1.0,
        consistency_weight: float = 0.1,
        consistency: Distance = "divergence",
        boundary_weight: float = 0.1,
        class_balance: float = 0.0,
        learning_rate: float = 6e-6,
        weight_decay: float = 0.01,
        warmup_steps: int = 100,
    ) -> None:
        kinds = ("windowed", "whole", "fused")
        super().__init__(taxonomy, kinds, learning_rate, weight_decay, warmup_steps)
        self.remember_arguments("teacher_assistant")
        self.teacher_assistant = teacher_assistant
        self.teachers = teachers
        self.confident_weight = confident_weight
        self.consistency = consistency
        self.class_balance = ClassBalance(len(self.taxonomy.classes), class_balance)
        self.weights = {
            "ensemble": ensemble_weight,
            "consistency": consistency_weight,
            "boundary": boundary_weight,
        }
        self.check_networks()

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.teacher_assistant(images)
        return logits.float()

    def probabilities_of(self, prediction: Tensor) -> Tensor:
        """Those of stitched windows, which are probabilities already."""
        return prediction / prediction.sum(dim=1, keepdim=True)

    def predict_windows(self, batch: PanoramaBatch) -> Windowed:
        """Log S_i of every window, ``(B, N, K, h, w)``, of each family."""
        return self.teachers.predict(self, batch)

    def training_step(self, batch: PanoramaBatch, batch_idx: int) -> Tensor:
        """L_TA = λ_E L_CE^{T,TA} + λ_cc L_CC + λ_bd L_bd."""
        look = self.teachers.look(self, batch)  # S_i, E_i, M_i, B_ref
        balance = self.class_balance(torch.cat([part.label.flatten() for part in look.fused]))  # w
        terms = rectification_terms(
            look, self.teachers, self.confident_weight, self.consistency, balance
        )
        self.log("train/trusted", look.trusted)
        return self.total(terms, self.weights)

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """Stitched windows; the whole panorama at once; and, given masks, the fused labels."""
        if not isinstance(batch, PanoramaBatch):
            raise TypeError("TARectification works on panoramas: give it a PanoramaDataModule")
        stitched, ensemble = self.teachers.predict_whole(self, batch)
        yield "windowed", stitched
        yield "whole", self(batch.image)
        if ensemble is not None:
            yield "fused", ensemble


def rectification_terms(
    look: Look,
    teachers: Teachers,
    confident_weight: float,
    distance: Distance,
    class_weights: Tensor,
) -> dict[str, Tensor]:
    """The terms of L_TA: L_CE^{T,TA}(S_i; E_i, M_i), L_CC(S_i, S_j), and L_bd(S; B_ref).

    The teacher assistant learns from the ensemble that it is a part of.

    Args:
        look: with gradient.
        teachers: who looked.
        confident_weight: λ_H.
        distance: of L_CC.
        class_weights: w.
    """
    soft = teachers.targets == "soft"
    region = teachers.region(look.windows).to(look.boundary.device)
    return {
        "ensemble": ensemble_cross_entropy(
            look.log_probabilities,
            tuple(each.ensemble if soft else each.label for each in look.fused),
            tuple(each.weight for each in look.fused),
            confident_weight,
            class_weights,
        ),
        "consistency": consistency(look.log_probabilities, look.windows, distance),
        "boundary": boundary_loss(look.stitched, look.boundary, where=region),
    }
