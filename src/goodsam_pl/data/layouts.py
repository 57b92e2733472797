"""Where data sets keep their images and labels: one function per folder layout.

A layout lists the entries of a split; it opens no file. Train splits of panoramas come without
labels even where some exist, because the method must not have them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from goodsam_pl.data.coco2014 import coco
from goodsam_pl.data.entries import (
    Entry,
    Layout,
    MissingSplitError,
    Request,
    entry_of,
    images_below,
)
from goodsam_pl.data.gta5 import GTA5_IDS
from goodsam_pl.data.image_lists import (
    images_by_name,
    listed_entries,
    listed_images,
    named_image,
)
from goodsam_pl.data.labels import CAMVID_IDS, CITYSCAPES_LABEL_IDS, WILDPASS_IDS, train_ids
from goodsam_pl.data.mat_file import read_numbers
from goodsam_pl.data.stanford import FOLD, stanford_format
from goodsam_pl.data.voc import VOC_LAYOUTS

__all__ = ["PANORAMA_LAYOUTS", "SOURCE_LAYOUTS", "UNLABELLED_LAYOUTS"]


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
        entry_of(images, image, None if request.split == "train" else label_of(image), label_format)
        for image in images_below(images)
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
        entry_of(images, image, None if request.split == "train" else label_of(image), WILDPASS_IDS)
        for image in images_below(images)
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
        for image in images_below(request.root / area / "pano" / "rgb"):
            label = labels / f"{image.stem.removesuffix('_rgb')}_semantic.png"
            entries.append(
                entry_of(request.root, image, label if label_format else None, label_format)
            )
    return entries


def folder(request: Request) -> list[Entry]:
    """Every image below a folder, for every split, without labels."""
    return [entry_of(request.root, image, None, None) for image in images_below(request.root)]


def plain_panoramas(request: Request) -> list[Entry]:
    """``images/``, ``labels/`` and ``splits/<split>.txt``; without ``labels/`` no label."""
    labelled = request.split != "train" and (request.root / "labels").is_dir()
    return listed_entries(request, train_ids(request.label_taxonomy) if labelled else None)


def plain_sources(request: Request) -> list[Entry]:
    """``images/``, ``labels/`` and ``splits/<split>.txt``, every image labelled."""
    return listed_entries(request, train_ids(request.label_taxonomy))


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
            return entry_of(images, image, by_label_id, CITYSCAPES_LABEL_IDS)
        return entry_of(images, image, by_train_id, train_ids("cityscapes-19"))

    return [entry(image) for image in images_below(images)]


def camvid(request: Request) -> list[Entry]:
    """CamVid in the SegNet split: ``<split>/*`` with ``<split>annot/*.png``."""
    images = request.folder(request.split)
    labels = request.root / f"{request.split}annot"
    return [
        entry_of(images, image, labels / f"{image.stem}.png", CAMVID_IDS)
        for image in images_below(images)
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
    return [_gta5entry_of(request.root, images, image) for image in images_below(images)]


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
        found = listed_images(place, images, request)
    else:
        by_name = images_by_name(images)
        found = []
        for number in read_numbers(place, f"{request.split}Ids"):
            where = f"{place}, {request.split}Ids"
            try:
                found.append(named_image(f"{number:05d}", by_name, images, where))
            except (FileNotFoundError, ValueError) as error:
                request.tell(error)
    return [_gta5entry_of(request.root, images, image) for image in found]


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
    **VOC_LAYOUTS,
    "coco": coco,
    "plain": plain_sources,
}
"""Layouts of labelled pinhole images by the name that configurations use."""


def _only_labelled_split(request: Request) -> Request:
    """DensePASS and WildPASS label one split, which serves as ``val`` and as ``test``."""
    if request.split == "test" and not (request.root / "leftImg8bit" / "test").is_dir():
        return replace(request, split="val")
    return request


def _gta5entry_of(root: Path, images: Path, image: Path) -> Entry:
    label = root / "labels" / image.relative_to(images).with_suffix(".png")
    return entry_of(images, image, label, GTA5_IDS)
