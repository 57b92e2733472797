"""Classes, boxes and masks of what a panorama shows, in the form of COCO."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from goodsam_pl.masks.coco import compress_counts, counts_of
from goodsam_pl.masks.placed_mask import arc
from goodsam_pl.streetworld.rendering import View
from goodsam_pl.taxonomy import get_taxonomy

__all__ = ["boxes_json"]

_VOID = 255


def boxes_json(view: View, file_name: str) -> bytes:
    """A COCO file of one panorama.

    Things and regions of stuff are annotated alike. An instance that shows two classes is two
    things. The id of a category is the trainId of Cityscapes plus 1, as COCO counts from 1. A
    ``bbox`` is left, top, width and height in pixels, and goes on beyond the width across the seam.

    Args:
        view: the panorama.
        file_name: of its picture.
    """
    height, width = view.label.shape
    seen = view.instance.astype(np.int64) * (_VOID + 1) + view.label
    annotations: list[dict[str, Any]] = []
    for key in np.unique(seen[view.label != _VOID]).tolist():
        mask = seen == key
        rows = np.flatnonzero(mask.any(axis=1))
        left, across = arc(np.asarray(mask.any(axis=0)))
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": 1,
                "category_id": key % (_VOID + 1) + 1,
                "bbox": [left, int(rows[0]), across, int(rows[-1] - rows[0]) + 1],
                "area": int(mask.sum()),
                "iscrowd": 0,
                "segmentation": {
                    "size": [height, width],
                    "counts": compress_counts(counts_of(mask)),
                },
            }
        )
    names = get_taxonomy("cityscapes-19").classes
    content = {
        "images": [{"id": 1, "file_name": file_name, "height": height, "width": width}],
        "annotations": annotations,
        "categories": [{"id": index + 1, "name": name} for index, name in enumerate(names)],
    }
    return json.dumps(content).encode()
