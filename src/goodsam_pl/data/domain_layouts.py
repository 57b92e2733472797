"""Where data sets of images with masks keep theirs: one function per folder layout.

A layout lists the splits that are given; it opens no image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from goodsam_pl.data.coco_things import largest_things
from goodsam_pl.data.entries import Split
from goodsam_pl.data.listing import list_images
from goodsam_pl.data.mask_pairs import (
    beside_each_other,
    by_name,
    in_two_folders,
    pair_by_name,
)
from goodsam_pl.data.masked_image import MaskedImage

__all__ = ["DOMAIN_LAYOUTS", "SPLITS"]

SPLITS: tuple[Split, ...] = ("train", "val", "test")

_Folders = Mapping[str, str] | None
_Listed = dict[Split, list[MaskedImage]]


def _folders(root: Path, folders: _Folders) -> _Listed:
    """``images/`` and ``masks/`` of one stem, in the root or in a folder for each split."""
    places = _places(root, folders, lambda folder: (folder / "images").is_dir())
    return {
        split: in_two_folders(place / "images", place / "masks") for split, place in places.items()
    }


def _beside(root: Path, folders: _Folders) -> _Listed:
    """``*.jpg`` beside ``*.png`` of one stem, in the root or in a folder for each split."""
    places = _places(root, folders, Path.is_dir)
    return {split: beside_each_other(place) for split, place in places.items()}


def _camo(root: Path, folders: _Folders) -> _Listed:
    """``Images/Train``, ``Images/Test`` and one ``GT`` for both, as CAMO is published."""
    places = folders or {"train": "Train", "test": "Test"}
    masks = _named(root / "GT")
    everywhere = {path.stem for path in _images(root / "Images")}
    return {
        split: pair_by_name(_named(root / "Images" / places[split]), masks, root / "GT", everywhere)
        for split in SPLITS
        if split in places
    }


def _coco(root: Path, folders: _Folders) -> _Listed:
    """``val2017`` with ``annotations/instances_val2017.json``, which is there to be tested on."""
    places = folders or {"test": "val2017"}
    return {
        split: largest_things(
            root / places[split], root / "annotations" / f"instances_{places[split]}.json"
        )
        for split in SPLITS
        if split in places
    }


DOMAIN_LAYOUTS: dict[str, Callable[[Path, _Folders], _Listed]] = {
    "folders": _folders,
    "beside": _beside,
    "camo": _camo,
    "coco": _coco,
}
"""Layouts by the name that configurations use.

``folders``: ``images/`` and ``masks/`` of the same stem (Kvasir, Polyp, StreetWorld's domains,
anybody's). ``beside``: ``*.jpg`` beside ``*.png`` (BSData, RSDD, the groups of MVTec). Both lie in
``train/``, ``val/`` and ``test/``, or without splits in the root. ``camo``: as CAMO is published.
``coco``: as COCO is, see :func:`goodsam_pl.data.coco_things.largest_things`.
"""


def _places(root: Path, folders: _Folders, is_one: Callable[[Path], bool]) -> dict[Split, Path]:
    """Where the splits of a domain lie."""
    if folders is not None:
        return {split: root / folders[split] for split in SPLITS if split in folders}
    found: dict[Split, Path] = {split: root / split for split in SPLITS if is_one(root / split)}
    return found or {"train": root}


def _named(folder: Path) -> dict[str, Path]:
    return by_name(folder, _images(folder))


def _images(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; it is part of CAMO's layout")
    return list_images(folder).images
