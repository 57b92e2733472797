"""The stages of the method on one panorama, and how each looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.metrics import (
    LabelFreeScores,
    agreement,
    class_shares,
    normalized_entropy,
)
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.fused_panorama import FusedPanorama
from goodsam_pl.views.panorama_look import FusingModule, PanoramaLook, look_at
from goodsam_pl.views.pictures import (
    Picture,
    difference_picture,
    image_picture,
    label_picture,
    mask_picture,
    weight_picture,
)

__all__ = ["Panel", "Stages", "label_free_scores", "observe", "observe_student", "stages_of"]


class Panel(NamedTuple):
    """One stage, drawn.

    Attributes:
        caption: what it is.
        picture: RGB.
    """

    caption: str
    picture: Picture


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage says of one panorama; ``None`` where it has nothing to say.

    Attributes:
        image: normalised, ``(3, H, W)``.
        windows: the grid of the masks, the first where two cross.
        masks: SAM's, int ``(N, L, h, w)``, -1 = no mask.
        windowed: argmax S_TA^w, the stitched teacher assistant, int64 ``(H, W)``.
        windowed_entropy: of S_TA^w, 0 to 1, see :func:`goodsam_pl.metrics.normalized_entropy`.
        fused: argmax E, of the stitched E_i, int64 ``(H, W)``.
        weight: M, the mean of M_i over windows, ``(H, W)`` in [0, 1].
        student: its labels, int64 ``(H, W)``.
        student_entropy: of its probabilities, likewise.
        truth: labels ``(H, W)``, 255 = unknown.
        taxonomy: of all these labels.
    """

    image: Tensor
    windows: WindowGrid
    masks: Tensor | None
    windowed: Tensor
    windowed_entropy: Tensor
    fused: Tensor | None
    weight: Tensor | None
    student: Tensor | None
    student_entropy: Tensor | None
    truth: Tensor | None
    taxonomy: Taxonomy

    @property
    def confident(self) -> Tensor | None:
        """E_H = E ⊗ M: the fused labels where most windows trust them, elsewhere 255."""
        if self.fused is None or self.weight is None:
            return None
        return self.fused.where(self.weight >= 0.5, self.taxonomy.ignore_index)

    @property
    def labels(self) -> Mapping[str, Tensor]:
        """The label maps that there are, by caption, from the teacher assistant to the truth."""
        found = {
            "teacher assistant, windowed": self.windowed,
            "fused labels E": self.fused,
            "trusted labels E_H": self.confident,
            "student": self.student,
            "ground truth": self.truth,
        }
        return {name: labels for name, labels in found.items() if labels is not None}

    def panels(self) -> list[Panel]:
        """Draw every stage that there is, in the order of the method."""
        drawn = [Panel("panorama", image_picture(self.image))]
        if self.masks is not None:
            drawn.append(Panel("SAM masks", mask_picture(self.image, self.masks, self.windows)))
        for name, labels in self.labels.items():
            drawn.append(Panel(name, label_picture(labels, self.taxonomy)))
            if labels is self.fused and self.weight is not None:
                drawn.append(Panel("weights M", weight_picture(self.weight)))
        if self.fused is not None:
            picture = difference_picture(
                self.image,
                self.windowed,
                self.fused,
                self.truth,
                self.taxonomy.ignore_index,
            )
            meaning = (
                "changed" if self.truth is None else "green corrected, red spoilt, yellow neither"
            )
            drawn.append(Panel(f"where E differs from TA: {meaning}", picture))
        return drawn


def observe(
    batch: PanoramaBatch,
    module: FusingModule,
    student: nn.Module | None = None,
    labels_in: Taxonomy | None = None,
) -> Stages:
    """Run every stage on the first panorama of a batch, with the fusion of the module.

    Args:
        batch: see :func:`goodsam_pl.views.panorama_look.look_at`.
        module: likewise.
        student: maps images to logits of the same classes.
        labels_in: class set of the batch's labels, likewise.
    """
    look = look_at(batch, module, labels_in)
    return stages_of(look if student is None else look.with_student(student))


def stages_of(look: PanoramaLook, fused: FusedPanorama | None = None) -> Stages:
    """What each stage comes to: of probabilities the labels, and how unsure they are.

    Args:
        look: what was said.
        fused: of another fusion than the run's; ``None`` fuses with that where there are masks.
    """
    if fused is None and look.masks is not None:
        fused = look.fuse()
    stages = Stages(
        image=look.image,
        windows=look.windows.families[0],
        masks=None if look.masks is None else look.masks[0],
        windowed=look.stitched.argmax(dim=0),
        windowed_entropy=normalized_entropy(look.stitched[None])[0],
        fused=None if fused is None else fused.label,
        weight=None if fused is None else fused.weight,
        student=None,
        student_entropy=None,
        truth=look.truth,
        taxonomy=look.taxonomy,
    )
    return stages if look.student_logits is None else _with_student(stages, look.student_logits)


@torch.no_grad()
def observe_student(stages: Stages, student: nn.Module) -> Stages:
    """Add what a student says of the same panorama."""
    return _with_student(stages, student(stages.image[None]).float()[0])


def _with_student(stages: Stages, logits: Tensor) -> Stages:
    return replace(
        stages,
        student=logits.argmax(dim=0),
        student_entropy=normalized_entropy(logits[None].softmax(dim=1))[0],
    )


def label_free_scores(observed: Sequence[Stages]) -> LabelFreeScores:
    """What some panoramas of one size say without their labels.

    Args:
        observed: at least one; the same stages of each.
    """
    classes = len(observed[0].taxonomy.classes)
    windowed = torch.stack([each.windowed for each in observed])
    student = _stacked([each.student for each in observed])
    fused = _stacked([each.fused for each in observed])
    own = windowed if student is None else student
    student_entropy = _mean([each.student_entropy for each in observed])
    teacher_entropy = torch.stack([each.windowed_entropy for each in observed]).mean().item()
    return LabelFreeScores(
        with_teacher=None if student is None else agreement(student, windowed, classes),
        with_fused=None if fused is None else agreement(own, fused, classes),
        trusted=_mean([each.weight for each in observed]),
        entropy=teacher_entropy if student_entropy is None else student_entropy,
        teacher_entropy=None if student_entropy is None else teacher_entropy,
        shares=class_shares(own, classes),
    )


def _stacked(maps: Sequence[Tensor | None]) -> Tensor | None:
    there = [each for each in maps if each is not None]
    return torch.stack(there) if there else None


def _mean(maps: Sequence[Tensor | None]) -> float | None:
    stacked = _stacked(maps)
    return None if stacked is None else stacked.float().mean().item()
