"""From the ids in a label file to trainIds of the taxonomy that is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from goodsam_pl.data.files import read_label
from goodsam_pl.taxonomy import (
    CITYSCAPES_TRAIN_IDS,
    IGNORE_INDEX,
    Taxonomy,
    get_taxonomy,
    remap_table,
)

__all__ = [
    "CAMVID_IDS",
    "CITYSCAPES_LABEL_IDS",
    "WILDPASS_IDS",
    "LabelFormat",
    "LabelReader",
    "train_ids",
]

_UNKNOWN = -1
_STRIP_PIXELS = 1 << 22
"""Pixels that are looked up at once: a large label has little room beside it."""


@dataclass(frozen=True)
class LabelFormat:
    """How a data set writes its classes into label files.

    Attributes:
        name: for error messages.
        taxonomy: the class set that the ids mean, or its name.
        ids: every id that may stand in a file, with its trainId in ``taxonomy``.
        decode: reads a file into such ids ``(H, W)`` uint8.
        black_is_void: pure black pixels of the image were never seen, whatever the label says.
        size_tolerance: pixels that height and width of a label may differ by from its image's; it
            is brought to the image's size then.
    """

    name: str
    taxonomy: str | Taxonomy
    ids: Mapping[int, int] = field(hash=False)
    decode: Callable[[Path], npt.NDArray[np.uint8]] = field(default=read_label, compare=False)
    black_is_void: bool = False
    size_tolerance: int = 0

    def table(self, taxonomy: str | Taxonomy) -> npt.NDArray[np.int16]:
        """``(256,)`` int16: file id to trainId of ``taxonomy``, -1 for ids that may not occur."""
        remap = remap_table(self.taxonomy, taxonomy)
        table = np.full(256, _UNKNOWN, dtype=np.int16)
        for file_id, train_id in self.ids.items():
            table[file_id] = remap[train_id]
        return table


def train_ids(taxonomy: str | Taxonomy) -> LabelFormat:
    """Files that hold the ids of ``taxonomy``, trainIds unless it says others, and 255 for void."""
    known = get_taxonomy(taxonomy) if isinstance(taxonomy, str) else taxonomy
    ids = range(len(known.classes)) if known.ids is None else known.ids
    what = "trainIds" if known.ids is None else "ids"
    table = {file_id: train_id for train_id, file_id in enumerate(ids)}
    void = dict.fromkeys((*known.void_ids, IGNORE_INDEX), IGNORE_INDEX)
    return LabelFormat(f"{what} of {known.name}", taxonomy, {**table, **void})


CITYSCAPES_LABEL_IDS = LabelFormat(
    "Cityscapes labelIds",
    "cityscapes-19",
    {file_id: int(CITYSCAPES_TRAIN_IDS[file_id]) for file_id in (*range(34), IGNORE_INDEX)},
)
"""``*_gtFine_labelIds.png``: 0 to 33, of which 19 classes are evaluated."""

CAMVID_IDS = LabelFormat(
    "CamVid (SegNet split)",
    "camvid-11",
    {**{index: index for index in range(11)}, 11: IGNORE_INDEX, IGNORE_INDEX: IGNORE_INDEX},
)
"""SegNet's ids: 11 classes, 11 = unlabelled."""

# WildPASS is annotated in the 25 classes its authors keep of Mapillary Vistas; they score eight
_WILDPASS_SCORED = {4: 0, 5: 1, 8: 2, 11: 3, 12: 4, 17: 5, 13: 6, 24: 7}
WILDPASS_IDS = LabelFormat(
    "WildPASS (ids of 25 Mapillary classes)",
    "wildpass-8",
    {
        file_id: _WILDPASS_SCORED.get(file_id, IGNORE_INDEX)
        for file_id in (*range(26), IGNORE_INDEX)
    },
)
"""WildPASS as published: car 4, truck 5, bus 8, road 11, sidewalk 12, person 17, curb 13,
crosswalk 24; the rest of the 25 Mapillary classes is not scored."""


class LabelReader:
    """Reads label files into trainIds of one taxonomy and refuses ids that should not be there.

    Args:
        taxonomy: the class set wanted, or its name.
        option: by which the class set of files is chosen, for error messages.
    """

    def __init__(self, taxonomy: str | Taxonomy, option: str = "label_taxonomy") -> None:
        if isinstance(taxonomy, str):
            get_taxonomy(taxonomy)
        self.option = option
        self.taxonomy = taxonomy
        self._tables: dict[str, npt.NDArray[np.int16]] = {}

    def read(self, path: Path, label_format: LabelFormat) -> npt.NDArray[np.uint8]:
        """Read one label file.

        Returns:
            ``(H, W)`` uint8 trainIds, 255 = ignore.

        Raises:
            ValueError: an unreadable file, or an id that the format does not know.
        """
        if label_format.name not in self._tables:
            self._tables[label_format.name] = label_format.table(self.taxonomy)
        table = self._tables[label_format.name]
        file_ids = label_format.decode(path)
        labels = np.empty(file_ids.shape, dtype=np.uint8)
        unknown = np.zeros(256, dtype=np.int64)
        step = max(1, _STRIP_PIXELS // file_ids.shape[1])
        for top in range(0, len(file_ids), step):
            strip = file_ids[top : top + step]
            found = table[strip]
            if found.min() == _UNKNOWN:
                unknown += np.bincount(strip[found == _UNKNOWN], minlength=256)
            labels[top : top + step] = found
        if unknown.any():
            named = ", ".join(str(file_id) for file_id in np.flatnonzero(unknown)[:8])
            raise ValueError(
                f"{path}: label id out of range: {int(unknown.sum())} pixels hold {named}; "
                f"{label_format.name} are {_ranges(label_format.ids)}: choose the taxonomy the "
                f"file was written in ({self.option}), or write void as 255"
            )
        return labels


def _ranges(ids: Mapping[int, int]) -> str:
    regular = sorted(file_id for file_id in ids if file_id != IGNORE_INDEX)
    void = f" and {IGNORE_INDEX}" if IGNORE_INDEX in ids else ""
    if len(regular) == regular[-1] - regular[0] + 1:
        return f"{regular[0]}..{regular[-1]}{void}"
    return f"{', '.join(map(str, regular))}{void}"
