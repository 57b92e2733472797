"""The images of a data set's split, each with its label, and what to do when some are missing.

No file is opened here; :mod:`goodsam_pl.data.layouts` says where data sets keep theirs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from goodsam_pl.data.labels import LabelFormat
from goodsam_pl.data.listing import IMAGE_SUFFIXES, list_images

__all__ = [
    "Entry",
    "Layout",
    "MissingSplitError",
    "Request",
    "Split",
    "entry_of",
    "folder_entries",
    "images_below",
    "list_entries",
]

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Entry:
    """One image of a data set.

    Attributes:
        image: image file.
        label: label file, ``None`` without annotation.
        label_format: how the label file writes its classes; ``None`` exactly where ``label`` is.
        name: path below the images of its split, ``/`` between folders; without suffix, unless
            another image differs in nothing else.
    """

    image: Path
    label: Path | None
    label_format: LabelFormat | None
    name: str


@dataclass(frozen=True)
class Request:
    """What is to be listed.

    Attributes:
        root: folder of the data set.
        split: which part of it.
        label_taxonomy: class set of label files in layouts that do not fix one.
        labelled: labels are wanted; without, no label file has to be there.
        faults: takes what is wrong with single lines and files, so that listing goes on past it;
            ``None`` raises the first. Labels that are missing are left to who reads them then.
    """

    root: Path
    split: Split
    label_taxonomy: str
    labelled: bool = True
    faults: list[str] | None = field(default=None, compare=False)

    def tell(self, error: OSError | ValueError) -> None:
        """Note what is wrong with a line or a file, or raise it."""
        if self.faults is None:
            raise error
        self.faults.append(str(error))

    def folder(self, relative: str) -> Path:
        """A folder that the split needs.

        Raises:
            MissingSplitError: it does not exist.
        """
        path = self.root / relative
        if not path.is_dir():
            raise MissingSplitError(
                f"{path}: no such folder; the {self.split} split is expected there, check "
                f"data.root ({self.root}) and data.dataset"
            )
        return path


Layout = Callable[[Request], list[Entry]]


class MissingSplitError(FileNotFoundError):
    """The data set is there, the split is not."""


def list_entries(layouts: dict[str, Layout], dataset: str, request: Request) -> list[Entry]:
    """List a split, in the order of the names.

    Raises:
        ValueError: unknown data set, no image in the split, or images that share a label.
        FileNotFoundError: a folder of the layout or the label of an image is missing.
        MissingSplitError: only this split is missing.
        PermissionError: folders that cannot be listed.
    """
    if dataset not in layouts:
        raise ValueError(f"unknown dataset {dataset!r}; known: {', '.join(layouts)}")
    root = request.root
    if not root.is_dir():
        what = "is a file" if root.exists() else "no such folder"
        raise FileNotFoundError(f"{root}: {what}: set data.root to where {dataset} lies")
    entries = layouts[dataset](request)
    if not request.labelled:
        entries = [replace(entry, label=None, label_format=None) for entry in entries]
    elif request.faults is None and (missing := next(filter(_lacks_label, entries), None)):
        raise FileNotFoundError(f"{missing.image} has no label: {missing.label} does not exist")
    if not entries:
        raise _no_image(root, f"in the {request.split} split of {dataset}")
    _check_labels(entries, request)
    return _named_apart(entries)


def folder_entries(root: Path) -> list[Entry]:
    """Every image below a folder, without labels, in the order of the names.

    Raises:
        FileNotFoundError: there is no such folder.
        NotADirectoryError: it is a file.
        PermissionError: folders that cannot be listed.
        ValueError: there is no image in it.
    """
    entries = [entry_of(root, image, None, None) for image in list_images(root).images]
    if not entries:
        raise _no_image(root, "below it")
    return _named_apart(entries)


def entry_of(
    images: Path, image: Path, label: Path | None, label_format: LabelFormat | None
) -> Entry:
    """An entry that is called by its path below the images of its split.

    Args:
        images: their folder.
        image: one of them.
        label: its label file, ``None`` without annotation.
        label_format: of the label file; ignored where there is none.
    """
    name = _name(images, image)
    if label is None:
        return Entry(image, None, None, name)
    return Entry(image, label, label_format, name)


def _lacks_label(entry: Entry) -> bool:
    return entry.label is not None and not entry.label.is_file()


def _name(images: Path, image: Path) -> str:
    """Path below a folder, without suffix; pathlib takes seconds for a hundred thousand."""
    whole, above = str(image), os.path.join(images, "")  # noqa: PTH118  # ends with a separator
    below = whole.removeprefix(above) if whole.startswith(above) else str(image.relative_to(images))
    return os.path.splitext(below)[0].replace(os.sep, "/")  # noqa: PTH122  # as above


def images_below(path: Path) -> Sequence[Path]:
    """All images below a folder, in order."""
    return list_images(path).images


def _no_image(root: Path, where: str) -> ValueError:
    other = list_images(root).describe_passed_over()
    return ValueError(
        f"{root}: no image ({', '.join(sorted(IMAGE_SUFFIXES))}) {where}"
        + (f"; there are {other}, which are not read: convert them" if other else "")
    )


def _check_labels(entries: Sequence[Entry], request: Request) -> None:
    """Make sure that no label is that of two images."""
    sharing: dict[Path, list[str]] = {}
    for entry in entries:
        if entry.label is not None:
            sharing.setdefault(entry.label, []).append(str(entry.image))
    shared = [" and ".join(images) for images in sharing.values() if len(images) > 1]
    if shared:
        more = f"; {len(shared) - 10} more pairs" if len(shared) > 10 else ""
        told = "; ".join(shared[:10])
        request.tell(
            ValueError(f"images that share one label: {told}{more}: remove one of each pair")
        )


def _named_apart(entries: Sequence[Entry]) -> list[Entry]:
    """Let images that differ only in their suffix keep it in their name; sort by name."""
    names = [entry.name for entry in entries]
    while True:
        counts = Counter(names)
        alike = [
            index
            for index, entry in enumerate(entries)
            if counts[names[index]] > 1 and names[index] == entry.name
        ]
        if not alike:
            break
        for index in alike:
            names[index] += entries[index].image.suffix
    renamed = [
        entry if entry.name == name else replace(entry, name=name)
        for entry, name in zip(entries, names, strict=True)
    ]
    return sorted(renamed, key=lambda entry: entry.name)
