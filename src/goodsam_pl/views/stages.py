"""The stages of the method on one panorama, and how each looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeGuard

import torch
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.geometry import WindowGrid, by_family, stitch_families
from goodsam_pl.metrics import (
    LabelFreeScores,
    agreement,
    class_shares,
    normalized_entropy,
)
from goodsam_pl.modules import Teachers
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.pictures import (
    Picture,
    difference_picture,
    image_picture,
    label_picture,
    mask_picture,
    weight_picture,
)

__all__ = [
    "FusingModule",
    "Panel",
    "Stages",
    "is_fusing",
    "label_free_scores",
    "observe",
    "observe_student",
    "observe_teachers",
]


class FusingModule(Protocol):
    """A LightningModule with a teacher assistant that SAM's masks are fused with.

    Attributes:
        taxonomy: names and colours of the classes.
        teacher_assistant: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        teachers: how it looks at windows, and how that and the masks are joined.
    """

    taxonomy: Taxonomy
    teacher_assistant: nn.Module
    teachers: Teachers


def is_fusing(module: object) -> TypeGuard[FusingModule]:
    """Whether a module has all of it.

    Since Python 3.12 isinstance overlooks networks, which torch keeps out of plain attributes.
    """
    return all(hasattr(module, name) for name in ("taxonomy", "teacher_assistant", "teachers"))


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
    """Run every stage on the first panorama of a batch.

    Args:
        batch: with masks, or without: then there is no fusion.
        module: holds the teacher assistant and the fusion; on the device of the batch.
        student: maps images to logits of the same classes.
        labels_in: class set of the batch's labels; they are left out where it is another than the
            module's.
    """
    stages = observe_teachers(batch, module, labels_in)
    return stages if student is None else observe_student(stages, student)


@torch.no_grad()
def observe_teachers(
    batch: PanoramaBatch, module: FusingModule, labels_in: Taxonomy | None = None
) -> Stages:
    """Run the stages before the student's, as :func:`observe` does."""
    first = _first_of(batch)
    comparable = first.label is not None and labels_in in {None, module.taxonomy}
    look = None
    if first.masks is None:
        stitched, _ = module.teachers.predict_whole(module.teacher_assistant, first)
    else:
        look = module.teachers.look(module.teacher_assistant, first)  # S_i, E_i, M_i
        stitched = look.stitched
    stages = Stages(
        image=first.image[0],
        windows=first.windows.families[0],
        masks=None,
        windowed=stitched[0].argmax(dim=0),
        windowed_entropy=normalized_entropy(stitched)[0],
        fused=None,
        weight=None,
        student=None,
        student_entropy=None,
        truth=first.label[0] if comparable and first.label is not None else None,
        taxonomy=module.taxonomy,
    )
    if look is None or first.masks is None:
        return stages
    weights = tuple(each.weight[:, :, None].to(look.target) for each in look.fused)
    return replace(
        stages,
        masks=first.masks[0][0],
        fused=look.ensemble[0].argmax(dim=0),
        weight=stitch_families(weights, first.windows)[0, 0],
    )


@torch.no_grad()
def observe_student(stages: Stages, student: nn.Module) -> Stages:
    """Add what a student says of the same panorama."""
    logits = student(stages.image[None]).float()
    return replace(
        stages,
        student=logits[0].argmax(dim=0),
        student_entropy=normalized_entropy(logits.softmax(dim=1))[0],
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


def _first_of(batch: PanoramaBatch) -> PanoramaBatch:
    return replace(
        batch,
        image=batch.image[:1],
        label=None if batch.label is None else batch.label[:1],
        masks=None if batch.masks is None else by_family(lambda each: each[:1], batch.masks),
        targets=None,
        names=batch.names[:1],
    )
