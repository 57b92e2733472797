"""Labels that no human drew, as ``goodsam label`` writes them, in the place of a data set's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from goodsam_pl.data.entries import Entry
from goodsam_pl.data.labels import LabelFormat, train_ids
from goodsam_pl.files.result_names import file_name

__all__ = ["FolderLabels"]


class FolderLabels:
    """A folder of label files that are called like their images.

    Args:
        folder: as ``goodsam label`` writes it, with ``labels/`` and ``classes.yaml``; or a folder
            of label files.
        taxonomy: class set that label files are written in, where the folder does not say it.

    Raises:
        FileNotFoundError: there is no such folder.
    """

    def __init__(self, folder: Path, taxonomy: str) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{folder}: no such folder of labels: make some with `goodsam label`, or set "
                "data.pseudo_labels to where they are"
            )
        inner = folder / "labels"
        self.root = inner if inner.is_dir() else folder
        classes = folder / "classes.yaml"
        self.label_format: LabelFormat = train_ids(str(classes) if classes.is_file() else taxonomy)

    def label(self, entry: Entry) -> Path:
        """The label file of an image, whether it is there or not."""
        return self.root / file_name(entry.name, ".png")

    def expected(self, entries: Sequence[Entry]) -> list[Entry]:
        """The same images with these labels, whether they are there or not."""
        return [
            replace(entry, label=self.label(entry), label_format=self.label_format)
            for entry in entries
        ]

    def of(self, entries: Sequence[Entry]) -> list[Entry]:
        """The same images with these labels.

        Raises:
            FileNotFoundError: some have none; the message names the first.
        """
        labelled = self.expected(entries)
        missing = [each for each in labelled if each.label is None or not each.label.is_file()]
        if missing:
            raise FileNotFoundError(
                f"{missing[0].image} has no label in {self.root}, nor have {len(missing) - 1} more "
                f"of {len(entries)} images: {missing[0].label} does not exist; label them with "
                "`goodsam label`, in the folder that holds all images of the split"
            )
        return labelled
