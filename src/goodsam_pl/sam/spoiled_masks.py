"""True instances of a panorama turned into masks that are wrong in ways that masks are.

All that is random about an instance is drawn at once, whether the dial asks for it or not: along
the dial the same masks go wrong, only further. (Our choice throughout.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from goodsam_pl.masks.layers import Binary
from goodsam_pl.masks.placed_mask import PlacedMask, arc
from goodsam_pl.sam.oracle_dial import OracleDial

__all__ = ["spoil"]

_BEND = 8
"""Pixels between the places where a rough edge is pulled."""

_MOST_BENT = 3.0
"""Standard deviations that a rough edge strays at most."""

_SOFT = 0.25
"""By how much larger or smaller the errors of the edge are, for the stability."""

Floats = NDArray[np.float32]
Integers = NDArray[np.integer[Any]]


class Fate(NamedTuple):
    """What is random about one mask: uniform numbers in [0, 1), and normal ones.

    Attributes:
        missed, split, doubled: it is so, if the dial's probability is larger.
        angle: of the line that cuts it, uniform, in turns.
        score: error of its predicted IoU and of its stability.
        grown: of its edge.
        shifted: down and to the right.
        bends: ``(h, w)``, of its edge, at places on the whole panorama.
    """

    missed: float
    split: float
    doubled: float
    angle: float
    score: tuple[float, float]
    grown: float
    shifted: tuple[float, float]
    bends: Floats


class Canvas(NamedTuple):
    """A part of a panorama around a mask; rows go on beyond the image as its outermost do.

    Attributes:
        rows: of the panorama, some of them outside of it.
        columns: likewise, they may go on beyond the seam.
        inside: ``(h, w)`` bool, the mask.
        kept: what of the canvas is looked at: nothing twice, nothing outside of the panorama.
    """

    rows: Integers
    columns: Integers
    inside: Binary
    kept: tuple[slice, slice]


def spoil(
    instances: Integers, dial: OracleDial, seed: Sequence[int], score_noise: float
) -> list[PlacedMask]:
    """Make masks of the instances of a panorama.

    Args:
        instances: ``(H, W)``, an id each; they mean nothing.
        dial: what is wrong with the masks.
        seed: of all that is random.
        score_noise: standard deviation of the errors of both scores.

    Returns:
        Masks sorted by area, largest first. The predicted IoU is that with the best instance, the
        stability that of the mask with errors of its edge a quarter larger and a quarter smaller;
        both with noise, from 0 to 1.
    """
    ids, dense = np.unique(instances, return_inverse=True)
    dense = dense.reshape(instances.shape)
    areas = np.bincount(dense.ravel())
    masks = []
    for group in groups(dense, len(ids), dial.merged, np.random.default_rng([*seed, 0])):
        random = np.random.default_rng([*seed, 1, group[0]])
        fates = [_draw(random, instances.shape) for _ in range(4)]
        for part, fate in _parts(np.isin(dense, group), fates, dial):
            mask = _draw_mask(part, fate, dial)
            if mask is not None and mask.area >= dial.minimum_area:
                masks.append(_scored(mask, dense, areas, fate, score_noise))
    return sorted(masks, key=lambda mask: -mask.area)


def groups(
    dense: Integers, count: int, merged: float, random: np.random.Generator
) -> Iterator[list[int]]:
    """Which instances are one mask: each alone, or a pair of neighbours.

    Args:
        dense: ``(H, W)``, instances numbered from 0.
        count: how many.
        merged: probability that an instance asks its neighbour.
        random: draws who asks, and in which order.
    """
    borders = np.zeros((count, count), dtype=np.int64)
    for one, other in ((dense, np.roll(dense, -1, axis=1)), (dense[:-1], dense[1:])):
        np.add.at(borders, (one.ravel(), other.ravel()), 1)
    borders += borders.T
    np.fill_diagonal(borders, 0)
    asks, order = random.uniform(size=count), random.permutation(count)
    partner: dict[int, int] = {}
    for number in order[asks[order] < merged].tolist():
        nearest = int(borders[number].argmax())
        if borders[number, nearest] and number not in partner and nearest not in partner:
            partner[number], partner[nearest] = nearest, number
    for number in range(count):
        second = partner.get(number, number)
        if number <= second:
            yield [number] if number == second else [number, second]


def _draw(random: np.random.Generator, size: tuple[int, ...]) -> Fate:
    missed, split, doubled, angle = random.uniform(size=4).tolist()
    normal = random.standard_normal(5).tolist()
    grid = (math.ceil(size[0] / _BEND), math.ceil(size[1] / _BEND))
    bends = random.standard_normal(grid, dtype=np.float32)
    scores, shifted = (normal[0], normal[1]), (normal[2], normal[3])
    return Fate(missed, split, doubled, angle, scores, normal[4], shifted, bends)


def _parts(
    inside: Binary, fates: Sequence[Fate], dial: OracleDial
) -> Iterator[tuple[Binary, Fate]]:
    """None, one or two parts of a mask, each once or twice.

    Args:
        inside: ``(H, W)``.
        fates: two of the first part, and two of the second.
        dial: which of it is so.
    """
    if fates[0].missed < dial.missed:
        return
    parts = _halves(inside, fates[0].angle) if fates[0].split < dial.split else [inside]
    for number, part in enumerate(parts):
        own, again = fates[2 * number : 2 * number + 2]
        yield part, own
        if own.doubled < dial.doubled:
            yield part, again


def _halves(inside: Binary, turns: float) -> list[Binary]:
    """Cut a mask by a line through the middle of its pixels; on the circle, around its arc."""
    rows, columns = inside.nonzero()
    left, _ = arc(np.asarray(inside.any(axis=0)))
    along = (columns - left) % inside.shape[1]
    angle = 2 * math.pi * turns
    side = math.cos(angle) * (along - along.mean()) + math.sin(angle) * (rows - rows.mean())
    first = np.zeros_like(inside)
    first[rows, columns] = side > 0
    return [half for half in (first, inside & ~first) if half.any()]


def _draw_mask(inside: Binary, fate: Fate, dial: OracleDial) -> PlacedMask | None:
    """A mask with the errors of its edge; ``None`` if nothing of it is left."""
    shifted = max(abs(dial.shifted * each) for each in fate.shifted)
    margin = abs(dial.grown * fate.grown) + _MOST_BENT * dial.rough + shifted
    canvas = _canvas(inside, math.ceil((1 + _SOFT) * margin) + 1)
    if dial.grown == dial.shifted == dial.rough == 0:
        return _placed(canvas, canvas.inside, canvas.inside, canvas.inside)
    distance = _distance(canvas.inside)
    bends = dial.grown * fate.grown + dial.rough * _bends(canvas, fate.bends)
    down, right = (dial.shifted * each for each in fate.shifted)
    drawn, one, other = (
        _moved(distance, scale * down, scale * right) + scale * bends > 0
        for scale in (1.0, 1 - _SOFT, 1 + _SOFT)
    )
    return _placed(canvas, drawn, one, other)


def _distance(inside: Binary) -> Floats:
    """Distance of each pixel's middle to the edge, pixels, positive inside."""
    within, without = (
        cv2.distanceTransform(each.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for each in (inside, ~inside)
    )
    return np.asarray(np.where(inside, within - 0.5, 0.5 - without), dtype=np.float32)


def _moved(values: Floats, down: float, right: float) -> Floats:
    rows, columns = np.indices(values.shape, dtype=np.float32)
    places = columns - np.float32(right), rows - np.float32(down)
    moved = cv2.remap(values, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _bends(canvas: Canvas, bends: Floats) -> Floats:
    """How far the edge is pulled at each pixel of a canvas, in standard deviations."""
    columns, rows = np.meshgrid(canvas.columns / _BEND, canvas.rows / _BEND)
    places = columns.astype(np.float32), rows.astype(np.float32)
    smooth = cv2.remap(bends, *places, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
    return np.asarray(np.clip(smooth, -_MOST_BENT, _MOST_BENT), dtype=np.float32)


def _canvas(inside: Binary, margin: int) -> Canvas:
    height, width = inside.shape
    present = np.flatnonzero(inside.any(axis=1))
    left, count = arc(np.asarray(inside.any(axis=0)))
    whole = count + 2 * margin > width
    if whole:
        left, count = 0, width
    rows = np.arange(present[0] - margin, present[-1] + 1 + margin)
    columns = np.arange(left - margin, left + count + margin)
    shown = inside[np.ix_(rows.clip(0, height - 1), columns % width)]
    top = max(0, -int(rows[0]))
    down = slice(top, top + min(height, int(rows[-1]) + 1) - max(0, int(rows[0])))
    across = slice(margin, margin + width) if whole else slice(0, len(columns))
    return Canvas(rows, columns, shown, (down, across))


def _placed(canvas: Canvas, drawn: Binary, one: Binary, other: Binary) -> PlacedMask | None:
    """Cut a mask to its box; its stability is the IoU of the two others."""
    drawn, one, other = (each[canvas.kept] for each in (drawn, one, other))
    if not drawn.any():
        return None
    stability = int(np.count_nonzero(one & other)) / max(1, int(np.count_nonzero(one | other)))
    rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    top = int(canvas.rows[canvas.kept[0]][rows[0]])
    left = int(canvas.columns[canvas.kept[1]][columns[0]])
    return PlacedMask(top, left, drawn[box], 1.0, stability)


def _scored(
    mask: PlacedMask, dense: Integers, areas: Integers, fate: Fate, noise: float
) -> PlacedMask:
    """The mask with its IoU with the best instance, both scores with noise."""
    height, width = mask.shape.shape
    columns = np.arange(mask.left, mask.left + width) % dense.shape[1]
    rows = np.arange(mask.top, mask.top + height)
    shared = np.bincount(dense[np.ix_(rows, columns)][mask.shape], minlength=len(areas))
    iou = float((shared / (mask.area + areas - shared)).max())
    predicted_iou, stability = (
        min(1.0, max(0.0, score + noise * error))
        for score, error in zip((iou, mask.stability), fate.score, strict=True)
    )
    left = mask.left % dense.shape[1]
    return mask._replace(left=left, predicted_iou=predicted_iou, stability=stability)
