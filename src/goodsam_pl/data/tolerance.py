"""Prediction goes on past files that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from torch.utils.data import Dataset

from goodsam_pl.data.batch import PanoramaBatch, SourceBatch
from goodsam_pl.data.entries import Entry

__all__ = ["Choose", "TolerantCollate", "TolerantDataset", "Unreadable"]

Choose = Callable[[Sequence[Entry]], Sequence[int]]
"""Says which of the images that were listed are to be predicted, by their places in the list."""

_Sample = TypeVar("_Sample")


class Unreadable(NamedTuple):
    """Takes the place of a sample whose file is broken."""

    image: Path
    reason: str


class TolerantDataset(Dataset[Any]):
    """Some samples of a data set; an error of a file is handed on with the samples.

    So it passes from a loader's worker as any sample does, and ends nothing.

    Args:
        samples: gives the sample of each entry.
        entries: what was listed.
        chosen: which of them, by their places.
    """

    def __init__(
        self, samples: Dataset[_Sample], entries: Sequence[Entry], chosen: Sequence[int]
    ) -> None:
        self.samples = samples
        self.entries = entries
        self.chosen = chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Any:
        place = self.chosen[index]
        try:
            return self.samples[place]
        except (OSError, ValueError) as error:
            return Unreadable(self.entries[place].image, str(error))


class TolerantCollate:
    """Make a collate function put the reasons of unreadable files into the batch.

    Args:
        collate: makes a batch of samples.
        blank: stands in for an image where all files of a batch are unreadable, so that every
            batch has one; its name is empty.
    """

    def __init__(self, collate: Callable[[Any], PanoramaBatch | SourceBatch], blank: Any) -> None:
        self._collate: Callable[[Any], Any] = collate
        self._blank = blank

    def __call__(self, samples: Sequence[Any]) -> Any:
        """Make the batch."""
        unreadable = {each.image: each.reason for each in samples if isinstance(each, Unreadable)}
        readable = [each for each in samples if not isinstance(each, Unreadable)]
        return replace(self._collate(readable or [self._blank]), unreadable=unreadable)
