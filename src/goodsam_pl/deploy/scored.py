"""How well an exported file labels a data set, beside the network that it was made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.data import PanoramaFormat
from goodsam_pl.data.entries import Entry, Layout, Request, Split, list_entries
from goodsam_pl.data.files import read_image
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS, SOURCE_LAYOUTS
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.metrics import SegmentationMetrics
from goodsam_pl.taxonomy import IGNORE_INDEX, Taxonomy, register_taxonomy

__all__ = ["LabelledImages", "Labeller", "labelled_images", "mean_iou", "seen_by"]

_LAYOUTS: dict[str, Layout] = {**PANORAMA_LAYOUTS, **SOURCE_LAYOUTS}

Labeller = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Maps pixels ``(H, W, 3)`` uint8 to class ids ``(H, W)`` uint8."""


@dataclass(frozen=True)
class LabelledImages:
    """What is scored on.

    Attributes:
        entries: images with their label files.
        root: name of the folder of the data set.
        dataset: its layout.
        split: which part of it.
    """

    entries: Sequence[Entry]
    root: str
    dataset: str
    split: Split

    @property
    def name(self) -> str:
        """All of that, for people."""
        return f"the {len(self.entries)} images of {self.split} of {self.root} ({self.dataset})"


def labelled_images(root: Path, dataset: str, split: Split, taxonomy: Taxonomy) -> LabelledImages:
    """List the images of a split that have labels.

    Args:
        root: folder of the data set.
        dataset: its layout, as trainings name it.
        split: which part of it.
        taxonomy: the class set that labels are written in where the layout does not fix one.

    Raises:
        FileNotFoundError: no such folder or split.
        ValueError: an unknown layout, or a split without labels.
    """
    register_taxonomy(taxonomy, taxonomy.name)
    entries = list_entries(_LAYOUTS, dataset, Request(root, split, taxonomy.name))
    if any(entry.label is None for entry in entries):
        raise ValueError(
            f"{root}: the {split} split of {dataset} has no true labels: choose another split"
        )
    return LabelledImages(entries, root.name, dataset, split)


def mean_iou(
    labellers: Mapping[str, Labeller],
    images: LabelledImages,
    form: PanoramaFormat | None,
    taxonomy: Taxonomy,
) -> dict[str, float]:
    """Mean IoU of each labeller in 0 to 1, each image read once.

    As ``goodsam score`` has it: at the size of the files, over all pixels of the split together,
    and a pixel outside of what the network sees misses its true class.

    Args:
        labellers: by name.
        images: what is scored on.
        form: how panoramas become what the network sees; ``None`` for images as they are.
        taxonomy: the classes of labellers and labels.

    Raises:
        ValueError: a file cannot be read, or no pixel has a true label.
    """
    classes = len(taxonomy.classes)
    metrics = {name: SegmentationMetrics(classes, IGNORE_INDEX, outside=True) for name in labellers}
    reader = LabelReader(taxonomy)
    labelled = 0
    with progress_bar("scores", len(images.entries), visible=True, what="images") as advance:
        for entry in images.entries:
            assert entry.label is not None  # noqa: S101  # listed with their labels
            assert entry.label_format is not None  # noqa: S101  # layouts give it with the label
            truth = torch.from_numpy(reader.read(entry.label, entry.label_format)).long()[None]
            labelled += int((truth != IGNORE_INDEX).sum())
            pixels = seen_by(form, entry.image)
            for name, labeller in labellers.items():
                label = labeller(pixels)
                whole = label if form is None else form.locate(entry.image).restore(label)
                found = torch.from_numpy(whole).long()[None]
                metrics[name].update(found.where(found != IGNORE_INDEX, classes), truth)
            advance()
    if not labelled:
        raise ValueError(f"no pixel of {images.name} has a true label in {taxonomy.name}")
    return {name: each.compute().miou.item() for name, each in metrics.items()}


def seen_by(form: PanoramaFormat | None, image: Path) -> NDArray[np.uint8]:
    """What a network sees of a file: RGB ``(H, W, 3)`` uint8."""
    return read_image(image) if form is None else form.read(image)
