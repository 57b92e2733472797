"""Labels that no human drew, as ``goodsam label`` writes them, in the place of a data set's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from goodsam_pl.data.entries import Entry
from goodsam_pl.data.labels import LabelFormat, train_ids
from goodsam_pl.files.result_names import file_name

__all__ = ["FolderLabels", "label_files", "labelled_by"]

_CLASSES, _SUFFIX = "classes.yaml", ".png"


def label_files(folder: Path) -> Path:
    """Where label files lie: ``labels`` in a folder of ``goodsam label``, or the folder itself.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise FileNotFoundError(
            f"{folder}: {what}: give the folder of label files, as `goodsam label` makes them"
        )
    below = folder / "labels"
    return below if below.is_dir() else folder


def labelled_by(entries: Sequence[Entry], folder: Path, label_format: LabelFormat) -> list[Entry]:
    """The same images with labels of a folder, whether they are there or not.

    Args:
        entries: the images.
        folder: of the label files, which are called like their images.
        label_format: what their ids mean.
    """
    return [
        replace(entry, label=folder / file_name(entry.name, _SUFFIX), label_format=label_format)
        for entry in entries
    ]


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
        self.root = label_files(folder)
        classes = folder / _CLASSES
        self.label_format: LabelFormat = train_ids(str(classes) if classes.is_file() else taxonomy)

    def expected(self, entries: Sequence[Entry]) -> list[Entry]:
        """The same images with these labels, whether they are there or not."""
        return labelled_by(entries, self.root, self.label_format)

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
