"""``goodsam score``: how good label files are, by the confusion matrix of all scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import torch
from rich.console import Console
from torch import Tensor

from goodsam_pl.data.entries import Entry, Layout, Request, list_entries
from goodsam_pl.data.folder_labels import FolderLabels
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS, SOURCE_LAYOUTS
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.metrics import SegmentationMetrics
from goodsam_pl.taxonomy import IGNORE_INDEX, read_classes
from goodsam_pl.views.score_table import ScoreTable

__all__ = ["score"]

_LAYOUTS: dict[str, Layout] = {**PANORAMA_LAYOUTS, **SOURCE_LAYOUTS}


def score(
    labels: Path,
    root: Path,
    dataset: Literal[
        "plain",
        "cityscapes",
        "camvid",
        "gta5",
        "gta5_split",
        "voc",
        "voc_aug",
        "voc_trainval",
        "coco",
        "densepass",
        "wildpass",
        "stanford2d3d",
    ] = "plain",
    split: Literal["train", "val", "test"] = "val",
    classes: str = "cityscapes-19",
    label_taxonomy: str | None = None,
    limit: int | None = None,
    out: Path | None = None,
) -> str:
    """Score a folder of label files against the true labels of a data set.

    IoU of each class is of all pixels of the split together; the mean is over the classes that
    somebody names. A pixel without a label (255) misses its true class.

    Args:
        labels: as `goodsam label` or `goodsam predict` writes it, or a folder of label files.
        root: folder of the data set.
        dataset: its layout, as trainings name it.
        split: which part of it; all its images must have a label.
        classes: the class set to score in.
        label_taxonomy: class set that true labels of the layout plain are written in; that of
            classes if none is given.
        limit: score only the first so many images.
        out: write the table to this file (.csv).
    """
    taxonomy = read_classes(classes)
    request = Request(root, split, label_taxonomy or classes)
    true = list_entries(_LAYOUTS, dataset, request)[:limit]
    if without := next((entry for entry in true if entry.label is None), None):
        raise ValueError(
            f"{root}: the {split} split of {dataset} has no true labels, {without.image} among "
            "others: choose another split"
        )
    given = FolderLabels(labels, classes).of(true)
    metrics = SegmentationMetrics(len(taxonomy.classes), IGNORE_INDEX, outside=True)
    asked = answered = 0
    with progress_bar("scores", len(true), visible=True, what="images") as advance:
        for truth, label in _pairs(true, given, classes):
            metrics.update(label.where(label != IGNORE_INDEX, len(taxonomy.classes)), truth)
            asked += int((truth != IGNORE_INDEX).sum())
            answered += int(((truth != IGNORE_INDEX) & (label != IGNORE_INDEX)).sum())
            advance()
    if not asked:
        raise ValueError(
            f"{root}: no pixel of {split} has a true label in {taxonomy.name}: check classes and "
            "label_taxonomy"
        )
    scores = metrics.compute()
    table = ScoreTable(taxonomy.classes, {"labels": scores})
    Console().print(table.for_console(f"{labels}: IoU in percent"))
    if out is not None:
        write_atomically(out, table.as_csv().encode())
    return (
        f"mIoU {scores.miou.item():.2%} of {len(true)} images; {answered / asked:.1%} of the true "
        "labels' pixels have a label"
    )


def _pairs(
    true: Sequence[Entry], given: Sequence[Entry], classes: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """True and given trainIds ``(1, H, W)`` of each image."""
    reader = LabelReader(classes)
    for entry, other in zip(true, given, strict=True):
        truth, label = (_read(reader, each) for each in (entry, other))
        if truth.shape != label.shape:
            raise ValueError(
                f"{other.label} has {tuple(label.shape[1:])} pixels, {entry.label} has "
                f"{tuple(truth.shape[1:])}: label images at their own size"
            )
        yield truth, label


def _read(reader: LabelReader, entry: Entry) -> Tensor:
    assert entry.label is not None  # noqa: S101  # checked before
    assert entry.label_format is not None  # noqa: S101  # layouts give it with the label
    return torch.from_numpy(reader.read(entry.label, entry.label_format)).long()[None]
