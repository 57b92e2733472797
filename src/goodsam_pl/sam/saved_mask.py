"""One mask as others save it: run lengths, rows of 0 and 1, or polygons.

The size of a mask is known before its pixels are laid out, so that it can be refused first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.sam.coco import decompress_counts, mask_of

__all__ = ["Binary", "SavedMask", "Size", "as_size", "mask_from_annotation"]

Binary = NDArray[np.bool_]
Size = tuple[int, int]

_FAR = 1e6
"""Pixels; polygons may reach beyond their image, but not as far."""


class SavedMask(NamedTuple):
    """One mask.

    Attributes:
        size: height and width, pixels.
        decode: gives its pixels, ``(h, w)`` bool; a ``ValueError`` says that they are wrong.
        predicted_iou: the model's guess, 1 where nobody made one.
        stability: its stability score, 1 where it has none.
        window: the window that it is of; ``None`` where the file does not say.
    """

    size: Size
    decode: Callable[[], Binary]
    predicted_iou: float
    stability: float
    window: int | None


def mask_from_annotation(annotation: Mapping[str, Any], image_size: Size | None) -> SavedMask:
    """What SAM's generator returns for a mask, or COCO has for an object.

    Args:
        annotation: with ``segmentation``, and if need be ``predicted_iou`` (or COCO's ``score``),
            ``stability_score`` and ``window``.
        image_size: height and width of its image, where the file says it; polygons need it.

    Raises:
        KeyError: there is no ``segmentation``.
        ValueError: it is of another form.
        TypeError: likewise.
    """
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, Mapping):
        size, decode = _run_lengths(segmentation)
    else:
        size, decode = _lists(segmentation, image_size)
    window = annotation.get("window")
    if window is not None and (isinstance(window, bool) or not isinstance(window, int)):
        raise ValueError(f"window is {window!r}, give its number")
    return SavedMask(
        size,
        decode,
        _score(annotation, "predicted_iou", annotation.get("score")),
        _score(annotation, "stability_score", None),
        window,
    )


def as_size(height: object, width: object) -> Size:
    """Height and width in pixels.

    Raises:
        ValueError: they are none.
    """
    for side in (height, width):
        if isinstance(side, bool) or not isinstance(side, int) or side < 1:
            raise ValueError(f"{height!r} × {width!r} is no height and width in pixels")
    assert isinstance(height, int)  # noqa: S101  # for mypy
    assert isinstance(width, int)  # noqa: S101  # for mypy
    return height, width


def _run_lengths(segmentation: Mapping[str, Any]) -> tuple[Size, Callable[[], Binary]]:
    size = as_size(*segmentation["size"])
    counts = segmentation["counts"]
    if not isinstance(counts, (str, list)):
        raise TypeError("counts are neither text nor a list")

    def decode() -> Binary:
        return mask_of(decompress_counts(counts) if isinstance(counts, str) else counts, size)

    return size, decode


def _lists(segmentation: object, image_size: Size | None) -> tuple[Size, Callable[[], Binary]]:
    if (
        not isinstance(segmentation, list)
        or not segmentation
        or not all(isinstance(row, list) and row for row in segmentation)
    ):
        raise ValueError("segmentation is neither run lengths, nor rows of 0 and 1, nor polygons")
    rows: list[list[Any]] = segmentation
    size = len(rows), len(rows[0])
    if size != image_size and _are_polygons(rows):
        if image_size is None:
            raise ValueError(
                "segmentation is a polygon, and the file does not say how large its image is: give "
                "a COCO file with `images` (height, width, file_name), or export masks"
            )
        return image_size, lambda: _drawn(rows, image_size)
    if any(value not in (0, 1) for value in rows[0]):
        raise ValueError("segmentation is no array of rows of 0 and 1, and no polygon either")

    def decode() -> Binary:
        if any(len(row) != size[1] for row in rows):
            raise ValueError("the rows of a segmentation differ in length")
        binary = np.array(rows)
        if binary.ndim != 2 or not np.isin(binary, (0, 1)).all():
            raise ValueError("segmentation is no array of rows of 0 and 1")
        return binary.astype(bool)

    return size, decode


def _are_polygons(rows: Sequence[Sequence[Any]]) -> bool:
    """Rings of x, y, x, y, … of three points at least."""
    return all(len(row) >= 6 and len(row) % 2 == 0 for row in rows) and not all(
        value in (0, 1) for row in rows for value in row
    )


def _drawn(rings: Sequence[Sequence[float]], size: Size) -> Binary:
    """The pixels whose middle lies in one of the polygons; COCO counts from pixels' corners."""
    from skimage.draw import polygon  # noqa: PLC0415  # nothing else here needs it

    binary = np.zeros(size, dtype=bool)
    for ring in rings:
        points = np.asarray(ring, dtype=np.float64).reshape(-1, 2)
        if not (np.abs(points) < _FAR).all():
            raise ValueError("a polygon has points that are no places in an image")
        x, y = points.T - 0.5
        binary[polygon(y, x, shape=size)] = True
    return binary


def _score(annotation: Mapping[str, Any], name: str, default: Any) -> float:
    value = annotation.get(name, default)
    number = 1.0 if value is None else float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value!r}")
    return number
