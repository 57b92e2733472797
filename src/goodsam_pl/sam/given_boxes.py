"""Masks with a class where somebody has drawn boxes: no detector is needed.

This is the road without downloads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.masks.coco_file import CocoImage
from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptWindows
from goodsam_pl.masks.proposer import Description, MaskProposer
from goodsam_pl.sam.box_prompts import BoxedModel, describe_boxed, masks_in_boxes
from goodsam_pl.sam.boxes_by_points import BoxesByPoints
from goodsam_pl.sam.given_file import GivenFile, GivenThing
from goodsam_pl.sam.segment_anything import SegmentAnything

__all__ = ["GivenBoxes"]

_LEAST_SIDE = 1.0
"""Pixels; less of a box in a window is nothing to ask about."""


class GivenBoxes:
    """Boxes of a COCO file, each of which a SAM fills with a mask.

    A box is asked about in every window that shows a part of it. Boxes that reach out of the image
    are cut; on a panorama they go on beyond the seam. Boxes outside of the image are left out, and
    counted in a warning; those of classes that are not asked for are left out.

    Args:
        boxes: a COCO file, or a folder of them.
        segmenter: any of our SAMs; if none is named the shipped small one, without thresholds: a
            box that was given has something in it.
        prompts: ``"box"`` asks the segmenter by boxes, ``"points"`` at nine points in each, for a
            model that has never seen a box; ``None`` takes points for ``vit_nano``, which was
            trained with clicks alone, and boxes for all others.
        clip: cut what a mask has outside of its box, rounded to whole pixels.

    Raises:
        ValueError: the segmenter cannot be asked so.
    """

    def __init__(
        self,
        boxes: str,
        segmenter: MaskProposer | None = None,
        prompts: Literal["box", "points"] | None = None,
        clip: bool = True,
    ) -> None:
        model = segmenter or SegmentAnything(
            predicted_iou_threshold=0.0, stability_threshold=0.0, minimum_area=1
        )
        if not isinstance(model, BoxedModel):
            raise ValueError(  # noqa: TRY004  # of the configuration
                f"{type(model).__name__} answers no boxes: choose SegmentAnything or "
                "TransformersSAM as segmenter"
            )
        if prompts is None:
            prompts = "points" if getattr(model, "model", None) == "vit_nano" else "box"
        self.segmenter: BoxedModel = model
        self.prompts = prompts
        self.clip = clip
        self._given = GivenFile(boxes)
        self._asked: BoxedModel = BoxesByPoints(model) if prompts == "points" else model

    def describe(self) -> Description:
        """Hash of the boxes, the segmenter, and how it is asked."""
        return {
            "proposer": "given_boxes",
            "boxes": self._given.sha256,
            "prompts": self.prompts,
            "clip": int(self.clip),
            **describe_boxed(self.segmenter),
        }

    def to(self, device: torch.device | str) -> None:
        """Move the segmenter to a device."""
        self.segmenter.to(device)

    def propose(self, windows: ConceptWindows, concepts: tuple[Concept, ...]) -> list[ConceptMasks]:
        """Fill the boxes that each window shows.

        The score of a mask is that of its box, times what the segmenter guesses of its IoU.

        Args:
            windows: N windows of one image.
            concepts: classes that count.

        Raises:
            FileNotFoundError: there are no boxes, or no weights.
            ValueError: the file is not as it should be, has no such image, or none of the classes.
        """
        image, things = self._given.of(windows, concepts)
        shown = [self._shown(image, things, windows, corner) for corner in windows.corners.tolist()]
        answers = masks_in_boxes(self._asked, windows.pixels, [boxes for boxes, _ in shown])
        found = []
        for (boxes, numbers), answer in zip(shown, answers, strict=True):
            binary = answer.binary
            if self.clip:
                binary = binary & _inside(boxes, (binary.shape[1], binary.shape[2]))
            scores = torch.tensor([things[number].annotation.score for number in numbers])
            found.append(
                ConceptMasks.pack(
                    binary,
                    torch.tensor([things[number].concept for number in numbers]),
                    scores * answer.predicted_iou.clamp(0, 1),
                    boxes,
                )
            )
        return found

    def _shown(
        self,
        image: CocoImage,
        things: Sequence[GivenThing],
        windows: ConceptWindows,
        corner: Sequence[int],
    ) -> tuple[Tensor, list[int]]:
        """Parts of boxes in a window ``(M, 4)``, and which thing each is of."""
        (height, width), (tall, wide) = windows.size, windows.pixels.shape[2:]
        down, across = height / image.size[0], width / image.size[1]
        parts, numbers = [], []
        for number, thing in enumerate(things):
            left, top, right, bottom = np.array(thing.annotation.box) * [across, down, across, down]
            turns: tuple[int, ...] = (-width, 0, width)
            if not windows.wraps:
                left, right, turns = max(left, 0.0), min(right, float(width)), (0,)
            elif right - left >= width:  # it has no ends
                left, right, turns = -width, 2 * width, (0,)
            for turn in turns:
                part = [
                    max(left + turn - corner[0], 0.0),
                    max(top - corner[1], 0.0),
                    min(right + turn - corner[0], float(wide)),
                    min(bottom - corner[1], float(tall)),
                ]
                if min(part[2] - part[0], part[3] - part[1]) >= _LEAST_SIDE:
                    parts.append(part)
                    numbers.append(number)
        return torch.tensor(parts, dtype=torch.float32).reshape(-1, 4), numbers


def _inside(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels that boxes ``(M, 4)`` touch, ``(M, h, w)`` bool."""
    rows, columns = (torch.arange(count) for count in size)
    left, top, right, bottom = (side[:, None] for side in boxes.unbind(dim=1))
    down = (rows + 1 > top) & (rows < bottom)
    across = (columns + 1 > left) & (columns < right)
    return down[:, :, None] & across[:, None]
