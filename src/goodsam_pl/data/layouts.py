"""Where data sets keep their images and labels: one function per folder layout.

A layout lists the entries of a split; it opens no file. Train splits of panoramas come without
labels even where some exist, because the method must not have them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from goodsam_pl.data.gta5 import GTA5_IDS
from goodsam_pl.data.labels import (
    CAMVID_IDS,
    CITYSCAPES_LABEL_IDS,
    WILDPASS_IDS,
    LabelFormat,
    train_ids,
)
from goodsam_pl.data.listing import IMAGE_SUFFIXES, list_images
from goodsam_pl.data.mat_file import read_numbers
from goodsam_pl.data.stanford import FOLD, stanford_format
from goodsam_pl.data.text import read_lines

__all__ = [
    "PANORAMA_LAYOUTS",
    "SOURCE_LAYOUTS",
    "UNLABELLED_LAYOUTS",
    "Entry",
    "Layout",
    "MissingSplitError",
    "Request",
    "Split",
    "folder_entries",
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
    """

    root: Path
    split: Split
    label_taxonomy: str
    labelled: bool = True

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
    elif missing := next((entry for entry in entries if _lacks_label(entry)), None):
        raise FileNotFoundError(f"{missing.image} has no label: {missing.label} does not exist")
    if not entries:
        raise _no_image(root, f"in the {request.split} split of {dataset}")
    _check_labels(entries)
    return _named_apart(entries)


def folder_entries(root: Path) -> list[Entry]:
    """Every image below a folder, without labels, in the order of the names.

    Raises:
        FileNotFoundError: there is no such folder.
        NotADirectoryError: it is a file.
        PermissionError: folders that cannot be listed.
        ValueError: there is no image in it.
    """
    entries = [_entry(root, image, None, None) for image in list_images(root).images]
    if not entries:
        raise _no_image(root, "below it")
    return _named_apart(entries)


def densepass(request: Request) -> list[Entry]:
    """DensePASS as published, and our StreetWorld export.

    ``leftImg8bit/val/cs/1_.png`` with ``gtFine/val/cs/1_labelTrainIds.png``; the unlabelled
    panoramas (WildPASS2K) under ``leftImg8bit/train/<city>/``. DensePASS has one labelled split;
    without a ``test`` folder ``test`` means ``val``, as in all published numbers.
    """
    request = _only_labelled_split(request)
    label_format = train_ids("cityscapes-19")
    images = request.folder(f"leftImg8bit/{request.split}")
    labels = request.root / "gtFine" / request.split

    def label_of(image: Path) -> Path:
        stem = image.stem.removesuffix("_")
        return labels / image.relative_to(images).with_name(f"{stem}_labelTrainIds.png")

    return [
        _entry(images, image, None if request.split == "train" else label_of(image), label_format)
        for image in _images_below(images)
    ]


def wildpass(request: Request) -> list[Entry]:
    """WildPASS as published: labels lie under ``gtFine`` with the name of their image.

    ``leftImg8bit/val/cs/*`` with ``gtFine/val/cs/*.png``; WildPASS2K goes under
    ``leftImg8bit/train/<city>/``. There is one labelled split, for validation and test alike.
    """
    request = _only_labelled_split(request)
    images = request.folder(f"leftImg8bit/{request.split}")
    labels = request.root / "gtFine" / request.split

    def label_of(image: Path) -> Path:
        return labels / image.relative_to(images).with_suffix(".png")

    return [
        _entry(images, image, None if request.split == "train" else label_of(image), WILDPASS_IDS)
        for image in _images_below(images)
    ]


def stanford2d3d(request: Request) -> list[Entry]:
    """Stanford2D3D's panoramas as published, in the fold that published numbers are of.

    ``area_<n>/pano/rgb/*_rgb.png`` with ``area_<n>/pano/semantic/*_semantic.png``; what the labels
    mean stands in ``assets/semantic_labels.json``. Areas 5a and 5b are ``val`` and ``test`` alike.
    """
    entries = []
    label_format = None if request.split == "train" else stanford_format(request.root)
    for area in FOLD[request.split]:
        request.folder(f"{area}/pano/rgb")
        labels = request.root / area / "pano" / "semantic"
        for image in _images_below(request.root / area / "pano" / "rgb"):
            label = labels / f"{image.stem.removesuffix('_rgb')}_semantic.png"
            entries.append(
                _entry(request.root, image, label if label_format else None, label_format)
            )
    return entries


