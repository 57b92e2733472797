"""Multi-level knowledge adaptation (MKA): a compact student learns from the fused teachers.

GoodSAM, Sec. 3.2. SAM takes part through its stored masks. The teacher assistant stays as it is, or
trains along, as the paper draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch, TeacherTargets
from goodsam_pl.fusion import CTCF, BoundaryVersion, Fusion
from goodsam_pl.geometry import extract_families
from goodsam_pl.losses import (
    ClassBalance,
    Distance,
    boundary_loss,
    ensemble_cross_entropy,
    whole_image_cross_entropy,
)
from goodsam_pl.modules.base import SegmentationModule
from goodsam_pl.modules.feature_knowledge import FeatureKnowledge
from goodsam_pl.modules.teachers import Look, TargetKind, Teachers, labels_of, rectification_terms
from goodsam_pl.networks import FrozenNetwork, identity_of

__all__ = ["StudentDistillation"]


class StudentDistillation(SegmentationModule):
    """Distil SAM and the teacher assistant into a student that sees the whole panorama once.

    L_S = λ_S L_CE^{TA,S}(P_S; S_TA^w) + λ_E L_CE^{T,S}(P_i; E_i, M_i) + λ_bd L_bd^{T,S}(B_S; B_ref)

    and, where their weights are not 0, terms on features (our reading of the abstract) and double
    similarity distillation. The teacher assistant looks at windows; for these terms it looks at the
    whole panorama too, once a step.

    With ``joint`` the teacher assistant trains along, as in the paper's figure: L = L_S + L_TA, see
    :func:`goodsam_pl.modules.teachers.rectification_terms`. Without, it is frozen
    (:class:`goodsam_pl.networks.FrozenNetwork`); what it says of a panorama never changes, so
    :class:`goodsam_pl.callbacks.PrecomputeTeacher` can ask it once instead of in every step.

    Args:
        student: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        teacher_assistant: likewise, with the same classes.
        taxonomy: name of the class set with K classes.
        joint: train the teacher assistant, too.
        window_scale: enlarge windows by this factor for the teacher assistant, as in its
            rectification.
        fusion: joins S_i and the masks to E_i and M_i; ``None`` takes
            :class:`goodsam_pl.fusion.CTCF` with its defaults.
        targets: cross-entropies with labels (hard) or with probabilities (soft) of the teachers;
            mixed takes probabilities of S_TA^w and labels of E_i.
        mirror: let the teacher assistant look at the mirror image, too, and take the mean where
            labels are made (our choice).
        further_scales: let it look at windows of these scales, too, likewise (our choice).
        labels_in_eval_mode: in ``joint`` training, make labels with the teacher assistant in
            evaluation mode, at the cost of a further look a step; see
            :class:`goodsam_pl.modules.TARectification`. A frozen one is always in that mode.
        whole_weight: λ_S, of the whole-image link to the stitched teacher assistant.
        ensemble_weight: λ_E, of the window-level cross-entropy with E_i.
        confident_weight: λ_H, of the link to E_H^i beside the one to E_i.
        boundary_weight: λ_bd, of the student's boundary against B_ref, on overlaps.
        boundary: v1, or v2 for crossed windows, see :func:`goodsam_pl.fusion.refined_boundary`.
        boundary_radius: how far a class edge may lie from SAM's, pixels.
        feature_weight: λ_feat, see :func:`goodsam_pl.losses.feature_distance`.
        pixel_similarity_weight: λ_psd, see :func:`goodsam_pl.losses.pixel_similarity`.
        category_similarity_weight: λ_csd, see :func:`goodsam_pl.losses.category_similarity`.
        class_balance: γ of the weights of classes in all cross-entropies, from how often the
            teachers name them; 0 is the paper's.
        teacher_ensemble_weight: λ_E of the teacher assistant in ``joint`` training.
        consistency_weight: λ_cc of the same.
        consistency: the distance of its L_CC, see :func:`goodsam_pl.losses.consistency`.
        teacher_boundary_weight: λ_bd of the same.
        teacher_learning_rate_scale: its learning rate, in parts of the student's (our choice:
            self-training drifts).
        learning_rate: 6e-5 is SegFormer's.
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: optimiser steps.
    """

    network_names = ("student", "teacher_assistant")

    def __init__(
        self,
        student: nn.Module,
        teacher_assistant: nn.Module,
        taxonomy: str = "cityscapes-19",
        joint: bool = False,
        window_scale: float = 1.0,
        fusion: Fusion | None = None,
        targets: TargetKind = "hard",
        mirror: bool = False,
        further_scales: Sequence[float] = (),
        labels_in_eval_mode: bool = False,
        whole_weight: float = 1.0,
        ensemble_weight: float = 1.0,
        confident_weight: float = 1.0,
        boundary_weight: float = 0.1,
        boundary: BoundaryVersion = "v1",
        boundary_radius: int = 3,
        feature_weight: float = 0.0,
        pixel_similarity_weight: float = 0.0,
        category_similarity_weight: float = 0.0,
        class_balance: float = 0.0,
        teacher_ensemble_weight: float = 1.0,
        consistency_weight: float = 0.1,
        consistency: Distance = "divergence",
        teacher_boundary_weight: float = 0.1,
        teacher_learning_rate_scale: float = 0.1,
        learning_rate: float = 6e-5,
        weight_decay: float = 0.01,
        warmup_steps: int = 1500,
    ) -> None:
        kinds = ("whole", "teacher", "fused") if joint else ("whole",)
        super().__init__(taxonomy, kinds, learning_rate, weight_decay, warmup_steps)
        self.remember_arguments("student", "teacher_assistant", "fusion")
        self.weights = {
            "whole": whole_weight,
            "ensemble": ensemble_weight,
            "boundary": boundary_weight,
            "features": feature_weight,
            "pixel_similarity": pixel_similarity_weight,
            "category_similarity": category_similarity_weight,
            "teacher_ensemble": teacher_ensemble_weight,
            "teacher_consistency": consistency_weight,
            "teacher_boundary": teacher_boundary_weight,
        }
        self.student = student
        self.features = FeatureKnowledge(
            student,
            teacher_assistant,
            feature_weight > 0,
            pixel_similarity_weight > 0,
            category_similarity_weight > 0,
        )
        self.teacher_assistant = teacher_assistant if joint else FrozenNetwork(teacher_assistant)
        self.joint = joint
        self.teachers = Teachers(
            fusion or CTCF(),
            window_scale,
            boundary,
            boundary_radius,
            targets,
            mirror,
            tuple(further_scales),
            labels_in_eval_mode,
        )
        self.confident_weight = confident_weight
        self.consistency = consistency
        self.class_balance = ClassBalance(len(self.taxonomy.classes), class_balance)
        self.teacher_learning_rate_scale = teacher_learning_rate_scale
        self.check_networks()

    def forward(self, images: Tensor) -> Tensor:
        """The student: images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.student(images)
        return logits.float()

    @torch.no_grad()
    def teach(self, batch: PanoramaBatch) -> TeacherTargets:
        """What the teachers say: S_TA^w and E_i, with M_i and B_ref."""
        return self.teachers.tell(self.teachers.look(self.teacher_assistant, batch))

    def describe_teachers(self) -> dict[str, str]:
        """Everything that :meth:`teach` depends on besides the batch.

        Raises:
            ValueError: the teacher assistant trains along, and will say something else tomorrow; or
                what it is made of cannot be told from something else.
        """
        if self.joint:
            raise ValueError(
                "PrecomputeTeacher cannot store what a teacher assistant says that trains along: "
                "remove the callback, or set model.init_args.joint to false"
            )
        self.read_teachers()
        frozen = cast("FrozenNetwork", self.teacher_assistant)
        return {
            "teacher_assistant": identity_of(frozen.network),
            **self.teachers.describe(),
        }

    def training_step(self, batch: PanoramaBatch, batch_idx: int) -> Tensor:
        """L_S, and L_S + L_TA of a joint training."""
        look = self.teachers.look(self.teacher_assistant, batch) if self.joint else None
        told = self.teachers.tell(look) if look else batch.targets or self.teach(batch)
        targets = self.teachers.recall(told)
        balance = self.class_balance(labels_of(told.whole))  # w

        terms = self.student_terms(batch, targets, balance)
        if look:
            terms |= self.teacher_terms(look, balance)
        self.log("train/trusted", targets.trusted)
        return self.total(terms, self.weights)

    def student_terms(
        self, batch: PanoramaBatch, targets: TeacherTargets, balance: Tensor
    ) -> dict[str, Tensor]:
        """L_S: L_CE^{TA,S}, L_CE^{T,S}, L_bd^{T,S}, and terms on features if asked for."""
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
        }

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
        """The whole panorama at once: the student needs neither windows nor SAM.

        Of a joint training also what the teacher assistant says by windows, and the fused labels
        where there are masks.
        """
        yield "whole", self(batch.image)
        if self.joint and isinstance(batch, PanoramaBatch):
            stitched, ensemble = self.teachers.predict_whole(self.teacher_assistant, batch)
            yield "teacher", stitched
            if ensemble is not None:
                yield "fused", ensemble
