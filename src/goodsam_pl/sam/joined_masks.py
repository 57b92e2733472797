"""Masks of windows joined into masks of the panorama.

A window cuts what is larger than itself: a road runs through all windows of a panorama and leaves a
mask in each. Where two windows overlap, both have seen the same pixels; masks that agree there are
of one thing, and their union is its mask, across the seam too. (Our choice: the papers fuse window
by window.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.geometry import Overlap, WindowGrid
from goodsam_pl.masks.comparison import mask_ious
from goodsam_pl.masks.placed_mask import PlacedMask, arc, lay_placed
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["join_windows"]


class Piece(NamedTuple):
    """One mask of one window."""

    window: int
    mask: int


def join_windows(
    found: Sequence[WindowMasks],
    windows: WindowGrid,
    agreement: float = 0.75,
    repeat_iou: float = 0.7,
) -> WindowMasks:
    """Join the masks of all windows of a panorama.

    Masks of two windows are of one thing if, on the pixels that both windows hold, they are each
    other's best match and their IoU reaches ``agreement``. A thing has at most one mask in each
    window: the surest links are made first. What is then still there twice, by the IoU of boxes,
    is kept once, with the higher predicted IoU.

    Args:
        found: the masks of each window, in the grid's order.
        windows: the grid.
        agreement: least IoU on an overlap.
        repeat_iou: of two masks whose boxes have a higher IoU, the one with the lower predicted
            IoU is dropped.

    Returns:
        The masks of the panorama as those of one window of its size, without logits. Boxes may
        reach beyond the seam: their right side is then W or more.

    Raises:
        ValueError: not as many sets as windows, or of another size.
    """
    if len(found) != windows.count or {each.size for each in found} != {windows.window_size}:
        raise ValueError(
            f"{len(found)} sets of masks of {sorted({each.size for each in found})} do not belong "
            f"to {windows.count} windows of {windows.window_size}"
        )
    binary = [each.binary().numpy() for each in found]
    links = [link for overlap in windows.overlaps() for link in _links(binary, overlap, agreement)]
    groups = _group(
        [Piece(w, m) for w, masks in enumerate(binary) for m in range(len(masks))], links
    )
    placed = [_place(group, found, binary, windows) for group in groups]
    kept = _drop_repeats(placed, windows.image_size[1], repeat_iou)
    return lay_placed([placed[index] for index in kept], windows.image_size)


def _links(
    binary: Sequence[NDArray[np.bool_]], overlap: Overlap, agreement: float
) -> list[tuple[float, Piece, Piece]]:
    """Pairs of masks, each the other's best match on an overlap, with their IoU there."""
    first, second = binary[overlap.first], binary[overlap.second]
    if not len(first) or not len(second):
        return []
    one, other = first[:, *overlap.in_first], second[:, *overlap.in_second]
    iou = mask_ious(torch.from_numpy(one), torch.from_numpy(other)).numpy()
    best = iou.argmax(axis=1)
    return [
        (float(iou[index, match]), Piece(overlap.first, index), Piece(overlap.second, int(match)))
        for index, match in enumerate(best)
        if iou[index, match] >= agreement and iou[:, match].argmax() == index
    ]


def _group(pieces: Sequence[Piece], links: list[tuple[float, Piece, Piece]]) -> list[list[Piece]]:
    """Pieces that belong together; no two of one window."""
    group_of = {piece: [piece] for piece in pieces}
    for _, one, other in sorted(links, key=lambda link: (-link[0], link[1:])):
        first, second = group_of[one], group_of[other]
        if {piece.window for piece in first}.isdisjoint(piece.window for piece in second):
            first += second
            group_of.update(dict.fromkeys(second, first))
    return list({id(group): group for group in group_of.values()}.values())


def _place(
    group: list[Piece],
    found: Sequence[WindowMasks],
    binary: Sequence[NDArray[np.bool_]],
    windows: WindowGrid,
) -> PlacedMask:
    """The union of some pieces, cut to its box on the circle; scores are means by area."""
    height, width = windows.image_size
    window_height, window_width = windows.window_size
    canvas = np.zeros((height, 2 * width), dtype=np.bool_)
    for piece in group:
        top, left = windows.corner(piece.window)
        region = canvas[top : top + window_height, left : left + window_width]
        region |= binary[piece.window][piece.mask]
    canvas = canvas[:, :width] | canvas[:, width:]
    left, count = arc(np.asarray(canvas.any(axis=0)))
    rows = np.flatnonzero(canvas.any(axis=1))
    top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
    columns = np.arange(left, left + count) % width
    areas = np.array([float(found[piece.window].areas[piece.mask]) for piece in group])
    predicted_iou, stability = (
        float(np.average([scores[piece.window][piece.mask] for piece in group], weights=areas))
        for scores in ([each.predicted_iou for each in found], [each.stability for each in found])
    )
    shape = canvas[top:bottom][:, columns]
    return PlacedMask(top, left, shape, predicted_iou, stability)


def _drop_repeats(placed: Sequence[PlacedMask], circle: int, most: float) -> list[int]:
    """Non-maximum suppression by boxes on a circle; what is kept, largest mask first."""
    boxes = np.array([mask.box for mask in placed], dtype=np.float64).reshape(-1, 4)
    scores = np.array([mask.predicted_iou for mask in placed])
    order = np.argsort(-scores, kind="stable")
    iou = _box_iou(boxes, circle)
    alive = np.ones(len(placed), dtype=np.bool_)
    for place, index in enumerate(order):
        if alive[index]:
            later = order[place + 1 :]
            alive[later[iou[index, later] > most]] = False
    areas = np.array([mask.area for mask in placed])
    kept = alive.nonzero()[0]
    return [int(index) for index in kept[np.argsort(-areas[kept], kind="stable")]]


def _box_iou(boxes: NDArray[np.float64], circle: int) -> NDArray[np.float64]:
    """IoU of all pairs of boxes, sides as ``segment_anything`` measures them (last − first)."""
    left, top, right, bottom = boxes.T
    across = sum(
        _overlap(left, right, left + shift, right + shift) for shift in (-circle, 0, circle)
    )
    shared = across * _overlap(top, bottom, top, bottom)
    area = (right - left) * (bottom - top)
    union = area[:, None] + area[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))


def _overlap(
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    other_first: NDArray[np.float64],
    other_last: NDArray[np.float64],
) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.maximum(
        np.minimum(last[:, None], other_last[None]) - np.maximum(first[:, None], other_first[None]),
        0,
    )
    return lengths
