"""What can be known without labels of how well a mask fits what the teacher assistant sees.

All of it is counted in whole pixels, so that no order of masks or columns changes a result. (Our
choice throughout.)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from types import EllipsisType
from typing import NamedTuple

import torch
from torch import Tensor

from goodsam_pl.fusion.votes import sum_by_mask

__all__ = ["Observed", "border_contrast", "border_pixels", "crossing", "disagreement"]

_Place = tuple[EllipsisType, slice, slice]


class Observed(NamedTuple):
    """What is seen of M masks of n pictures, float64 ``(M, n)`` each; 0 of ids that are not there.

    Attributes:
        area: pixels.
        contrast: see :func:`border_contrast`.
        disagreement: see :func:`disagreement`.
        crossing: see :func:`crossing`.
    """

    area: Tensor
    contrast: Tensor
    disagreement: Tensor
    crossing: Tensor

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the masks of each picture, weighted by area: ``(1, n)``; 0 without any."""
        total = self.area.sum(dim=0, keepdim=True).clamp(min=1)
        return (self.area * values).sum(dim=0, keepdim=True) / total


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
    for first, second in _pairs(span, circular=circular):
        one, other = masks[first], masks[second]
        border = one != other
        picture = border.nonzero()[:, 0] * count
        changes = (labels[first] != labels[second])[:, None].expand_as(border)[border].long()
        for side in (one, other):
            own = side[border].long()
            there = own >= 0
            at = (picture + own)[there]
            pairs.index_add_(0, at, torch.ones_like(at))
            divided.index_add_(0, at, changes[there])
    return (divided.double() / pairs.clamp(min=1)).view(pictures, count)


def disagreement(shares: Tensor, entropy: Tensor) -> Tensor:
    """How much the opinions inside of a mask differ: their Jensen-Shannon divergence, nats.

    J = H(mean S) - mean H(S) is 0 where S is the same at all pixels, however unsure, and log K
    where all classes have as many pixels that are sure of them.

    Args:
        shares: mean S of each mask, ``(..., K)``.
        entropy: mean of the pixels' entropies, nats, ``(...)``.

    Returns:
        At least 0, ``(...)``.
    """
    of_mean: Tensor = torch.special.entr(shares).sum(dim=-1)
    return (of_mean - entropy).clamp(min=0)


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
    areas = sum_by_mask(masks, lengths, count)
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
