"""Masks with a class, of windows, joined into those of the whole image.

A window cuts what is larger than itself. Where two windows overlap, both have seen the same pixels:
masks of one class that agree there are of one thing, and their union is its mask, across the seam
of a panorama too. Nothing here depends on which window or which mask comes first, so that a
panorama turned about its axis gives the same masks, turned. (Our choice: the release asks about
whole photographs.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.geometry import Overlap, WindowGrid
from goodsam_pl.masks.comparison import mask_ious
from goodsam_pl.masks.concepts import ConceptMasks
from goodsam_pl.masks.layers import Binary, unpack_layers
from goodsam_pl.masks.placed_mask import arc

__all__ = ["ClassMask", "join_concepts"]


@dataclass(frozen=True, eq=False)
class ClassMask:
    """A mask with its class, cut out of the image.

    Attributes:
        top: first row, pixels.
        left: first column, 0 to W − 1; on a panorama the mask may go on beyond the seam.
        shape: ``(h, w)`` bool.
        concept: place of its class among those that were asked for.
        score: in [0, 1].
        rank: how many masks of its window were found before it.
    """

    top: int
    left: int
    shape: Binary
    concept: int
    score: float
    rank: int

    @property
    def area(self) -> int:
        """Pixels."""
        return int(np.count_nonzero(self.shape))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height, pixels; it may reach beyond the seam."""
        height, width = self.shape.shape
        return self.left, self.top, width, height


def join_concepts(
    found: Sequence[ConceptMasks], windows: WindowGrid, agreement: float = 0.5
) -> list[ClassMask]:
    """Join the masks of all windows of an image; of empty ones nothing is left.

    Masks of two windows are of one thing if they are of one class and, on the pixels that both
    windows hold, each other's best match with an IoU of at least ``agreement``. A joined mask has
    the highest of the scores, and the lowest rank.

    Args:
        found: the masks of each window, in the grid's order.
        windows: the grid.
        agreement: least IoU on an overlap.

    Raises:
        ValueError: not as many sets as windows, or of another size.
    """
    if len(found) != windows.count or {each.size for each in found} != {windows.window_size}:
        raise ValueError(
            f"{len(found)} sets of masks of {sorted({each.size for each in found})} do not belong "
            f"to {windows.count} windows of {windows.window_size}"
        )
    starts = np.cumsum([0, *map(len, found)])
    thing_of = list(range(int(starts[-1])))
    for overlap in windows.overlaps():
        for first, second in _links(found, overlap, agreement):
            one = _root(thing_of, int(starts[overlap.first]) + first)
            other = _root(thing_of, int(starts[overlap.second]) + second)
            thing_of[max(one, other)] = min(one, other)
    pieces: dict[int, list[tuple[int, int]]] = {}
    for window, masks in enumerate(found):
        for number in range(len(masks)):
            thing = _root(thing_of, int(starts[window]) + number)
            pieces.setdefault(thing, []).append((window, number))
    joined = (_place(group, found, windows) for group in pieces.values())
    return [mask for mask in joined if mask.shape.size]


def _links(
    found: Sequence[ConceptMasks], overlap: Overlap, agreement: float
) -> list[tuple[int, int]]:
    """Pairs of masks, each the other's best match of its class on an overlap."""
    first, second = found[overlap.first], found[overlap.second]
    if not len(first) or not len(second):
        return []
    one = unpack_layers(first.layers[:, *overlap.in_first], len(first))
    other = unpack_layers(second.layers[:, *overlap.in_second], len(second))
    alike = first.classes[:, None] == second.classes[None]
    iou = torch.where(alike, mask_ious(one, other), -1.0)
    # of equal matches all count: which mask comes first must not matter
    best = (iou == iou.amax(dim=1, keepdim=True)) & (iou == iou.amax(dim=0, keepdim=True))
    return [(int(index), int(match)) for index, match in (best & (iou >= agreement)).nonzero()]


def _root(thing_of: list[int], index: int) -> int:
    while thing_of[index] != index:
        index = thing_of[index]
    return index


def _place(
    pieces: list[tuple[int, int]], found: Sequence[ConceptMasks], windows: WindowGrid
) -> ClassMask:
    """The union of some pieces, cut to its box on the circle."""
    height, width = windows.image_size
    canvas = np.zeros((height, 2 * width), dtype=np.bool_)
    for window, number in pieces:
        top, left = windows.corner(window)
        tall, wide = windows.window_size
        shown: Tensor = (found[window].layers == number).any(dim=0)
        canvas[top : top + tall, left : left + wide] |= shown.numpy()
    whole = canvas[:, :width] | canvas[:, width:]
    rows = np.flatnonzero(whole.any(axis=1))
    top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
    left, count = arc(np.asarray(whole.any(axis=0)))
    columns = np.arange(left, left + count) % width
    return ClassMask(
        top=top,
        left=left,
        shape=whole[top:bottom][:, columns],
        concept=int(found[pieces[0][0]].classes[pieces[0][1]]),
        score=max(float(found[window].scores[number]) for window, number in pieces),
        rank=min(number for _, number in pieces),
    )
