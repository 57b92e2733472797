"""Masks that carry a class: what finds them from words, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from goodsam_pl.masks.layers import mask_layers, unpack_layers
from goodsam_pl.masks.proposer import Description

__all__ = ["Concept", "ConceptMasks", "ConceptProposer", "ConceptWindows"]


@dataclass(frozen=True)
class Concept:
    """One class, and the words it is asked for with.

    Attributes:
        name: of the class.
        phrases: at least one; the class's name or synonyms of it.
    """

    name: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ConceptWindows:
    """N windows of one image, and where they lie on it.

    Attributes:
        image: name of the image: its path below the folder of images, without suffix.
        pixels: ``(N, 3, h, w)`` uint8, RGB.
        corners: ``(N, 2)`` int64, left and top of each window on the image, pixels. A window may
            reach over the right border of a panorama and goes on at its left one.
        size: ``(H, W)`` of the whole image, pixels.
        wraps: whether the image closes on itself, as a panorama of 360° does.
    """

    image: str
    pixels: Tensor
    corners: Tensor
    size: tuple[int, int]
    wraps: bool = False


@dataclass(frozen=True, eq=False)
class ConceptMasks:
    """M masks of one window, in the order in which they were found.

    Attributes:
        layers: ``(L, h, w)`` int16, the masks, overlaps included: see
            :func:`~goodsam_pl.masks.layers.mask_layers`.
        classes: ``(M,)`` int64, place of each mask's class among the concepts that were asked for.
        scores: ``(M,)`` float32 in [0, 1].
        boxes: ``(M, 4)`` float32, left, top, right, bottom, pixels of the window: what the mask
            was asked with, or the box around it.
        evidence: ``(C, h', w')`` float16 in [0, 1], how much of each class is to be seen at each
            place, from proposers that say so.
        presence: ``(C,)`` float32 in [0, 1], whether each class is there at all, from proposers
            that say so.
    """

    layers: Tensor
    classes: Tensor
    scores: Tensor
    boxes: Tensor
    evidence: Tensor | None = None
    presence: Tensor | None = None

    @classmethod
    def pack(
        cls,
        binary: Tensor,
        classes: Tensor,
        scores: Tensor,
        boxes: Tensor,
        evidence: Tensor | None = None,
        presence: Tensor | None = None,
    ) -> ConceptMasks:
        """Pack masks in the given order; everything ends up on the CPU.

        Args:
            binary: ``(M, h, w)`` bool.
            classes: ``(M,)`` integers.
            scores: ``(M,)``.
            boxes: ``(M, 4)``.
            evidence: ``(C, h', w')`` or ``None``.
            presence: ``(C,)`` or ``None``.
        """
        return cls(
            layers=mask_layers(binary.cpu()),
            classes=classes.long().cpu(),
            scores=scores.float().cpu(),
            boxes=boxes.float().cpu().reshape(-1, 4),
            evidence=None if evidence is None else evidence.half().cpu(),
            presence=None if presence is None else presence.float().cpu(),
        )

    @classmethod
    def none(cls, size: tuple[int, int]) -> ConceptMasks:
        """No mask at all on a window of ``(h, w)`` pixels."""
        nothing = torch.zeros(0)
        return cls.pack(torch.zeros((0, *size), dtype=torch.bool), nothing, nothing, nothing)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the window, pixels."""
        return self.layers.shape[1], self.layers.shape[2]

    def binary(self) -> Tensor:
        """The masks one by one: ``(M, h, w)`` bool."""
        return unpack_layers(self.layers, len(self))


@runtime_checkable
class ConceptProposer(Protocol):
    """Finds masks of named classes in windows: words in, masks with a class out."""

    def propose(self, windows: ConceptWindows, concepts: tuple[Concept, ...]) -> list[ConceptMasks]:
        """Find the masks of each window.

        Args:
            windows: N windows of one image.
            concepts: what to look for, C classes.

        Returns:
            N sets of masks.
        """
        ...

    def describe(self) -> Description:
        """All that the masks depend on, beside the concepts: kind, weights, parameters."""
        ...

    # no method here: see MaskProposer
    @property
    def to(self) -> Callable[[torch.device | str], object]:
        """Move to a device: ``to(device)``; what it returns is not used."""
        ...
