"""Teacher assistant and student train together, as GoodSAM's overview figure draws it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.losses import Distance
from goodsam_pl.modules.goodsam.distillation import Distillation
from goodsam_pl.modules.goodsam.feature_knowledge import FeatureWeights
from goodsam_pl.modules.goodsam.rectification import rectification_terms
from goodsam_pl.modules.goodsam.teachers import Look, Teachers

__all__ = ["JointDistillation", "RectificationWeights"]


@dataclass(frozen=True)
class RectificationWeights:
    """The terms of the teacher assistant in a joint training, those of its rectification.

    Attributes:
        ensemble: λ_E, of L_CE^{T,TA}, the cross-entropy of S_i with E_i.
        consistency: λ_cc, of L_CC on overlaps.
        distance: of L_CC, see :func:`goodsam_pl.losses.consistency`.
        boundary: λ_bd, of L_bd between the stitched S and B_ref, on overlaps.
    """

    ensemble: float = 1.0
    consistency: float = 0.1
    distance: Distance = "divergence"
    boundary: float = 0.1


class JointDistillation(Distillation):
    """Train the teacher assistant along with the student: L = L_S + L_TA.

    L_S is that of :class:`StudentDistillation`, L_TA that of :class:`TARectification`; no gradient
    runs from one network to the other.

    Args:
        student: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        teacher_assistant: likewise, with the same classes.
        taxonomy: name of the class set with K classes.
        teachers: how the teacher assistant looks at windows, how it is fused with SAM's masks, and
            which targets they make, for the student and for itself.
        whole_weight: λ_S, of the whole-image link to the stitched teacher assistant.
        ensemble_weight: λ_E, of the student's window-level cross-entropy with E_i.
        confident_weight: λ_H, of the links to E_H^i beside those to E_i, of both networks.
        boundary_weight: λ_bd, of the student's boundary against B_ref, on overlaps.
        features: terms that are not in the figure, 0 by default.
        rectification: terms of the teacher assistant.
        class_balance: γ of the weights of classes in all cross-entropies, from how often the
            teachers name them; 0 is the paper's.
        teacher_learning_rate_scale: the teacher assistant's learning rate, in parts of the
            student's (our choice: self-training drifts).
        learning_rate: of the student; 6e-5 is SegFormer's.
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: optimiser steps.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher_assistant: nn.Module,
        taxonomy: str = "cityscapes-19",
        teachers: Teachers = Teachers(),
        whole_weight: float = 1.0,
        ensemble_weight: float = 1.0,
        confident_weight: float = 1.0,
        boundary_weight: float = 0.1,
        features: FeatureWeights = FeatureWeights(),
        rectification: RectificationWeights = RectificationWeights(),
        class_balance: float = 0.0,
        teacher_learning_rate_scale: float = 0.1,
        learning_rate: float = 6e-5,
        weight_decay: float = 0.01,
        warmup_steps: int = 1500,
    ) -> None:
        weights = {
            "whole": whole_weight,
            "ensemble": ensemble_weight,
            "boundary": boundary_weight,
            "teacher_ensemble": rectification.ensemble,
            "teacher_consistency": rectification.consistency,
            "teacher_boundary": rectification.boundary,
        }
        super().__init__(
            student,
            teacher_assistant,
            taxonomy,
            ("whole", "teacher", "fused"),
            teachers,
            weights,
            confident_weight,
            features,
            class_balance,
            learning_rate,
            weight_decay,
            warmup_steps,
        )
        self.remember_arguments("student", "teacher_assistant")
        self.consistency = rectification.distance
        self.teacher_learning_rate_scale = teacher_learning_rate_scale

    def training_step(self, batch: PanoramaBatch, batch_idx: int) -> Tensor:
        """L_S + L_TA."""
        look = self.teachers.look(self.teacher_assistant, batch)  # S_i, E_i, M_i, B_ref
        targets = self.teachers.targets_of(look)
        balance = self.weigh_classes(targets)  # w
        terms = self.student_terms(batch, targets, balance) | self.teacher_terms(look, balance)
        return self.total(terms, self.weights)

    def teacher_terms(self, look: Look, balance: Tensor) -> dict[str, Tensor]:
        """L_TA: L_CE^{T,TA}, L_CC and L_bd of the teacher assistant."""
        terms = rectification_terms(
            look, self.teachers, self.confident_weight, self.consistency, balance
        )
        return {f"teacher_{name}": term for name, term in terms.items()}

    def learning_rate_scale(self, name: str) -> float:
        """The teacher assistant learns more slowly."""
        is_teachers = name.startswith("teacher_assistant.")
        return self.teacher_learning_rate_scale if is_teachers else 1.0

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """The student on the whole panorama; and the teacher assistant by windows.

        Where the batch has masks, also the fused labels.
        """
        yield "whole", self(batch.image)
        if isinstance(batch, PanoramaBatch):
            stitched, ensemble = self.teachers.predict_whole(self.teacher_assistant, batch)
            yield "teacher", stitched
            if ensemble is not None:
                yield "fused", ensemble
