"""Masks from and for others, of the form that ``SamAutomaticMaskGenerator`` returns.

Exports are JSON in the layout of the SA-1B data set: ``image`` says what was looked at,
``annotations`` are the generator's dictionaries. Ours also say the SHA-256 of the image file and
the ``window`` that a mask is of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam.coco import compress_counts, counts_of
from goodsam_pl.sam.masks import WindowMasks
from goodsam_pl.sam.saved_mask import Binary, SavedMask, Size
from goodsam_pl.sam.store import MaskStore

__all__ = ["export_record", "pack_saved"]

_MOST_MASKS = 32767
"""Of a window; ids have 16 bits."""


def export_record(store: MaskStore, key: str) -> dict[str, Any]:
    """The masks of a panorama as JSON has them, with compressed COCO run lengths."""
    height, width = store.windows.image_size
    image = {"file_name": store.describe(key)["name"], "height": height, "width": width}
    annotations = []
    for index, masks in enumerate(store.read(key)):
        top, left = store.windows.corner(index)
        crop = [left, top, masks.size[1], masks.size[0]]
        rows = zip(
            masks.binary().numpy(),
            masks.areas.tolist(),
            masks.boxes.tolist(),
            masks.predicted_iou.tolist(),
            masks.stability.tolist(),
            strict=True,
        )
        for binary, area, (x, y, right, bottom), predicted_iou, stability in rows:
            counts = compress_counts(counts_of(binary))
            annotations.append(
                {
                    "segmentation": {"size": list(masks.size), "counts": counts},
                    "area": area,
                    "bbox": [x, y, right - x, bottom - y],
                    "predicted_iou": predicted_iou,
                    "stability_score": stability,
                    "crop_box": crop,
                    "window": index,
                }
            )
    return {"image": {**image, "sha256": key}, "annotations": annotations}


def pack_saved(
    masks: Sequence[SavedMask],
    windows: WindowGrid,
    check_size: Callable[[Size], object],
    fit: Callable[[Binary], Binary],
) -> list[WindowMasks]:
    """Masks for a store.

    Args:
        masks: of one panorama.
        windows: the store's grid.
        check_size: raises ``ValueError`` if a mask of that size is none of the whole image file.
        fit: brings a mask of the whole image file to the size of the grid's panoramas.

    Raises:
        ValueError: a mask says no window, or has another size; no pixel is laid out before.
    """
    by_window: list[list[SavedMask]] = [[] for _ in range(windows.count)]
    for mask in masks:
        window = 0 if windows.count == 1 and mask.window is None else mask.window
        if window is None or not 0 <= window < windows.count:
            raise ValueError(
                f"a mask is of window {mask.window}, the store has {windows.count}: give masks of "
                'whole panoramas, one file a window, or "window" in each mask'
            )
        if mask.size != windows.window_size:
            _check_other_size(mask.size, windows, check_size)
        by_window[window].append(mask)
    return [_pack(own, windows, fit) for own in by_window]


def _check_other_size(
    size: Size, windows: WindowGrid, check_size: Callable[[Size], object]
) -> None:
    if windows.window_size == windows.image_size:
        check_size(size)
        return
    height, width = windows.window_size
    raise ValueError(
        f"a mask has {size[1]}×{size[0]} pixels, a window {width}×{height}: set size, window_size "
        "and window_stride to those of the masks"
    )


def _pack(
    masks: Sequence[SavedMask], windows: WindowGrid, fit: Callable[[Binary], Binary]
) -> WindowMasks:
    if len(masks) > _MOST_MASKS:
        raise ValueError(f"{len(masks)} masks in a window, {_MOST_MASKS} are the most")
    size = windows.window_size
    binary = np.zeros((len(masks), *size), dtype=bool)
    for place, mask in zip(binary, masks, strict=True):
        place[:] = mask.decode() if mask.size == size else fit(mask.decode())
    return WindowMasks.pack(
        torch.from_numpy(binary),
        torch.tensor([mask.predicted_iou for mask in masks]),
        torch.tensor([mask.stability for mask in masks]),
    )
