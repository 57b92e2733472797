"""``goodsam paint``: things of a COCO file in, label files out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.cli.masks.stores import check_place
from goodsam_pl.data.listing import RESULTS_MARKER, list_images
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.files.result_names import file_name
from goodsam_pl.masks.coco_file import Annotation, CocoFile, CocoImage
from goodsam_pl.masks.image_labels import plain_word
from goodsam_pl.taxonomy import BACKGROUND, IGNORE_INDEX, Taxonomy, read_classes
from goodsam_pl.views.prediction_pictures import label_file_png

__all__ = ["paint"]

_MARKER = b"Label files lie here: no image in this folder is taken for a panorama.\n"


def paint(
    annotations: Path,
    out: Path,
    classes: str = "",
    unclaimed: Literal["void", "background"] = "void",
    others: Literal["refuse", "void"] = "refuse",
    listing: Path | None = None,
) -> str:
    """Paint the masks of all images of a COCO file into label files, one class a pixel.

    What is a crowd is painted first, then things from the largest to the smallest, so that a
    pixel that several claim is that of the smallest of them (our choice; COCO has no order).
    Categories find their class by name: their ids do not matter.

    Args:
        annotations: a COCO file with masks, or a folder of them; MS-COCO's instances_train2014.json
            is one.
        out: folder of the label files, OUT/<name of the image>.png.
        classes: names with commas between them, a class file (.yaml), or a published class set.
        unclaimed: what pixels become that nothing claims: void (255), or the class "background".
        others: a category that is no class, nor one of its phrases, is an error ("refuse"), or
            its pixels become void (255).
        listing: write the names of images with a thing into this file, a name a line.
    """
    taxonomy = read_classes(classes)
    if unclaimed == "background" and BACKGROUND not in taxonomy.classes:
        raise ValueError(
            f'unclaimed is "background", and {taxonomy.name} has no class of that name: name it '
            "first among the classes, or choose void"
        )
    check_place(out)
    _refuse_pictures_of_others(out)
    file = CocoFile(annotations)
    ids = {name: _class_of(name, taxonomy, others, annotations) for name in file.categories}
    rest = taxonomy.index(BACKGROUND) if unclaimed == "background" else IGNORE_INDEX
    write_atomically(out / RESULTS_MARKER, _MARKER)
    images = file.images
    with progress_bar("label files", len(images), visible=True, what="images") as advance:
        for name, image in images.items():
            label = _painted(image, ids, rest)
            write_atomically(out / file_name(name, ".png"), label_file_png(label, taxonomy))
            advance()
    if listing is not None:
        named = sorted(name for name, image in images.items() if image.annotations)
        write_atomically(listing, "".join(f"{name}\n" for name in named).encode())
    return f"{len(images)} label files of {taxonomy.name}: {out}"


def _refuse_pictures_of_others(out: Path) -> None:
    """Label files are called like their images, and would take the place of PNG images.

    Raises:
        ValueError: the folder has pictures, and no mark of an earlier run.
    """
    if not out.is_dir() or (out / RESULTS_MARKER).exists():
        return
    if pictures := list_images(out).images:
        raise ValueError(
            f"{out} has pictures that nobody painted ({pictures[0]} is the first of "
            f"{len(pictures)}), which label files might replace: name a folder of their own"
        )


def _class_of(category: str, taxonomy: Taxonomy, others: str, annotations: Path) -> int:
    """TrainId of a category."""
    word = plain_word(category)
    for index, name in enumerate(taxonomy.classes):
        if word in {plain_word(each) for each in (name, *taxonomy.words_for(name))}:
            return index
    if others == "refuse":
        raise ValueError(
            f"{annotations}: the category {category!r} is no class of {taxonomy.name}, which has "
            f"{', '.join(taxonomy.classes[:5])}, …: give it to one as a phrase in a class file, or "
            "choose --others void"
        )
    return IGNORE_INDEX


def _painted(image: CocoImage, ids: Mapping[str, int], rest: int) -> NDArray[np.uint8]:
    """TrainIds ``(H, W)``."""
    label = np.full(image.size, rest, np.uint8)
    drawn = [(each, image.mask(each, image.size)) for each in image.annotations]
    drawn.sort(key=lambda pair: (not _is_crowd(pair[0]), -int(pair[1].sum())))
    for annotation, mask in drawn:
        label[mask] = ids[annotation.category]
    return label


def _is_crowd(annotation: Annotation) -> bool:
    return bool(annotation.raw.get("iscrowd", 0))
