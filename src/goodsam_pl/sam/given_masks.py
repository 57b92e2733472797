"""Masks with a class that somebody has drawn, as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptWindows
from goodsam_pl.masks.layers import mask_boxes
from goodsam_pl.masks.proposer import Description
from goodsam_pl.sam.given_file import GivenFile

__all__ = ["GivenMasks"]


class GivenMasks:
    """Masks of a COCO file, as they are: for studies of what better masks would bring.

    With the file of ``goodsam streetworld --boxes true`` they are exact.

    Args:
        masks: a COCO file, or a folder of them.
    """

    def __init__(self, masks: str) -> None:
        self._given = GivenFile(masks)

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
        for number, thing in enumerate(things):
            whole = torch.from_numpy(image.mask(thing.annotation, windows.size))
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
                    torch.tensor([things[number].concept for number in own]),
                    torch.tensor([things[number].annotation.score for number in own]),
                    boxes,
                )
            )
        return found
