"""Shares of right points, each with how sure it is."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from point_scores.points import NAMES, Point
from point_scores.predictions import Answers

__all__ = ["Comparison", "Mistake", "Scores", "Share", "compare", "wilson"]

_NORMAL_95 = 1.959964
"""The quantile of the normal distribution that leaves 2.5 % above it."""


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson's score.

    The shares p that a count as far from n p as this one, or farther, does not speak against:
    those of (k/n - p)² <= z² p (1 - p) / n. It stays in [0, 1] and has a width at 0 and n of n.

    Args:
        right: k.
        count: n, at least 1. Points are taken for independent; those of one panorama are not quite,
            so that the true interval is wider.

    Returns:
        Lower and upper end.
    """
    share, square = right / count, _NORMAL_95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    spread = math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half = _NORMAL_95 * spread / (1 + square / count)
    # at k = 0 and n the two cancel but for rounding
    return max(0.0, middle - half), min(1.0, middle + half)


class Share(NamedTuple):
    """So many of so many points.

    Attributes:
        right: points at which the prediction has the class.
        points: of so many, at least 1.
    """

    right: int
    points: int

    @property
    def share(self) -> float:
        """Fraction of 1."""
        return self.right / self.points

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval, see :func:`wilson`."""
        return wilson(self.right, self.points)


class Mistake(NamedTuple):
    """A point and what was wrongly said there."""

    point: Point
    said: str


@dataclass(frozen=True)
class Scores:
    """Of one folder.

    Attributes:
        name: of the folder.
        total: of all points that are scored.
        by_class: of those of each class that has any, Cityscapes' order.
        mistakes: the others, in the order of the points.
        gained: points that are right here and wrong in the first folder.
        lost: points that are wrong here and right in the first folder.
    """

    name: str
    total: Share
    by_class: dict[str, Share]
    mistakes: list[Mistake]
    gained: int
    lost: int

    def mean(self, least: int = 1) -> float:
        """Mean of the classes' shares: each class counts alike, however many points it has.

        Args:
            least: classes of fewer points are left out.

        Raises:
            ValueError: no class has so many.
        """
        shares = [each.share for each in self.by_class.values() if each.points >= least]
        if not shares:
            raise ValueError(
                f"no class has {least} points that are scored: ask for fewer (--least)"
            )
        return sum(shares) / len(shares)


@dataclass(frozen=True)
class Comparison:
    """Of several folders at the same points.

    Attributes:
        scores: by folder.
        scored: points at which all of them are scored.
        outside_band: points at which one of them has no label.
        outside_classes: points of a class that is not asked for, or that one of them cannot say.
    """

    scores: list[Scores]
    scored: list[Point]
    outside_band: list[Point]
    outside_classes: list[Point]


def compare(
    points: Sequence[Point], answers: Sequence[Answers], classes: Collection[str]
) -> Comparison:
    """Score folders at the points that all of them can be scored at.

    Args:
        points: all of them.
        answers: of each folder, at least one.
        classes: those that are asked for, Cityscapes' names.

    Raises:
        ValueError: no point is left.
    """
    asked = frozenset(classes).intersection(*(each.classes for each in answers))
    outside_classes = [point for point in points if point.label not in asked]
    rest = [point for point in points if point.label in asked]
    outside_band = [point for point in rest if any(each.said[point] is None for each in answers)]
    apart = frozenset(outside_band)
    scored = [point for point in rest if point not in apart]
    if not scored:
        raise ValueError(
            f"no point is left to score: of {len(points)}, {len(outside_classes)} are of classes "
            f"that are not scored and {len(outside_band)} lie where there are no labels"
        )
    first = answers[0].said
    return Comparison(
        [_score(each, scored, first) for each in answers], scored, outside_band, outside_classes
    )


def _score(answers: Answers, scored: Sequence[Point], first: Mapping[Point, str | None]) -> Scores:
    right = {point: answers.said[point] == point.label for point in scored}
    by_class = {}
    for name in NAMES.classes:
        own = [right[point] for point in scored if point.label == name]
        if own:
            by_class[name] = Share(sum(own), len(own))
    mistakes = [
        Mistake(point, said)
        for point in scored
        if (said := answers.said[point]) is not None and not right[point]
    ]
    before = {point: first[point] == point.label for point in scored}
    return Scores(
        answers.name,
        Share(sum(right.values()), len(scored)),
        by_class,
        mistakes,
        gained=sum(right[point] and not before[point] for point in scored),
        lost=sum(before[point] and not right[point] for point in scored),
    )