def folder(request: Request) -> list[Entry]:
    """Every image below a folder, for every split, without labels."""
    return [_entry(request.root, image, None, None) for image in _images_below(request.root)]


def plain_panoramas(request: Request) -> list[Entry]:
    """``images/``, ``labels/`` and ``splits/<split>.txt``; without ``labels/`` no label."""
    labelled = request.split != "train" and (request.root / "labels").is_dir()
    return _plain(request, train_ids(request.label_taxonomy) if labelled else None)


def plain_sources(request: Request) -> list[Entry]:
    """``images/``, ``labels/`` and ``splits/<split>.txt``, every image labelled."""
    return _plain(request, train_ids(request.label_taxonomy))


def cityscapes(request: Request) -> list[Entry]:
    """Cityscapes as published, and our StreetWorld export.

    ``leftImg8bit/<split>/<city>/*_leftImg8bit.png`` with
    ``gtFine/<split>/<city>/*_gtFine_labelTrainIds.png``, or ``*_labelIds.png`` where the trainIds
    were never generated.
    """
    images = request.folder(f"leftImg8bit/{request.split}")
    labels = request.root / "gtFine" / request.split

    def entry(image: Path) -> Entry:
        stem = image.stem.removesuffix("_leftImg8bit")
        by_train_id = labels / image.relative_to(images).with_name(
            f"{stem}_gtFine_labelTrainIds.png"
        )
        by_label_id = by_train_id.with_name(f"{stem}_gtFine_labelIds.png")
        if not by_train_id.is_file() and by_label_id.is_file():
            return _entry(images, image, by_label_id, CITYSCAPES_LABEL_IDS)
        return _entry(images, image, by_train_id, train_ids("cityscapes-19"))

    return [entry(image) for image in _images_below(images)]


def camvid(request: Request) -> list[Entry]:
    """CamVid in the SegNet split: ``<split>/*`` with ``<split>annot/*.png``."""
    images = request.folder(request.split)
    labels = request.root / f"{request.split}annot"
    return [
        _entry(images, image, labels / f"{image.stem}.png", CAMVID_IDS)
        for image in _images_below(images)
    ]


def gta5(request: Request) -> list[Entry]:
    """GTA5 (Playing for Data) as published: ``images/00001.png`` with ``labels/00001.png``.

    All images are for training, as in DAFormer and SSR.
    """
    if request.split != "train":
        raise MissingSplitError(
            f"{request.root}: gta5 has all its images in train: set data.dataset gta5_split for "
            f"the {request.split} split of its authors"
        )
    images = request.folder("images")
    return [_gta5_entry(request.root, images, image) for image in _images_below(images)]


def gta5_split(request: Request) -> list[Entry]:
    """GTA5 in splits: of ``train.txt`` and so on, one image name per line, or of ``split.mat``.

    Lists lie in the root or in ``splits``, the authors' file in the root or in ``read_mapping``, as
    it is released.
    """
    images = request.folder("images")
    places = [request.root / f"{request.split}.txt", request.root / f"splits/{request.split}.txt"]
    places += [request.root / "split.mat", request.root / "read_mapping/split.mat"]
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        raise MissingSplitError(
            f"{request.root}: neither {request.split}.txt nor split.mat: put the split.mat of "
            "GTA5 there (its read_mapping.zip has it), or set data.dataset gta5 to train on all"
        )
    if place.suffix == ".txt":
        found = _listed(place, images)
    else:
        by_name = _by_name(images)
        found = [
            _find(f"{number:05d}", by_name, images, f"{place}, {request.split}Ids")
            for number in read_numbers(place, f"{request.split}Ids")
        ]
    return [_gta5_entry(request.root, images, image) for image in found]


PANORAMA_LAYOUTS: dict[str, Layout] = {
    "densepass": densepass,
    "wildpass": wildpass,
    "stanford2d3d": stanford2d3d,
    "folder": folder,
    "plain": plain_panoramas,
}
"""Layouts of panoramas by the name that configurations use."""

UNLABELLED_LAYOUTS = frozenset({"folder"})
"""Those that never have labels, so that there is no point in listing a split for validation."""

