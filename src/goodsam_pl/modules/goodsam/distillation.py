"""Multi-level knowledge adaptation (MKA): a compact student learns from the fused teachers.

GoodSAM, Sec. 3.2. SAM takes part through its stored masks.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch, TeacherTargets
from goodsam_pl.geometry import extract_families
from goodsam_pl.losses import (
    ClassBalance,
    boundary_loss,
    ensemble_cross_entropy,
    whole_image_cross_entropy,
)
from goodsam_pl.modules.base import SegmentationModule
from goodsam_pl.modules.goodsam.corrected import corrected
from goodsam_pl.modules.goodsam.feature_knowledge import FeatureKnowledge, FeatureWeights
from goodsam_pl.modules.goodsam.teachers import Teachers
from goodsam_pl.networks import FrozenNetwork, identity_of, unfrozen

__all__ = ["Distillation", "StudentDistillation"]

_LABEL_AXES = 3


class Distillation(SegmentationModule):
    """The student's side of the distillation, whether its teacher assistant is frozen or trains.

    L_S = λ_S L_CE^{TA,S}(P_S; S_TA^w) + λ_E L_CE^{T,S}(P_i; E_i, M_i) + λ_bd L_bd^{T,S}(B_S; B_ref)

    and, where their weights are not 0, the terms of :class:`FeatureWeights`.
    """

    network_names = ("student", "teacher_assistant")

    def __init__(
        self,
        student: nn.Module,
        teacher_assistant: nn.Module,
        taxonomy: str,
        kinds: tuple[str, ...],
        teachers: Teachers,
        weights: dict[str, float],
        confident_weight: float,
        features: FeatureWeights,
        class_balance: float,
        learning_rate: float,
        weight_decay: float,
        warmup_steps: int,
    ) -> None:
        super().__init__(taxonomy, kinds, learning_rate, weight_decay, warmup_steps)
        self.weights = {**weights, **features.by_term}
        self.student = student
        self.features = FeatureKnowledge(student, teacher_assistant, features)
        self.teacher_assistant = teacher_assistant
        self.teachers = teachers
        self.confident_weight = confident_weight
        self.class_balance = ClassBalance(len(self.taxonomy.classes), class_balance)
        self.check_networks()

    def forward(self, images: Tensor) -> Tensor:
        """The student: images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.student(images)
        return logits.float()

    def weigh_classes(self, targets: TeacherTargets) -> Tensor:
        """The weights w of the classes ``(K,)``, from how often S_TA^w names them."""
        whole = targets.whole
        labels = whole.argmax(dim=1) if whole.ndim > _LABEL_AXES else whole
        balance: Tensor = self.class_balance(labels)
        return balance

    def student_terms(
        self, batch: PanoramaBatch, packed: TeacherTargets, balance: Tensor
    ) -> dict[str, Tensor]:
        """L_S: L_CE^{TA,S}, L_CE^{T,S}, L_bd^{T,S}, and further terms if asked for."""
        targets = self.teachers.unpack(packed)  # S_TA^w, E_i, M_i, B_ref
        self.log("train/trusted", targets.trusted)
        logits, feature_terms = self.features(
            self.student, self.teacher_assistant, batch.image
        )  # P_S
        log_probabilities = F.log_softmax(logits, dim=1)
        crops = extract_families(log_probabilities, batch.windows)  # log P_i
        overlaps = self.teachers.region(batch.windows).to(self.device)
        return {
            "whole": whole_image_cross_entropy(log_probabilities, targets.whole, balance),
            "ensemble": ensemble_cross_entropy(
                crops, targets.ensemble, targets.weight, self.confident_weight, balance
            ),
            "boundary": boundary_loss(log_probabilities.exp(), targets.boundary, where=overlaps),
            **feature_terms,
            **self.features.structure(crops, targets.ensemble),
        }


class StudentDistillation(Distillation):
    """Distil SAM and a frozen teacher assistant into a student that sees the whole panorama once.

    L_S = λ_S L_CE^{TA,S}(P_S; S_TA^w) + λ_E L_CE^{T,S}(P_i; E_i, M_i) + λ_bd L_bd^{T,S}(B_S; B_ref)

    The teacher assistant stays as it is (:class:`goodsam_pl.networks.FrozenNetwork`); what it says
    of a panorama never changes, so :class:`goodsam_pl.callbacks.PrecomputeTeacher` can ask it once
    instead of in every step. :class:`JointDistillation` trains it along.

    Args:
        student: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        teacher_assistant: likewise, with the same classes.
        taxonomy: name of the class set with K classes.
        teachers: how the teacher assistant looks at windows, as in its rectification, how it is
            fused with SAM's masks, and which targets they make.
        whole_weight: λ_S, of the whole-image link to the stitched teacher assistant.
        ensemble_weight: λ_E, of the window-level cross-entropy with E_i.
        confident_weight: λ_H, of the link to E_H^i beside the one to E_i.
        boundary_weight: λ_bd, of the student's boundary against B_ref, on overlaps.
        features: terms that are not in the figure, 0 by default.
        class_balance: γ of the weights of classes in all cross-entropies, from how often the
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
        teachers: Teachers = Teachers(),
        whole_weight: float = 1.0,
        ensemble_weight: float = 1.0,
        confident_weight: float = 1.0,
        boundary_weight: float = 0.1,
        features: FeatureWeights = FeatureWeights(),
        class_balance: float = 0.0,
        learning_rate: float = 6e-5,
        weight_decay: float = 0.01,
        warmup_steps: int = 1500,
    ) -> None:
        super().__init__(
            student,
            FrozenNetwork(teacher_assistant),
            taxonomy,
            ("whole",),
            teachers,
            {"whole": whole_weight, "ensemble": ensemble_weight, "boundary": boundary_weight},
            confident_weight,
            features,
            class_balance,
            learning_rate,
            weight_decay,
            warmup_steps,
        )
        self.remember_arguments("student", "teacher_assistant")

    @torch.no_grad()
    def teach(self, batch: PanoramaBatch) -> TeacherTargets:
        """What the teachers say: S_TA^w and E_i, with M_i and B_ref."""
        return self.teachers.targets_of(self.teachers.look(self.teacher_assistant, batch))

    @torch.no_grad()
    def teach_corrected(self, batch: PanoramaBatch) -> TeacherTargets:
        """As :meth:`teach`, with the batch's labels in the teachers' place; for studies alone.

        Raises:
            ValueError: the batch comes without labels.
        """
        if batch.label is None:
            raise ValueError(f"{', '.join(batch.names)}: without labels nothing can be corrected")
        look = self.teachers.look(self.teacher_assistant, batch)
        return self.teachers.targets_of(corrected(look, batch.label, self.teachers))

    def describe_teachers(self) -> dict[str, str]:
        """Everything that :meth:`teach` depends on besides the batch.

        Raises:
            ValueError: what the teachers are made of has no identity, see
                :func:`goodsam_pl.networks.identity_of`.
        """
        self.read_teachers()
        return {
            "teacher_assistant": identity_of(unfrozen(self.teacher_assistant)),
            **self.teachers.describe(),
        }

    def training_step(self, batch: PanoramaBatch, batch_idx: int) -> Tensor:
        """L_S, with the targets that are stored, or from the teachers."""
        targets = batch.targets or self.teach(batch)
        balance = self.weigh_classes(targets)  # w
        return self.total(self.student_terms(batch, targets, balance), self.weights)

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """The whole panorama at once: the student needs neither windows nor SAM."""
        yield "whole", self(batch.image)
