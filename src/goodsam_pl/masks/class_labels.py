"""One label a pixel from masks with a class, several of which may claim it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.masks.joined_concepts import ClassMask

__all__ = ["UNCLAIMED", "Evidence", "OverlapRule", "claimed_share", "label_pixels"]

OverlapRule = Literal["query_order", "score", "area", "score_sum", "evidence"]
"""Who gets a pixel that several masks claim."""

UNCLAIMED = -1
"""The label of pixels that no mask claims."""

_STEPS = 1 << 16
"""Scores are summed as whole numbers of so many steps: then the order does not show in the sum."""

_NO_MASK = np.iinfo(np.int64).max
"""The area of the smallest mask of a class where it has none."""

Labels = NDArray[np.int16]

Evidence = Callable[[int], NDArray[np.float32]]
"""How much of a concept is to be seen at each pixel, ``(H, W)``."""


def label_pixels(
    masks: Sequence[ClassMask],
    size: tuple[int, int],
    rule: OverlapRule,
    evidence: Evidence | None = None,
) -> Labels:
    """Give every pixel one class at most.

    - ``query_order``: masks are painted in the order in which they were found, the last on top: as
      released (Sun et al., arXiv 2305.01586). Over several windows by the order within a window,
      and of those alike the smallest on top.
    - ``score``: the mask with the highest score on top, of equal scores the smallest.
    - ``area``: the smallest mask on top, of equal areas that with the highest score. (Our choice:
      whatever is in front of something else is smaller than that.)
    - ``score_sum``: the class whose masks have the highest sum of scores there; of equal sums that
      of the smallest mask. Which mask comes first does not matter. (After a usage of SAM 3's.)
    - ``evidence``: of the classes whose masks lie there that with the most evidence; of equal ones
      that of the smallest mask. (Our choice: masks say where things are, and evidence whose.)

    What is then still undecided goes to the class that was named later by the first three, and
    earlier by the others.

    Args:
        masks: of one image.
        size: its height and width, pixels.
        rule: who gets a pixel that several masks claim.
        evidence: of a concept, for the rule of that name.

    Returns:
        int16 ``(H, W)``, places among the classes that were asked for; :data:`UNCLAIMED` where
        there is no mask.

    Raises:
        ValueError: no such rule, or ``evidence`` without any.
    """
    if rule not in get_args(OverlapRule):
        raise ValueError(f"the rule is {rule!r}: choose one of {', '.join(get_args(OverlapRule))}")
    if rule == "score_sum":
        return _strongest(masks, size, partial(_sum_of_scores, masks, size))
    if rule == "evidence":
        if evidence is None:
            raise ValueError(
                "the rule is evidence, and nobody says how much of each class is seen where: "
                "Sam3Concepts does; choose another rule"
            )
        return _strongest(masks, size, evidence)
    keys = {
        "query_order": lambda mask: (mask.rank, -mask.area, mask.concept),
        "score": lambda mask: (mask.score, -mask.area, mask.concept),
        "area": lambda mask: (-mask.area, mask.score, mask.concept),
    }
    labels = np.full(size, UNCLAIMED, np.int16)
    for mask in sorted(masks, key=keys[rule]):
        labels[_where(mask, size)] = mask.concept
    return labels


def claimed_share(labels: Labels) -> float:
    """Of the pixels, in [0, 1]."""
    return float((labels != UNCLAIMED).mean())


def _strongest(
    masks: Sequence[ClassMask],
    size: tuple[int, int],
    strength: Callable[[int], NDArray[np.int64] | NDArray[np.float32]],
) -> Labels:
    """Of the classes whose masks lie there the strongest, of equal ones that of the smallest mask.

    Class after class, so that memory does not grow with their number.
    """
    labels = np.full(size, UNCLAIMED, np.int16)
    best = np.full(size, -1, np.float64)  # holds sums of scores exactly
    smallest = np.zeros(size, np.int64)
    for concept in sorted({mask.concept for mask in masks}):
        area = np.full(size, _NO_MASK)
        for mask in masks:
            if mask.concept == concept:
                there = _where(mask, size)
                area[there] = np.minimum(area[there], mask.area)
        own = strength(concept)
        claimed = area < _NO_MASK
        wins = claimed & ((own > best) | ((own == best) & (area < smallest)))
        labels[wins], best[wins], smallest[wins] = concept, own[wins], area[wins]
    return labels


def _sum_of_scores(
    masks: Sequence[ClassMask], size: tuple[int, int], concept: int
) -> NDArray[np.int64]:
    """Of the masks of one class, in steps, ``(H, W)``."""
    total = np.zeros(size, np.int64)
    for mask in masks:
        if mask.concept == concept:
            total[_where(mask, size)] += round(mask.score * _STEPS)
    return total


def _where(mask: ClassMask, size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of its pixels."""
    rows, columns = mask.shape.nonzero()
    return rows + mask.top, (columns + mask.left) % size[1]
