"""What everyone says at one pixel of a panorama: the truth, networks, masks and fusions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from goodsam_pl.fusion import MaskVotes
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.fused_panorama import FusedPanorama
from goodsam_pl.views.panorama_look import PanoramaLook

__all__ = ["ClassAt", "FusedAt", "MaskAt", "PixelLook", "pixel_at"]


class ClassAt(NamedTuple):
    """What a network says.

    Attributes:
        name: of the likeliest class.
        probability: of that class.
    """

    name: str
    probability: float


class FusedAt(NamedTuple):
    """What a fusion says.

    Attributes:
        name: of the likeliest class of E.
        probability: of that class.
        weight: M, in [0, 1].
    """

    name: str
    probability: float
    weight: float


class MaskAt(NamedTuple):
    """A mask that holds the pixel.

    Attributes:
        family: of its window.
        window: its number in the family; ``None`` for a mask of the whole panorama, counted all
            around.
        number: the mask's id.
        area: its pixels there.
        votes: the share of its pixels with each label, the largest first, those above 0. The
            largest is Y_max.
    """

    family: int
    window: int | None
    number: int
    area: int
    votes: Mapping[str, float]


@dataclass(frozen=True)
class PixelLook:
    """One pixel; ``str`` of it is a small table.

    Attributes:
        row: from the top.
        column: from the left.
        truth: name of the class; ``None`` where nobody knows.
        teacher: argmax S_TA^w.
        masks: that hold the pixel: of the whole panorama where there are such, then window by
            window, each from large to small.
        fusions: by the names that were given.
        student: where one was asked.
    """

    row: int
    column: int
    truth: str | None
    teacher: ClassAt
    masks: tuple[MaskAt, ...]
    fusions: Mapping[str, FusedAt]
    student: ClassAt | None

    def __str__(self) -> str:
        lines = [f"row {self.row}, column {self.column}"]
        if self.truth is not None:
            lines.append(_line("truth", self.truth))
        lines.append(_line("teacher assistant", *self.teacher))
        for mask in self.masks:
            where = "whole" if mask.window is None else f"W{mask.window}"
            votes = ", ".join(f"{name} {share:.2f}" for name, share in [*mask.votes.items()][:3])
            lines.append(f"  mask {mask.number} ({where}, {mask.area} px): {votes}")
        for name, said in self.fusions.items():
            lines.append(_line(name, said.name, said.probability) + f", M {said.weight:.2f}")
        if self.student is not None:
            lines.append(_line("student", *self.student))
        return "\n".join(lines)


def pixel_at(
    look: PanoramaLook, row: int, column: int, fused: Mapping[str, FusedPanorama] | None = None
) -> PixelLook:
    """Ask everyone about one pixel.

    Args:
        look: what was said of the panorama.
        row: of the pixel, from the top.
        column: from the left.
        fused: what fusions made of it, by name; ``None`` shows none.

    Raises:
        IndexError: no such pixel.
    """
    height, width = look.windows.image_size
    if not (0 <= row < height and 0 <= column < width):
        raise IndexError(f"row {row}, column {column}: the panorama has {height}×{width} pixels")
    classes = look.taxonomy.classes
    truth = None if look.truth is None else int(look.truth[row, column])
    student = look.student_logits
    return PixelLook(
        row=row,
        column=column,
        truth=None if truth in {None, look.taxonomy.ignore_index} else classes[int(truth or 0)],
        teacher=_likeliest(look.stitched[:, row, column], classes),
        masks=() if look.masks is None else tuple(_masks_at(look, row, column)),
        fusions={
            name: FusedAt(
                *_likeliest(each.ensemble[:, row, column], classes),
                weight=each.weight[row, column].item(),
            )
            for name, each in (fused or {}).items()
        },
        student=None
        if student is None
        else _likeliest(student[:, row, column].softmax(dim=0), classes),
    )


def _likeliest(probabilities: Tensor, classes: tuple[str, ...]) -> ClassAt:
    best, index = probabilities.max(dim=0)
    return ClassAt(classes[int(index)], best.item())


def _masks_at(look: PanoramaLook, row: int, column: int) -> Iterator[MaskAt]:
    taxonomy = look.taxonomy
    if look.whole_masks:
        votes = look.whole_votes()
        for number in _numbers(look.whole_layers()[:, row, column]):
            yield _mask_at(0, None, number, votes.areas, votes.shares, taxonomy)
    for family, grid in enumerate(look.windows.families):
        votes = look.votes(family)
        for window, top, left in _windows_at(grid, row, column):
            layers = (look.masks or ())[family][window]
            for number in _numbers(layers[:, row - top, left]):
                of_window = MaskVotes(votes.shares[window], votes.areas[window])
                yield _mask_at(family, window, number, of_window.areas, of_window.shares, taxonomy)


def _windows_at(grid: WindowGrid, row: int, column: int) -> Iterator[tuple[int, int, int]]:
    """The windows that hold a pixel: number, top edge, and the pixel's column inside."""
    height, width = grid.window_size
    for window in range(grid.count):
        top, left = grid.corner(window)
        inside = (column - left) % grid.image_size[1]
        if top <= row < top + height and inside < width:
            yield window, top, inside


def _numbers(layers: Tensor) -> list[int]:
    return sorted({int(each) for each in layers if each >= 0})


def _mask_at(
    family: int,
    window: int | None,
    number: int,
    areas: Tensor,
    shares: Tensor,
    taxonomy: Taxonomy,
) -> MaskAt:
    ranked = torch.argsort(shares[number], descending=True, stable=True).tolist()
    votes = {
        taxonomy.classes[each]: shares[number, each].item()
        for each in ranked
        if shares[number, each] > 0
    }
    return MaskAt(family, window, number, int(areas[number]), votes)


def _line(who: str, name: str, probability: float | None = None) -> str:
    told = "" if probability is None else f" {probability:.2f}"
    return f"{who}: {name}{told}"
