"""What is written down about an image beside its label: things with class, score, box and mask."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.coco import compress_counts, counts_of
from goodsam_pl.masks.concepts import Concept, ConceptMasks
from goodsam_pl.masks.joined_concepts import ClassMask

__all__ = ["coco_file", "found_boxes", "thing_record"]

_SCORE_DIGITS = 6


def thing_record(
    mask: ClassMask, size: tuple[int, int], concepts: Sequence[Concept]
) -> dict[str, Any]:
    """A thing of an image, after the masks of windows were joined.

    Args:
        mask: the thing.
        size: height and width of the image, pixels.
        concepts: the classes that were asked for.
    """
    whole: NDArray[np.bool_] = np.zeros(size, dtype=np.bool_)
    rows, columns = mask.shape.nonzero()
    whole[rows + mask.top, (columns + mask.left) % size[1]] = True
    return {
        "class": concepts[mask.concept].name,
        "score": round(mask.score, _SCORE_DIGITS),
        "box": list(mask.box),
        "area": mask.area,
        "segmentation": {"size": list(size), "counts": compress_counts(counts_of(whole))},
    }


def found_boxes(
    found: Sequence[ConceptMasks], windows: WindowGrid, concepts: Sequence[Concept]
) -> list[dict[str, Any]]:
    """What was found in each window, before anything was joined: left, top, width and height."""
    rows = []
    for index, masks in enumerate(found):
        top, left = windows.corner(index)
        for concept, score, (x, y, right, bottom) in zip(
            masks.classes.tolist(), masks.scores.tolist(), masks.boxes.tolist(), strict=True
        ):
            box = [x + left, y + top, right - x, bottom - y]
            rows.append(
                {
                    "window": index,
                    "class": concepts[concept].name,
                    "score": round(score, _SCORE_DIGITS),
                    "box": [round(side, 2) for side in box],
                }
            )
    return rows


def coco_file(
    records: Iterable[tuple[str, Mapping[str, Any]]], names: Sequence[str], about: str
) -> bytes:
    """The things of all images as one COCO file.

    Boxes may go on beyond the seam of a panorama. The id of a category is its place among the
    classes that can be asked for, from 1 on: with a background as class 0 that is the id of label
    files.

    Args:
        records: name of the image's file, and what :func:`thing_record` made of it, under
            ``things``, with its ``size``.
        names: of the classes that can be asked for.
        about: what made them.
    """
    number_of = {name: index + 1 for index, name in enumerate(names)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for file_name, record in records:
        height, width = record["size"]
        images.append(
            {"id": len(images) + 1, "file_name": file_name, "height": height, "width": width}
        )
        annotations += [
            {
                "id": len(annotations) + index + 1,
                "image_id": len(images),
                "category_id": number_of[thing["class"]],
                "bbox": thing["box"],
                "area": thing["area"],
                "iscrowd": 0,
                "score": thing["score"],
                "segmentation": thing["segmentation"],
            }
            for index, thing in enumerate(record["things"])
        ]
    content = {
        "info": {"description": about},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in number_of.items()],
    }
    return json.dumps(content).encode()
