"""What can be known without labels of how well a mask fits what the teacher assistant sees.

All of it is counted in whole pixels, so that no order of masks or columns changes a result. (Our
choice throughout.)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from types import EllipsisType

import torch
from torch import Tensor

__all__ = ["border_contrast", "border_pixels", "crossing"]

_Place = tuple[EllipsisType, slice, slice]


def border_pixels(masks: Tensor, width: int, *, circular: bool) -> Tensor:
    """Pixels of a mask with one outside of it at most ``width`` away in their row or column.

    Args:
        masks: ids in layers, int ``(..., h, w)``, -1 where there is no mask.
        width: pixels; 0 finds none.
        circular: the left border goes on at the right one.

    Returns:
        bool ``(..., h, w)``; what lies outside of the picture is no neighbour.
    """
    found = torch.zeros_like(masks, dtype=torch.bool)
    for distance in range(1, width + 1):
        for first, second in _pairs(distance, circular=circular):
            differs = masks[first] != masks[second]
            found[first] |= differs
            found[second] |= differs
    return found & (masks >= 0)


def border_contrast(
    labels: Tensor, masks: Tensor, count: int, span: int, *, circular: bool
) -> Tensor:
    """How much of a mask's border divides what the teacher assistant gives different labels.

    Of all pairs of pixels ``span`` apart in a row or column, one inside of the mask and one not,
    the share whose labels differ. A mask of an object that has a border of its class all around
    has 1; one that lies anywhere has what two pixels so far apart have on average.

    Args:
        labels: argmax of S, int ``(n, h, w)``.
        masks: ids in layers, int ``(n, L, h, w)``, -1 where there is no mask.
        count: M, more than every id.
        span: pixels; a few, as the teacher assistant's edges lie beside the true ones.
        circular: the left border goes on at the right one.

    Returns:
        float64 ``(n, M)`` in [0, 1]; 0 of masks without a border, and of ids that are not there.
    """
    pictures = len(masks)
    pairs = torch.zeros(pictures * count, dtype=torch.int64, device=masks.device)
    divided = torch.zeros_like(pairs)
    numbers = torch.arange(pictures, device=masks.device).view(-1, 1, 1, 1) * count + masks
    for first, second in _pairs(span, circular=circular):
        border = masks[first] != masks[second]
        changes = (labels[first] != labels[second])[:, None].expand_as(border)
        for side in (first, second):
            own = border & (masks[side] >= 0)
            at = numbers[side][own]
            pairs.index_add_(0, at, torch.ones_like(at))
            divided.index_add_(0, at, changes[own].long())
    return (divided.double() / pairs.clamp(min=1)).view(pictures, count)


def crossing(masks: Tensor, lengths: Tensor, count: int) -> Tensor:
    r"""How much of a mask lies in masks that neither hold it nor lie in it.

    .. math:: X(m) = \frac{1}{|m|} \sum_{m'} |m \cap m'| \,
        \left(1 - \frac{|m \cap m'|}{\min(|m|, |m'|)}\right)

    Masks of one thing are alike, and those of a thing and of its part nest: both hardly cross.

    Args:
        masks: numbers of each run's masks, int ``(L, R)``, 0 is none; a mask lies in one layer.
        lengths: pixels of each run, int64 ``(R,)``.
        count: more than every number.

    Returns:
        float64 ``(count,)``, at least 0; 0 at numbers that are not there.
    """
    areas = lengths.new_zeros(count)
    for layer in masks:
        areas.index_add_(0, layer, lengths)
    found = torch.zeros(count, dtype=torch.float64, device=areas.device)
    for first, second in combinations(masks, 2):
        both = (first > 0) & (second > 0)
        pairs, place = (first[both].long() * count + second[both]).unique(return_inverse=True)
        shared = areas.new_zeros(len(pairs)).index_add_(0, place, lengths[both])
        one, other = pairs // count, pairs % count
        apart = shared * (1 - shared.double() / torch.minimum(areas[one], areas[other]))
        found.index_add_(0, one, apart)
        found.index_add_(0, other, apart)
    return found / areas.clamp(min=1)


def _pairs(distance: int, *, circular: bool) -> Iterator[tuple[_Place, _Place]]:
    """Where pixels and those ``distance`` to their right, and below them, stand in ``(..., h, w)``.

    A picture of fewer rows or columns has none.
    """
    everything, ahead, behind = slice(None), slice(None, -distance), slice(distance, None)
    yield (..., everything, ahead), (..., everything, behind)
    yield (..., ahead, everything), (..., behind, everything)
    if circular:
        yield (..., everything, slice(-distance, None)), (..., everything, slice(distance))
