"""A trained network beside the words: which classes are there at all, and what nothing claims."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.files import content_key
from goodsam_pl.segmenter import Segmenter, load
from goodsam_pl.taxonomy import IGNORE_INDEX, Taxonomy, remap_table

__all__ = ["TeacherLabels", "classes_there"]


class TeacherLabels:
    """What a teacher assistant says of images, in the classes that are asked for.

    Args:
        path: its weights, as ``goodsam export`` writes them, or a checkpoint.
        taxonomy: the classes that are asked for; ``None`` takes its own.

    Attributes:
        taxonomy: the classes of what it says.
        sha256: of the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, or its classes cannot be told in those that are asked for.
    """

    def __init__(self, path: Path, taxonomy: Taxonomy | None = None) -> None:
        self.sha256 = content_key(path)
        self._network: Segmenter = load(path)
        self.taxonomy = taxonomy or self._network.taxonomy
        self._table = remap_table(self._network.taxonomy, self.taxonomy)

    def to(self, device: torch.device) -> None:
        """Move to a device."""
        self._network.network.to(device)

    def look(self, image: Path) -> NDArray[np.uint8]:
        """TrainIds ``(H, W)`` at the size of the file; void where it does not look.

        Raises:
            ValueError: an unreadable file, or one of another field of view.
        """
        labels: NDArray[np.uint8] = self._table[self._network.predict(image)]
        return labels


def classes_there(labels: NDArray[np.uint8], least_share: float) -> frozenset[int]:
    """The classes that have more than a share of the pixels ``(H, W)`` that have any."""
    counts = np.bincount(labels.reshape(-1), minlength=IGNORE_INDEX + 1)[:IGNORE_INDEX]
    least = least_share * counts.sum()
    return frozenset(int(each) for each in np.flatnonzero(counts > least))
