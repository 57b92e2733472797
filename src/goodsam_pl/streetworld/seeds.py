"""Seeds: which scene belongs to which split, and streams of random numbers within a scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["SPLITS", "Dice"]

Item = TypeVar("Item")

SPLITS: dict[str, range] = {
    "train": range(100_000),
    "val": range(100_000, 200_000),
    "test": range(200_000, 300_000),
    "pretrain": range(300_000, 500_000),
    "sam_train": range(500_000, 700_000),
    "sam_test": range(700_000, 800_000),
}
"""Disjoint seeds: a scene of one split never shows up in another.

``pretrain`` is for starting weights, ``sam_train`` and ``sam_test`` are for the small SAM.
"""


class Dice:
    """Uniform numbers from one PCG64 stream, drawn in blocks because single draws are slow.

    Args:
        seed: of the scene.
        stream: number of the part of the scene. Parts have their own streams, so that a change in
            one leaves the others as they were.
    """

    def __init__(self, seed: int, stream: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64([seed, stream]))
        self._numbers: list[float] = []

    def random(self) -> float:
        """One number in [0, 1)."""
        if not self._numbers:
            self._numbers = self._generator.random(512).tolist()
        return self._numbers.pop()

    def uniform(self, low: float, high: float) -> float:
        """One number in [low, high)."""
        return low + (high - low) * self.random()

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.random() < probability

    def integer(self, low: int, high: int) -> int:
        """One integer in [low, high]."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, all equally likely."""
        return items[int(self.random() * len(items))]

    def weighted(self, weights: Sequence[float]) -> int:
        """Index of one of the weights, each with the probability of its share."""
        mark = self.random() * sum(weights)
        for index, weight in enumerate(weights):
            mark -= weight
            if mark < 0:
                return index
        return len(weights) - 1

    def sign(self) -> float:
        """Either 1.0 or -1.0."""
        return 1.0 if self.random() < 0.5 else -1.0
