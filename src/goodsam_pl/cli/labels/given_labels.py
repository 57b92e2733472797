"""A folder of label files beside a folder of images: which belongs to which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from goodsam_pl.data.entries import Entry
from goodsam_pl.data.folder_labels import labelled_by
from goodsam_pl.data.labels import train_ids
from goodsam_pl.taxonomy import Taxonomy, read_classes

__all__ = ["classes_beside", "with_labels"]

_CLASSES = "classes.yaml"
_SUFFIX = ".png"
_NAMED = 5
"""Files that an error names; more are counted."""


def classes_beside(folder: Path, classes: str) -> Taxonomy:
    """The classes of label files: as named, or as `goodsam label` wrote them down.

    Args:
        folder: of the labels.
        classes: what is said of them, see :func:`goodsam_pl.taxonomy.read_classes`; empty if
            nothing is.

    Raises:
        ValueError: nobody says what the ids of the files mean.
    """
    written = folder / _CLASSES
    if not classes and not written.is_file():
        raise ValueError(
            f"{folder} has no {_CLASSES}, and nothing says what the ids of its labels mean: give "
            "--classes, a class file or a published set"
        )
    return read_classes(classes or str(written))


def with_labels(entries: Sequence[Entry], folder: Path, taxonomy: Taxonomy) -> list[Entry]:
    """Images with their labels: ``<name>.png``, as `goodsam label` and `predict` call them.

    Args:
        entries: the images.
        folder: of the label files.
        taxonomy: classes whose ids the files hold.

    Raises:
        FileNotFoundError: an image has no label.
        ValueError: a label has no image.
    """
    label_format = train_ids(taxonomy)
    labelled = labelled_by(entries, folder, label_format)
    there = {path for path in folder.rglob(f"*{_SUFFIX}") if not path.name.startswith(".")}
    wanted = [entry.label for entry in labelled if entry.label is not None]
    missing = [path for path in wanted if path not in there]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(labelled)} images have no label: {_named(missing)}: give the "
            "labels of all images, or a folder of those that have one"
        )
    left = sorted(there - set(wanted))
    if left:
        raise ValueError(
            f"{len(left)} labels have no image: {_named(left)}: give the folder of the images that "
            "they are of"
        )
    return labelled


def _named(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(map(str, paths[:_NAMED])) + more
