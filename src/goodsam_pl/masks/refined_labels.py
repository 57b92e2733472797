"""Labels whose parts were drawn again: split into things, refined window by window, laid together.

Who draws is another matter: :class:`MaskRefiner` is what it must do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.class_labels import UNCLAIMED, label_pixels
from goodsam_pl.masks.class_parts import class_parts
from goodsam_pl.masks.concepts import ConceptMasks
from goodsam_pl.masks.joined_concepts import ClassMask, join_concepts
from goodsam_pl.masks.layers import mask_boxes
from goodsam_pl.masks.proposer import Description

__all__ = [
    "MaskRefiner",
    "RefinedLabel",
    "RefinedMasks",
    "RefinedOverlap",
    "Refinement",
    "refine_label",
]

RefinedOverlap = Literal["score", "area", "score_sum"]
"""Who gets a pixel that several refined masks claim: see
:func:`~goodsam_pl.masks.class_labels.label_pixels`."""


class RefinedMasks(NamedTuple):
    """One mask for each coarse one, in their order.

    Attributes:
        binary: ``(M, h, w)`` bool.
        scores: ``(M,)`` float in [0, 1].
    """

    binary: Tensor
    scores: Tensor


@runtime_checkable
class MaskRefiner(Protocol):
    """Draws coarse masks again."""

    def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
        """Refine the masks of each window.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
            coarse: of each window ``(M, h, w)`` bool, none of them empty.

        Returns:
            N sets of as many masks, on the CPU.
        """
        ...

    def describe(self) -> Description:
        """All that its masks depend on."""
        ...

    @property
    def to(self) -> Callable[[torch.device | str], object]:
        """Move to a device."""
        ...


@dataclass(frozen=True)
class Refinement:
    """How a label is refined.

    Attributes:
        rule: who gets a pixel that several refined masks claim.
        least_agreement: a refined mask with a lower IoU with its coarse one is not believed: the
            coarse mask stands in its place, with score 0. 0 believes all, as released.
        agreement: two windows have drawn one thing if their masks of a class have this IoU where
            both look.
        classes: trainIds that are refined; ``None`` stands for all.

    Raises:
        ValueError: shares that are none.
    """

    rule: RefinedOverlap = "score"
    least_agreement: float = 0.0
    agreement: float = 0.5
    classes: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.least_agreement <= 1:
            raise ValueError(
                f"least_agreement is {self.least_agreement}: choose an IoU, 0 (all are believed) "
                "to 1"
            )
        if not 0 < self.agreement <= 1:
            raise ValueError(f"agreement is {self.agreement}: choose an IoU above 0, at most 1")


@dataclass(frozen=True, eq=False)
class RefinedLabel:
    """What became of a label.

    Attributes:
        label: ``(H, W)`` uint8 trainIds.
        masks: refined masks, joined over windows; their ``concept`` is a trainId.
        claimed: ``(H, W)`` bool, pixels that a mask claims; the others are as they were.
        parts: coarse masks of all windows.
        believed: how many of them were replaced by what was drawn.
    """

    label: NDArray[np.uint8]
    masks: list[ClassMask]
    claimed: NDArray[np.bool_]
    parts: int
    believed: int


def refine_label(
    pixels: Tensor,
    label: NDArray[np.uint8],
    windows: WindowGrid,
    refiner: MaskRefiner,
    how: Refinement,
    ignored: int = 255,
) -> RefinedLabel:
    """Draw a label's parts again.

    Each class of each window is split into parts (:func:`~goodsam_pl.masks.class_parts`), all of
    which are refined; those of one class that agree where two windows overlap are joined, across
    the seam, too. A pixel that no mask claims keeps its label. A panorama turned by whole steps of
    its windows gives the label turned likewise. (Windows are ours: the release refines photographs
    as a whole.)

    Args:
        pixels: ``(3, H, W)`` uint8, RGB.
        label: ``(H, W)`` uint8 trainIds.
        windows: of the image.
        refiner: who draws.
        how: what becomes of what is drawn.
        ignored: label of pixels of no class. They are not refined; a mask may claim them.

    Raises:
        ValueError: the label has another size than the image.
    """
    if tuple(label.shape) != tuple(pixels.shape[1:]):
        raise ValueError(
            f"the label has {_told(label.shape)} pixels, its image {_told(pixels.shape[1:])}"
        )
    cut = windows.extract(torch.from_numpy(label)[None])[0].numpy()
    parts = [_parts(each, how.classes, ignored) for each in cut]
    coarse = [torch.from_numpy(masks) for masks, _ in parts]
    refined = refiner.refine(windows.extract(pixels[None])[0], coarse)
    found, believed = [], 0
    for masks, (_, classes), drawn in zip(coarse, parts, refined, strict=True):
        trusted = _agreements(masks, drawn.binary) >= how.least_agreement
        trusted &= drawn.binary.flatten(1).any(dim=1)
        believed += int(trusted.sum())
        binary = torch.where(trusted[:, None, None], drawn.binary, masks)
        scores = torch.where(trusted, drawn.scores, 0.0)
        found.append(ConceptMasks.pack(binary, classes, scores, mask_boxes(binary)))
    joined = join_concepts(found, windows, how.agreement)
    places = label_pixels(joined, windows.image_size, how.rule)
    claimed = places != UNCLAIMED
    whole = np.where(claimed, places, label).astype(np.uint8)
    return RefinedLabel(whole, joined, claimed, sum(map(len, coarse)), believed)


def _parts(
    label: NDArray[np.uint8], classes: frozenset[int] | None, ignored: int
) -> tuple[NDArray[np.bool_], Tensor]:
    """Coarse masks ``(M, h, w)`` of a window, and the class ``(M,)`` of each."""
    found = [int(each) for each in np.unique(label) if each != ignored]
    if classes is not None:
        found = [each for each in found if each in classes]
    masks = [class_parts(label == each) for each in found]
    nothing = np.zeros((0, *label.shape), np.bool_)
    owners = [each for each, own in zip(found, masks, strict=True) for _ in own]
    return np.concatenate([nothing, *masks]), torch.tensor(owners, dtype=torch.int64)


def _agreements(one: Tensor, other: Tensor) -> Tensor:
    """IoU ``(M,)`` of masks ``(M, h, w)`` bool, one by one."""
    common = (one & other).flatten(1).sum(dim=1)
    either = (one | other).flatten(1).sum(dim=1)
    return common / either.clamp(min=1)


def _told(size: Sequence[int]) -> str:
    return "×".join(str(int(each)) for each in size)
