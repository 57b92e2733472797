"""What looking at all files of splits adds up to, within each and across them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch.utils.data import DataLoader

from goodsam_pl.data.inspection import Fault, InspectedSplit, Inspection, Looked
from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["Duplicate", "SplitSums", "duplicates_of", "look_at_all"]


class Duplicate(NamedTuple):
    """Images with the same pixels.

    Attributes:
        files: each with the name of its split.
    """

    files: tuple[tuple[str, Path], ...]

    @property
    def is_leak(self) -> bool:
        """Whether what is trained on is scored as well."""
        trained = {name.split()[-1] == "train" for name, _ in self.files}
        return trained == {True, False}


@dataclass
class SplitSums:
    """Sums over a split.

    Attributes:
        split: its files.
        looked: what was found out about each, in order.
        same_as: the name of the split whose very files and labels it has, which were looked at
            there; ``None`` for files of its own.
        rehearsed: what its transforms cannot do.
    """

    split: InspectedSplit
    looked: list[Looked] = field(default_factory=list)
    same_as: str | None = None
    rehearsed: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[Fault]:
        """Of all its files."""
        return [fault for each in self.looked for fault in each.faults]

    @property
    def stops(self) -> bool:
        """Whether a training, or a score, would end with an error."""
        absent = self.split.found.absent is not None and self.split.is_trained_on
        return bool(self.split.found.faults or self.faults or self.rehearsed) or absent

    @property
    def labelled(self) -> int:
        """How many images have a label that can be read."""
        return sum(each.classes is not None for each in self.looked)

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """Pixels of each trainId in all labels, int64 ``(256,)``."""
        counts = [each.classes for each in self.looked if each.classes is not None]
        return np.sum(counts, axis=0, dtype=np.int64) if counts else np.zeros(256, np.int64)

    @property
    def void(self) -> float | None:
        """Share of pixels that have no class, of all labels; ``None`` without any."""
        pixels = int(self.classes.sum())
        return float(self.classes[IGNORE_INDEX] / pixels) if pixels else None

    @property
    def shares(self) -> Mapping[str, float]:
        """Of the pixels that have a class, by its name."""
        counts = self.classes[: len(self.split.class_names)]
        total = max(1, int(counts.sum()))
        return {
            name: float(count / total)
            for name, count in zip(self.split.class_names, counts, strict=True)
        }

    def without_class(self) -> list[Path]:
        """Images whose label is void everywhere."""
        return [
            entry.image
            for entry, each in zip(self.split.found.entries, self.looked, strict=False)
            if each.void == 1
        ]


def look_at_all(
    splits: Sequence[InspectedSplit], workers: int, advance: Callable[[], None]
) -> list[SplitSums]:
    """Look at each file of some splits.

    Of the images to train on, one of each size goes through the transforms of training, too.

    Args:
        splits: which.
        workers: processes that read; 0 reads in this one.
        advance: called after each file.
    """
    sums: list[SplitSums] = []
    for split in splits:
        entries = split.found.entries
        same = next(
            (each for each in sums if entries and each.split.found.entries == entries), None
        )
        if same is not None:
            sums.append(SplitSums(split, same_as=same.split.name))
            continue
        each = SplitSums(split)
        for looked in _loader(split, workers):
            each.looked.append(looked)
            advance()
        each.rehearsed = [*_rehearse(each)]
        sums.append(each)
    return sums


def _loader(split: InspectedSplit, workers: int) -> DataLoader[Any]:
    collate: Any = _as_it_is  # torch's type knows batches alone
    return DataLoader(Inspection(split), batch_size=None, collate_fn=collate, num_workers=workers)


def _rehearse(sums: SplitSums) -> Iterator[str]:
    if sums.split.rehearse is None:
        return
    places: dict[tuple[int, int], int] = {}
    for place, looked in enumerate(sums.looked):
        if looked.size is not None:
            places.setdefault(looked.size, place)
    for place in places.values():
        try:
            sums.split.rehearse(place)
        except (OSError, ValueError) as error:
            yield str(error)


def duplicates_of(sums: Sequence[SplitSums]) -> list[Duplicate]:
    """All images with the same pixels; those that are trained on and scored come first.

    A file that stands in two splits is one of them. Of splits that are the same one is counted, as
    validation and test often are; but not where the other one is trained on.
    """
    is_trained_on = {each.split.name: each.split.is_trained_on for each in sums}
    names = {each.split.name: [each.split.name] for each in sums}
    for each in sums:
        if each.same_as is not None and each.split.is_trained_on != is_trained_on[each.same_as]:
            names[each.same_as].append(each.split.name)
    found: dict[str, list[tuple[str, Path]]] = {}
    for each in sums:
        for entry, looked in zip(each.split.found.entries, each.looked, strict=False):
            if looked.content is not None:
                files = [(name, entry.image) for name in names[each.split.name]]
                found.setdefault(looked.content, []).extend(files)
    several = [Duplicate(tuple(files)) for files in found.values() if len(files) > 1]
    return sorted(several, key=lambda each: (not each.is_leak, each.files))


def _as_it_is(looked: Looked) -> Looked:
    return looked
