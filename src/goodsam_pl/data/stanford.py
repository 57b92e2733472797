"""Stanford2D3D (2D-3D-S): which areas are which split, and what its label images mean.

A label image holds, as the number 256 · green + blue of each pixel, an index into a list of
instances, and a red other than 0 where nothing is known. The list is a file of the data set; an
instance is called ``<class>_<number>_<room>_<number>_<area>``. Panoramas are full spheres, black
around the poles, where the camera saw nothing.
"""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from goodsam_pl.data.files import read_image
from goodsam_pl.data.labels import LabelFormat
from goodsam_pl.data.text import read_text
from goodsam_pl.taxonomy import IGNORE_INDEX, get_taxonomy

__all__ = ["FOLD", "stanford_format"]

FOLD = {
    "train": ("area_1", "area_2", "area_3", "area_4", "area_6"),
    "val": ("area_5a", "area_5b"),
    "test": ("area_5a", "area_5b"),
}
"""The first of the data set's three folds: areas of each split."""

TAXONOMY = "stanford2d3d-13"
_UNKNOWN = "<UNK>"
_STRIP_PIXELS = 1 << 22


@cache
def stanford_format(root: Path) -> LabelFormat:
    """The label format of a copy of the data set.

    Args:
        root: its folder; the list of instances is ``assets/semantic_labels.json`` in it, or lies
            in it directly.

    Raises:
        FileNotFoundError: no list of instances.
        ValueError: a list with classes that the data set does not have.
    """
    classes = get_taxonomy(TAXONOMY).classes
    ids = {**{index: index for index in range(len(classes))}, IGNORE_INDEX: IGNORE_INDEX}
    return LabelFormat(
        "instances of Stanford2D3D",
        TAXONOMY,
        ids,
        decode=partial(_read_instances, classes=_classes_of_instances(root)),
        black_is_void=True,
    )


def _classes_of_instances(root: Path) -> npt.NDArray[np.uint8]:
    """TrainId of every instance of the list."""
    places = [root / "assets" / "semantic_labels.json", root / "semantic_labels.json"]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"{places[0]}: no such file; it says what the labels mean and comes with the data set, "
            "in its folder assets"
        )
    train_ids = {name: index for index, name in enumerate(get_taxonomy(TAXONOMY).classes)}
    train_ids[_UNKNOWN] = IGNORE_INDEX
    try:
        instances = json.loads(read_text(path))
        names = [instance.split("_")[0] for instance in instances]
    except (json.JSONDecodeError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{path}: no list of instance names ({error}): take it from the data set anew"
        ) from error
    if unknown := sorted(set(names) - train_ids.keys()):
        raise ValueError(
            f"{path}: instances of the classes {', '.join(unknown)}, which Stanford2D3D does not "
            "have: is this the list of another data set?"
        )
    return np.array([train_ids[name] for name in names], dtype=np.uint8)


def _read_instances(path: Path, classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Read a label image into trainIds ``(H, W)`` of the 13 classes, 255 = ignore.

    Raises:
        ValueError: an instance that the list does not have.
    """
    pixels = read_image(path)
    labels = np.empty(pixels.shape[:2], dtype=np.uint8)
    step = max(1, _STRIP_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), step):
        red, green, blue = np.moveaxis(pixels[top : top + step].astype(np.int32), 2, 0)
        instance = np.where(red == 0, 256 * green + blue, -1)
        if instance.max() >= len(classes):
            raise ValueError(
                f"{path}: holds the instance {instance.max()}, but semantic_labels.json lists "
                f"{len(classes)}: do both belong to one copy of the data set?"
            )
        labels[top : top + step] = np.where(instance >= 0, classes[instance], IGNORE_INDEX)
    return labels
