"""Masks with a class where somebody has said what there is: by boxes, or by masks.

No detector is needed: this is the road without downloads, and the one for studies.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.files import content_key
from goodsam_pl.files.fingerprint import fingerprint_of
from goodsam_pl.masks.coco_file import Annotation, CocoFile, CocoImage
from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptWindows
from goodsam_pl.masks.layers import mask_boxes
from goodsam_pl.masks.proposer import Description, MaskProposer
from goodsam_pl.sam.box_prompts import BoxedModel, describe_boxed, masks_in_boxes
from goodsam_pl.sam.boxes_by_points import BoxesByPoints
from goodsam_pl.sam.segment_anything import SegmentAnything

__all__ = ["GivenBoxes", "GivenMasks"]

log = logging.getLogger(__name__)

_LEAST_SIDE = 1.0
"""Pixels; less of a box in a window is nothing to ask about."""


class GivenBoxes:
    """Boxes of a COCO file, each of which a SAM fills with a mask.

    A box is asked about in every window that shows a part of it. Boxes that reach out of the image
    are cut; on a panorama one may go on beyond the seam, its right side then being larger than the
    width. Boxes outside of the image are left out, and counted in a warning; those of classes that
    are not asked for are left out.

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
        self._given = _Given(Path(boxes).expanduser())
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
            scores = torch.tensor([things[number][0].score for number in numbers])
            found.append(
                ConceptMasks.pack(
                    binary,
                    torch.tensor([things[number][1] for number in numbers]),
                    scores * answer.predicted_iou.clamp(0, 1),
                    boxes,
                )
            )
        return found

    def _shown(
        self,
        image: CocoImage,
        things: Sequence[tuple[Annotation, int]],
        windows: ConceptWindows,
        corner: Sequence[int],
    ) -> tuple[Tensor, list[int]]:
        """Parts of boxes in a window ``(M, 4)``, and which thing each is of."""
        (height, width), (tall, wide) = windows.size, windows.pixels.shape[2:]
        down, across = height / image.size[0], width / image.size[1]
        parts, numbers = [], []
        for number, (thing, _) in enumerate(things):
            left, top, right, bottom = np.array(thing.box) * [across, down, across, down]
            for turn in (-width, 0, width):
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


class GivenMasks:
    """Masks of a COCO file, as they are: for studies of what better masks would bring.

    With the file of ``goodsam streetworld --boxes true`` they are exact.

    Args:
        masks: a COCO file, or a folder of them.
    """

    def __init__(self, masks: str) -> None:
        self._given = _Given(Path(masks).expanduser())

    def describe(self) -> Description:
        """Hash of the masks."""
        return {"proposer": "given_masks", "masks": self._given.sha256}

    def to(self, device: torch.device | str) -> None:  # has no tensors
        """Stay on the CPU."""

    def propose(self, windows: ConceptWindows, concepts: tuple[Concept, ...]) -> list[ConceptMasks]:
        """Cut the masks that each window shows.

        Args:
            windows: N windows of one image.
            concepts: classes that count.

        Raises:
            FileNotFoundError: there is no file.
            ValueError: it is not as it should be, has no such image, or none of the classes.
        """
        image, things = self._given.of(windows, concepts)
        tall, wide = windows.pixels.shape[2:]
        cut: list[list[Tensor]] = [[] for _ in windows.corners]
        numbers: list[list[int]] = [[] for _ in windows.corners]
        for number, (thing, _) in enumerate(things):
            whole = torch.from_numpy(image.mask(thing, windows.size))
            for place, (left, top) in enumerate(windows.corners.tolist()):
                part = whole.roll(-left, 1)[top : top + tall, :wide]
                if part.any():
                    cut[place].append(part)
                    numbers[place].append(number)
        found = []
        for parts, own in zip(cut, numbers, strict=True):
            if not parts:
                found.append(ConceptMasks.none((tall, wide)))
                continue
            binary = torch.stack(parts)
            boxes = mask_boxes(binary)
            boxes[:, 2:] += 1
            found.append(
                ConceptMasks.pack(
                    binary,
                    torch.tensor([things[number][1] for number in own]),
                    torch.tensor([things[number][0].score for number in own]),
                    boxes,
                )
            )
        return found


class _Given:
    """A COCO file, read when it is first asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def file(self) -> CocoFile:
        return CocoFile(self._path)

    @cached_property
    def sha256(self) -> str:
        """Of the file; of a folder, of its files by their names."""
        paths = self.file.paths
        if not self._path.is_dir():
            return content_key(paths[0])
        return fingerprint_of(
            {path.relative_to(self._path).as_posix(): content_key(path) for path in paths}
        )

    def of(
        self, windows: ConceptWindows, concepts: tuple[Concept, ...]
    ) -> tuple[CocoImage, list[tuple[Annotation, int]]]:
        """The things of an image, each with the place of its class among the concepts."""
        places = self._places(concepts)
        image = self.file.image(windows.image)
        asked = [thing for thing in image.annotations if thing.category in places]
        there = [thing for thing in asked if self._is_inside(thing, image.size)]
        if len(there) < len(asked):
            lost = Counter(thing.category for thing in asked if thing not in there)
            told = ", ".join(f"{count} {name}" for name, count in lost.items())
            log.warning("%s: boxes outside of %s are left out: %s", self._path, windows.image, told)
        return image, [(thing, places[thing.category]) for thing in there]

    def _places(self, concepts: tuple[Concept, ...]) -> dict[str, int]:
        """The concept that each category of the file means, by a name or a phrase of it."""
        meant = {
            phrase.casefold(): place
            for place, concept in enumerate(concepts)
            for phrase in (*concept.phrases, concept.name)
        }
        places = {
            name: meant[name.casefold()]
            for name in self.file.categories
            if name.casefold() in meant
        }
        if not places:
            raise ValueError(
                f"{self._path}: none of its categories ({', '.join(self.file.categories[:10])}) is "
                f"among the classes ({', '.join(each.name for each in concepts[:10])}): name them "
                "alike, or give a class the category as a phrase"
            )
        return places

    @staticmethod
    def _is_inside(thing: Annotation, size: tuple[int, int]) -> bool:
        left, top, right, bottom = thing.box
        return right > max(left, 0) and bottom > max(top, 0) and left < size[1] and top < size[0]


def _inside(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels that boxes ``(M, 4)`` touch, ``(M, h, w)`` bool."""
    rows, columns = (torch.arange(count) for count in size)
    left, top, right, bottom = (side[:, None] for side in boxes.unbind(dim=1))
    down = (rows + 1 > top) & (rows < bottom)
    across = (columns + 1 > left) & (columns < right)
    return down[:, :, None] & across[:, None]
