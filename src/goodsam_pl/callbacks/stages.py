"""The stages of the method on one panorama, and how each looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from goodsam_pl.callbacks.pictures import (
    Picture,
    difference_picture,
    image_picture,
    label_picture,
    mask_picture,
    weight_picture,
)
from goodsam_pl.data import PanoramaBatch
from goodsam_pl.fusion import Fusion
from goodsam_pl.geometry import WindowGrid, map_windows
from goodsam_pl.taxonomy import Taxonomy

__all__ = ["FusingModule", "Panel", "Stages", "observe"]


@runtime_checkable
class FusingModule(Protocol):
    """A LightningModule with a teacher assistant that SAM's masks are fused with.

    Attributes:
        taxonomy: names and colours of the classes.
        teacher_assistant: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        window_scale: windows are enlarged by this factor for it.
        fuse: joins its windows and the masks.
    """

    taxonomy: Taxonomy
    teacher_assistant: nn.Module
    window_scale: float
    fuse: Fusion


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
        windows: the grid of the masks.
        masks: SAM's, int ``(N, L, h, w)``, -1 = no mask.
        windowed: argmax S_TA^w, the stitched teacher assistant, int64 ``(H, W)``.
        fused: argmax E, of the stitched E_i, int64 ``(H, W)``.
        weight: M, the mean of M_i over windows, ``(H, W)`` in [0, 1].
        student: its labels, int64 ``(H, W)``.
        truth: labels ``(H, W)``, 255 = unknown.
        taxonomy: of all these labels.
    """

    image: Tensor
    windows: WindowGrid
    masks: Tensor | None
    windowed: Tensor
    fused: Tensor | None
    weight: Tensor | None
    student: Tensor | None
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


@torch.no_grad()
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
    image, windows = batch.image[:1], batch.windows
    logits = map_windows(module.teacher_assistant, image, windows, module.window_scale)
    probabilities = logits.softmax(dim=2)  # S_i
    masks = None if batch.masks is None else batch.masks[:1]
    comparable = batch.label is not None and labels_in in {None, module.taxonomy}
    stages = Stages(
        image=image[0],
        windows=windows,
        masks=None if masks is None else masks[0],
        windowed=windows.stitch(probabilities)[0].argmax(dim=0),
        fused=None,
        weight=None,
        student=None if student is None else student(image)[0].argmax(dim=0),
        truth=batch.label[0] if comparable and batch.label is not None else None,
        taxonomy=module.taxonomy,
    )
    if masks is None:
        return stages
    fused = module.fuse(probabilities, masks)  # E_i, M_i
    weights = fused.weight[:, :, None].to(probabilities)
    return replace(
        stages,
        fused=windows.stitch(fused.ensemble)[0].argmax(dim=0),
        weight=windows.stitch(weights)[0, 0],
    )
