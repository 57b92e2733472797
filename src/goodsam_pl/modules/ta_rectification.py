"""Distortion-aware rectification (DAR): the teacher assistant adapts to panoramas by windows.

GoodSAM, Sec. 3.1, with the links L_CE^{T,TA} of Sec. 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.fusion import CTCF, Fusion
from goodsam_pl.geometry import map_windows
from goodsam_pl.losses import (
    ClassBalance,
    boundary_loss,
    consistency,
    ensemble_cross_entropy,
    refined_boundary,
)
from goodsam_pl.modules.base import SegmentationModule, masks_of

__all__ = ["TARectification"]


class TARectification(SegmentationModule):
    """Rectify the teacher assistant on unlabelled panoramas.

    On every window, the teacher assistant's prediction S_i is fused with SAM's masks into E_i and
    M_i, and learns from what it gave: L = λ_E L_CE^{T,TA}(S_i; E_i, M_i) + λ_cc L_CC + λ_bd L_bd.

    Args:
        teacher_assistant: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        taxonomy: name of the class set with K classes.
        window_scale: enlarge windows by this factor for the teacher assistant (our choice; as many
            pixels per degree as in its training images is a good start).
        fusion: joins S_i and the masks to E_i and M_i; ``None`` takes
            :class:`goodsam_pl.fusion.CTCF` with its defaults.
        ensemble_weight: λ_E, of the cross-entropy with E_i.
        confident_weight: λ_H, of the link to E_H^i beside the one to E_i.
        consistency_weight: λ_cc, of L_CC on overlaps.
        boundary_weight: λ_bd, of L_bd between the stitched S and B_ref, on overlaps.
        boundary_radius: how far a class edge may lie from SAM's, pixels.
        class_balance: γ of the weights of classes in the cross-entropy, from how often E_i names
            them; 0 is the paper's.
        learning_rate: a tenth of the student's keeps self-training from drifting (our choice).
        weight_decay: 0.01 is SegFormer's.
        warmup_steps: optimiser steps.
    """

    def __init__(
        self,
        teacher_assistant: nn.Module,
        taxonomy: str = "cityscapes-19",
        window_scale: float = 1.0,
        fusion: Fusion | None = None,
        ensemble_weight: float = 1.0,
        confident_weight: float = 1.0,
        consistency_weight: float = 0.1,
        boundary_weight: float = 0.1,
        boundary_radius: int = 3,
        class_balance: float = 0.0,
        learning_rate: float = 6e-6,
        weight_decay: float = 0.01,
        warmup_steps: int = 100,
    ) -> None:
        kinds = ("windowed", "whole", "fused")
        super().__init__(taxonomy, kinds, learning_rate, weight_decay, warmup_steps)
        self.remember_arguments("teacher_assistant", "fusion")
        self.teacher_assistant = teacher_assistant
        self.window_scale = window_scale
        self.fuse = fusion or CTCF()
        self.confident_weight = confident_weight
        self.boundary_radius = boundary_radius
        self.class_balance = ClassBalance(len(self.taxonomy.classes), class_balance)
        self.weights = {
            "ensemble": ensemble_weight,
            "consistency": consistency_weight,
            "boundary": boundary_weight,
        }

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        logits: Tensor = self.teacher_assistant(images)
        return logits.float()

    def predict_windows(self, batch: PanoramaBatch) -> Tensor:
        """S_i: logits of every window, ``(B, N, K, h, w)``."""
        return map_windows(self, batch.image, batch.windows, self.window_scale)

    def training_step(self, batch: PanoramaBatch, batch_idx: int) -> Tensor:
        """λ_E L_CE^{T,TA} + λ_cc L_CC + λ_bd L_bd."""
        windows, masks = batch.windows, masks_of(batch)
        logits = self.predict_windows(batch)
        log_probabilities = F.log_softmax(logits, dim=2)
        probabilities = log_probabilities.exp()
        fused = self.fuse(probabilities, masks)  # E_i, M_i
        boundary = refined_boundary(masks, logits.argmax(dim=2), windows, self.boundary_radius)
        overlaps = windows.coverage().to(logits.device) > 1
        balance = self.class_balance(fused.label)  # w
        terms = {
            "ensemble": ensemble_cross_entropy(
                log_probabilities, fused.label, fused.weight, self.confident_weight, balance
            ),
            "consistency": consistency(logits, windows),
            "boundary": boundary_loss(windows.stitch(probabilities), boundary, where=overlaps),
        }
        self.log("train/trusted", fused.weight.mean())
        return self.total(terms, self.weights)

    def predict_kinds(self, batch: PanoramaBatch | SourceBatch) -> Iterator[tuple[str, Tensor]]:
        """Stitched windows; the whole panorama at once; and, given masks, the fused labels."""
        if not isinstance(batch, PanoramaBatch):
            raise TypeError("TARectification works on panoramas: give it a PanoramaDataModule")
        probabilities = self.predict_windows(batch).softmax(dim=2)
        yield "windowed", batch.windows.stitch(probabilities)
        yield "whole", self(batch.image)
        if batch.masks is not None:
            yield "fused", batch.windows.stitch(self.fuse(probabilities, batch.masks).ensemble)
