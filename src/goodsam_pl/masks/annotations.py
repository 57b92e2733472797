"""Masks from and for others, of the form that ``SamAutomaticMaskGenerator`` returns.

Exports are JSON in the layout of the SA-1B data set: ``image`` says what was looked at,
``annotations`` are the generator's dictionaries. Ours also say the SHA-256 of the image file and
the ``window`` that a mask is of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.coco import compress_counts, counts_of
from goodsam_pl.masks.index_map import Integers
from goodsam_pl.masks.packing import MaskPacker
from goodsam_pl.masks.saved_mask import SavedMask, Size
from goodsam_pl.masks.store import MaskStore
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["export_record", "pack_saved"]

_MOST_MASKS = 32767
"""Of a window; ids have 16 bits."""

_MOST_EFFORT = 10**10
"""Pixels times corners of polygons, of one panorama: some ten seconds."""


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
    places: Callable[[Size], tuple[Integers, Integers]],
) -> list[WindowMasks]:
    """Masks for a store.

    Args:
        masks: of one panorama.
        windows: the store's grid.
        check_size: raises ``ValueError`` if a mask of that size is none of the whole image file.
        places: rows and columns of a mask of the whole image file that are taken, to bring it to
            the size of the grid's panoramas.

    Raises:
        ValueError: a mask says no window, has another size, or is damaged; or there are more than
            memory is for. No pixel is laid out before all sizes and counts are known to be right.
    """
    by_window = [_window_of(mask, windows) for mask in masks]
    for number, count in Counter(by_window).items():
        if count > _MOST_MASKS:
            raise ValueError(f"{count} masks in window {number}, {_MOST_MASKS} are the most")
    if (effort := sum(mask.effort for mask in masks)) > _MOST_EFFORT:
        raise ValueError(
            f"its polygons have too many corners ({effort:.1e} times pixels): simplify them, or "
            "save run lengths"
        )
    for mask in masks:
        if mask.size != windows.window_size:
            _check_other_size(mask.size, windows, check_size)
    packers = [MaskPacker(windows.window_size, windows.count) for _ in range(windows.count)]
    taken: dict[Size, tuple[Integers, Integers]] = {}
    height, width = windows.window_size
    taken[windows.window_size] = np.arange(height), np.arange(width)
    for index, (mask, window) in enumerate(zip(masks, by_window, strict=True)):
        if mask.size not in taken:
            taken[mask.size] = places(mask.size)
        try:
            binary = mask.sample(*taken[mask.size])
        except (TypeError, OverflowError, MemoryError) as error:
            raise ValueError(f"mask {index} is damaged: {error}") from error
        packers[window].add(binary, mask.predicted_iou, mask.stability)
    return [packer.pack() for packer in packers]


def _window_of(mask: SavedMask, windows: WindowGrid) -> int:
    window = 0 if windows.count == 1 and mask.window is None else mask.window
    if window is None or not 0 <= window < windows.count:
        raise ValueError(
            f"a mask is of window {mask.window}, the store has {windows.count}: give masks of "
            'whole panoramas, one file a window, or "window" in each mask'
        )
    return window


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
