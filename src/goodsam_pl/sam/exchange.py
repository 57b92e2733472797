"""Masks from and for others: what ``SamAutomaticMaskGenerator`` returns, saved to files.

Exports are JSON in the layout of the SA-1B data set: ``image`` says what was looked at,
``annotations`` are the generator's dictionaries. Ours also say the SHA-256 of the image file and
the ``window`` that a mask is of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam.coco import compress_counts, counts_of, decompress_counts, mask_of
from goodsam_pl.sam.masks import WindowMasks
from goodsam_pl.sam.store import MaskStore

__all__ = ["SUFFIXES", "Saved", "SavedMask", "export_record", "pack_saved", "read_saved"]

SUFFIXES = (".json", ".npz")
"""Files that masks are read from."""

Binary = NDArray[np.bool_]


class SavedMask(NamedTuple):
    """One mask.

    Attributes:
        binary: ``(h, w)`` bool.
        predicted_iou: the model's guess.
        stability: its stability score.
        window: the window that it is of; ``None`` where the file does not say.
    """

    binary: Binary
    predicted_iou: float
    stability: float
    window: int | None


class Saved(NamedTuple):
    """What a file holds.

    Attributes:
        masks: in the order of the file.
        key: SHA-256 of the image file, if it says so.
    """

    masks: list[SavedMask]
    key: str | None


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


def read_saved(path: Path) -> Saved:
    """Read the masks of a file.

    Args:
        path: JSON, a list of the generator's dictionaries or an object with such ``annotations``;
            or ``.npz`` with the arrays ``segmentation`` ``(M, h, w)``, ``predicted_iou`` and
            ``stability_score`` ``(M,)``, and if need be ``window`` ``(M,)``. Nothing is unpickled.

    Raises:
        ValueError: the file holds something else; the message says what and where.
    """
    try:
        if path.suffix == ".npz":
            return Saved(_from_arrays(path), None)
        content = json.loads(path.read_bytes())
        inside = isinstance(content, dict)
        annotations = content["annotations"] if inside else content
        key = content.get("image", {}).get("sha256") if inside else None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path}: neither a list of masks nor an object with annotations ({error}): save what "
            "SamAutomaticMaskGenerator.generate returns, with json.dump or numpy.savez"
        ) from error
    masks: list[SavedMask] = []
    try:
        masks.extend(map(_from_annotation, annotations))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"{path}: mask {len(masks)} is not as SamAutomaticMaskGenerator makes them: {reason}"
        ) from error
    return Saved(masks, key)


def pack_saved(
    masks: Sequence[SavedMask], windows: WindowGrid, fit: Callable[[Binary], Binary]
) -> list[WindowMasks]:
    """Masks for a store.

    Args:
        masks: of one panorama.
        windows: the store's grid.
        fit: brings a mask of the whole image file to the size of the grid's panoramas.

    Raises:
        ValueError: a mask says no window, or has another size.
    """
    by_window: list[list[SavedMask]] = [[] for _ in range(windows.count)]
    for mask in masks:
        window = 0 if windows.count == 1 else mask.window
        if window is None or not 0 <= window < windows.count:
            raise ValueError(
                f"a mask is of window {mask.window}, the store has {windows.count}: give masks of "
                'whole panoramas, one file a window, or "window" in each mask'
            )
        by_window[window].append(mask)
    return [_pack(own, windows, fit) for own in by_window]


def _pack(
    masks: Sequence[SavedMask], windows: WindowGrid, fit: Callable[[Binary], Binary]
) -> WindowMasks:
    size = windows.window_size
    binary = np.zeros((len(masks), *size), dtype=bool)
    for place, mask in zip(binary, masks, strict=True):
        found = mask.binary
        if found.shape != size and size == windows.image_size:
            found = fit(found)
        if found.shape != size:
            raise ValueError(
                f"a mask has {found.shape[1]}×{found.shape[0]} pixels, a window "
                f"{size[1]}×{size[0]}: set size, window_size and window_stride to those of the "
                "masks"
            )
        place[:] = found
    return WindowMasks.pack(
        torch.from_numpy(binary),
        torch.tensor([mask.predicted_iou for mask in masks]),
        torch.tensor([mask.stability for mask in masks]),
    )


def _from_annotation(annotation: Mapping[str, Any]) -> SavedMask:
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, list):
        binary = np.array(segmentation)
        if binary.ndim != 2 or not np.isin(binary, (0, 1)).all():
            raise ValueError("segmentation is no array of rows of 0 and 1")
        binary = binary.astype(bool)
    else:
        height, width = segmentation["size"]
        counts = segmentation["counts"]
        if isinstance(counts, str):
            counts = decompress_counts(counts)
        binary = mask_of(counts, (height, width))
    return SavedMask(
        binary,
        float(annotation["predicted_iou"]),
        float(annotation["stability_score"]),
        annotation.get("window"),
    )


def _from_arrays(path: Path) -> list[SavedMask]:
    with np.load(path, allow_pickle=False) as arrays:
        binary = arrays["segmentation"].astype(bool)
        scores = [arrays[name].tolist() for name in ("predicted_iou", "stability_score")]
        windows = arrays["window"].tolist() if "window" in arrays else [None] * len(binary)
    return [SavedMask(*row) for row in zip(binary, *scores, windows, strict=True)]
