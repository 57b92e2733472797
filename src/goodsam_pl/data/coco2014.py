"""MS-COCO 2014 with one label a pixel: 80 classes and background.

COCO has things that overlap, as polygons in one file of annotations; it has no labels of pixels.
``goodsam paint`` makes label files of it, ids 0 to 80 of ``coco-81``; papers hand on such files,
too. The ids of COCO's categories run from 1 to 90 with gaps, those of label files from 1 to 80.
"""

from __future__ import annotations

from pathlib import Path

from goodsam_pl.data.entries import Entry, MissingSplitError, Request, entry_of, images_below
from goodsam_pl.data.image_lists import listed_images
from goodsam_pl.data.labels import train_ids

__all__ = ["coco"]

_LABELS = ("labels", "SegmentationClass")
"""Folders of label files: ours, and what others call it."""


def coco(request: Request) -> list[Entry]:
    """``images/{train,val}2014/*.jpg`` with ``labels/{train,val}2014/*.png``.

    Images may lie without ``images`` above them, as COCO's archives unpack. A label is called like
    its image, or by the number alone: ``000000000009.png`` of ``COCO_train2014_000000000009.jpg``.
    A list ``splits/{train,val}.txt`` takes some of the images; papers train on those with a thing.
    ``test`` means ``val``, as in published numbers: labels of COCO's test set are not public.
    """
    split = "train" if request.split == "train" else "val"
    year = f"{split}2014"
    below = f"images/{year}"
    if (request.root / year).is_dir() and not (request.root / below).is_dir():
        below = year
    images = request.folder(below)
    labels = _labels(request, year)
    listing = request.root / "splits" / f"{split}.txt"
    found = listed_images(listing, images, request) if listing.is_file() else images_below(images)
    label_format = train_ids("coco-81")
    return [
        entry_of(images, image, None if labels is None else _label(labels, image), label_format)
        for image in found
    ]


def _labels(request: Request, year: str) -> Path | None:
    found = (request.root / each / year for each in _LABELS)
    labels = next((each for each in found if each.is_dir()), None)
    if labels is None and request.labelled:
        root = request.root
        raise MissingSplitError(
            f"{root / 'labels' / year}: no such folder; make label files of COCO's annotations: "
            f"goodsam paint {root}/annotations/instances_{year}.json {root}/labels/{year} "
            "--classes coco-81 --unclaimed background"
        )
    return labels


def _label(labels: Path, image: Path) -> Path:
    own = labels / f"{image.stem}.png"
    number = labels / f"{image.stem.rpartition('_')[2]}.png"
    return number if number.is_file() and not own.is_file() else own
