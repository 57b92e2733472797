"""The tables of classes that a run leaves: ``val_classes.csv`` and ``test_classes.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from goodsam_pl.files import read_regular

__all__ = ["SPLITS", "ClassScores", "read_class_scores"]

SPLITS = ("test", "val")
"""What a run may have scored, the more telling one first."""

_SUFFIX = "_classes.csv"


@dataclass(frozen=True)
class ClassScores:
    """The scores of one split.

    Attributes:
        split: ``test`` or ``val``.
        classes: their names.
        pixels: labelled pixels of each class.
        columns: by the name of a score, such as ``iou`` or ``iou_windowed``, its value for each
            class as a fraction of 1; NaN where there is none.
        means: by the same names, what the table has as the mean over classes.
    """

    split: str
    classes: tuple[str, ...]
    pixels: tuple[int, ...]
    columns: Mapping[str, tuple[float, ...]]
    means: Mapping[str, float]


def read_class_scores(folder: Path) -> list[ClassScores]:
    """All tables of a run's folder, in the order of :data:`SPLITS`.

    Raises:
        ValueError: a table is damaged.
    """
    paths = {split: folder / f"{split}{_SUFFIX}" for split in SPLITS}
    return [_read(path, split) for split, path in paths.items() if path.is_file()]


def _read(path: Path, split: str) -> ClassScores:
    try:
        rows = list(csv.DictReader(read_regular(path).decode("utf-8").splitlines()))
        classes, last = rows[:-1], {row["class"]: row for row in rows}["mean"]
        scores = [name for name in last if name not in {"class", "pixels"}]
        return ClassScores(
            split=split,
            classes=tuple(row["class"] for row in classes),
            pixels=tuple(int(row["pixels"]) for row in classes),
            columns={name: tuple(float(row[name]) for row in classes) for name in scores},
            means={name: float(last[name]) for name in scores},
        )
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise ValueError(
            f"{path} is damaged ({error}): validate or test again, or remove it"
        ) from error