SOURCE_LAYOUTS: dict[str, Layout] = {
    "cityscapes": cityscapes,
    "camvid": camvid,
    "gta5": gta5,
    "gta5_split": gta5_split,
    "plain": plain_sources,
}
"""Layouts of labelled pinhole images by the name that configurations use."""


def _only_labelled_split(request: Request) -> Request:
    """DensePASS and WildPASS label one split, which serves as ``val`` and as ``test``."""
    if request.split == "test" and not (request.root / "leftImg8bit" / "test").is_dir():
        return replace(request, split="val")
    return request


def _plain(request: Request, label_format: LabelFormat | None) -> list[Entry]:
    images = request.folder("images")
    listing = request.root / "splits" / f"{request.split}.txt"
    if not listing.is_file():
        raise MissingSplitError(
            f"{listing}: no such file: write one image name per line, relative to {images}"
        )
    labels = request.root / "labels"
    return [
        _entry(
            images,
            image,
            labels / image.relative_to(images).with_suffix(".png") if label_format else None,
            label_format,
        )
        for image in _listed(listing, images)
    ]


def _listed(listing: Path, images: Path) -> list[Path]:
    """The images that a list names, in its order, each once."""
    by_name = _by_name(images)
    lines: dict[Path, int] = {}
    for number, line in read_lines(listing):
        where = f"{listing}, line {number}"
        image = _find(line, by_name, images, where)
        if image in lines:
            raise ValueError(
                f"{where}: {line!r} stands in line {lines[image]} already: remove one of them"
            )
        lines[image] = number
    return list(lines)


def _gta5_entry(root: Path, images: Path, image: Path) -> Entry:
    label = root / "labels" / image.relative_to(images).with_suffix(".png")
    return _entry(images, image, label, GTA5_IDS)


def _by_name(images: Path) -> dict[str, list[Path]]:
    """Images by their path below a folder, with and without suffix."""
    found: dict[str, list[Path]] = {}
    for image in _images_below(images):
        relative = image.relative_to(images)
        for name in {relative.as_posix(), relative.with_suffix("").as_posix()}:
            found.setdefault(name, []).append(image)
    return found


def _find(line: str, by_name: dict[str, list[Path]], images: Path, where: str) -> Path:
    """The image that a line of a list means.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a line of another form, or one that may mean several images.
    """
    name = line if line in by_name else line.replace("\\", "/").removeprefix("./")
    found = by_name.get(name, [])
    if len(found) == 1:
        return found[0]
    form = f"write one image name per line, relative to {images}"
    if found:
        several = " or ".join(sorted(image.name for image in found))
        raise ValueError(f"{where}: {line!r} may be {several}: write the suffix, too")
    first, *others = re.split(r"[\s,;]+", name)
    if others and (first in by_name or Path(first).suffix.lower() in IMAGE_SUFFIXES):
        raise ValueError(f"{where}: {line!r} has several columns: {form}; labels are found by name")
    if name.startswith((f"{images.name}/", "/")) or name[1:3] == ":/":
        raise ValueError(f"{where}: {line!r} does not begin below {images}: {form}")
    raise FileNotFoundError(f"{where}: {line!r} is not below {images}")


def _entry(
    images: Path, image: Path, label: Path | None, label_format: LabelFormat | None
) -> Entry:
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


def _images_below(path: Path) -> Sequence[Path]:
    return list_images(path).images


def _no_image(root: Path, where: str) -> ValueError:
    other = list_images(root).describe_passed_over()
    return ValueError(
        f"{root}: no image ({', '.join(sorted(IMAGE_SUFFIXES))}) {where}"
        + (f"; there are {other}, which are not read: convert them" if other else "")
    )


def _check_labels(entries: Sequence[Entry]) -> None:
    """Make sure that no label is that of two images."""
    sharing: dict[Path, list[str]] = {}
    for entry in entries:
        if entry.label is not None:
            sharing.setdefault(entry.label, []).append(str(entry.image))
    shared = [" and ".join(images) for images in sharing.values() if len(images) > 1]
    if shared:
        more = f"; {len(shared) - 10} more pairs" if len(shared) > 10 else ""
        raise ValueError(
            f"images that share one label: {'; '.join(shared[:10])}{more}: remove one of each pair"
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
