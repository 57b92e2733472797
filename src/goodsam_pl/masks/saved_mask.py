"""One mask as others save it: run lengths, rows of 0 and 1, or polygons.

The size of a mask is known before its pixels are laid out, so that it can be refused first; and
only those pixels are laid out that are asked for, for a line of text may tell of millions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.masks.coco import decompress_counts, sampled_mask
from goodsam_pl.masks.index_map import Integers

__all__ = ["Binary", "Sample", "SavedMask", "Size", "as_size", "mask_from_annotation"]

Binary = NDArray[np.bool_]
Size = tuple[int, int]
Sample = Callable[[Integers, Integers], Binary]
"""Gives the pixels of a mask at some rows ``(h,)`` and columns ``(w,)``, both ascending, as
``(h, w)`` bool; a ``ValueError`` says that they are wrong."""

_FAR = 1e6
"""Pixels; polygons may reach beyond their image, but not as far."""

_LARGEST = float(np.finfo(np.float32).max)
"""Scores are kept as float32."""

_BEYOND = 1 << 63
"""What no 64 bits hold."""

_STRIP = 1 << 20
"""Pixels that are drawn at once: a place takes 16 bytes."""


class SavedMask(NamedTuple):
    """One mask.

    Attributes:
        size: height and width, pixels.
        sample: gives its pixels at some rows and columns.
        predicted_iou: the model's guess, 1 where nobody made one.
        stability: its stability score, 1 where it has none.
        window: the window that it is of; ``None`` where the file does not say.
        effort: to draw it: pixels times corners of its polygons; 0 for other masks.
    """

    size: Size
    sample: Sample
    predicted_iou: float
    stability: float
    window: int | None
    effort: int = 0


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
    effort = 0
    if isinstance(segmentation, Mapping):
        size, sample = _run_lengths(segmentation)
    else:
        size, sample, effort = _lists(segmentation, image_size)
    window = annotation.get("window")
    if window is not None and (isinstance(window, bool) or not isinstance(window, int)):
        raise ValueError(f"window is {window!r}, give its number")
    return SavedMask(
        size,
        sample,
        _score(annotation, "predicted_iou", annotation.get("score")),
        _score(annotation, "stability_score", None),
        window,
        effort,
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


def _run_lengths(segmentation: Mapping[str, Any]) -> tuple[Size, Sample]:
    size = as_size(*segmentation["size"])
    counts = segmentation["counts"]
    if not isinstance(counts, str) and not _are_whole(counts):
        raise TypeError("counts are neither text nor a list of whole numbers")

    def sample(rows: Integers, columns: Integers) -> Binary:
        numbers = decompress_counts(counts) if isinstance(counts, str) else counts
        return sampled_mask(numbers, size, rows, columns)

    return size, sample


def _are_whole(counts: object) -> bool:
    # type() and not isinstance(): bool is a kind of int
    return isinstance(counts, list) and all(
        type(count) is int and -_BEYOND <= count < _BEYOND for count in counts
    )


def _lists(segmentation: object, image_size: Size | None) -> tuple[Size, Sample, int]:
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
        rings = [_ring(row) for row in rows]
        effort = sum(_effort(ring, image_size) for ring in rings)
        return image_size, partial(_drawn, rings, image_size), effort
    if any(len(row) != size[1] for row in rows):
        raise ValueError("the rows of a segmentation differ in length")
    # of numbers alone: NumPy would make objects of anything else
    if not all(value in (0, 1) for row in rows for value in row):
        raise ValueError("segmentation is no array of rows of 0 and 1, and no polygon either")
    binary = np.array(rows, dtype=bool)
    return size, partial(_picked, binary), 0


def _picked(binary: Binary, rows: Integers, columns: Integers) -> Binary:
    picked: Binary = binary[np.ix_(rows, columns)]
    return picked


def _are_polygons(rows: Sequence[Sequence[Any]]) -> bool:
    """Rings of x, y, x, y, … of three points at least."""
    return all(len(row) >= 6 and len(row) % 2 == 0 for row in rows) and not all(
        value in (0, 1) for row in rows for value in row
    )


def _ring(numbers: Sequence[float]) -> NDArray[np.float64]:
    """Corners ``(n, 2)``, y and x, in pixels' middles; COCO counts from pixels' corners."""
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise ValueError("a polygon has points that are no numbers")
    points = np.asarray(numbers, dtype=np.float64).reshape(-1, 2)
    if not (np.abs(points) < _FAR).all():
        raise ValueError("a polygon has points that are no places in an image")
    return points[:, ::-1] - 0.5


def _effort(ring: NDArray[np.float64], size: Size) -> int:
    """Pixels around a polygon, inside its image, times its corners."""
    first = np.clip(ring.min(axis=0), 0, size)
    last = np.clip(ring.max(axis=0) + 1, 0, size)
    return int(np.prod(last - first)) * len(ring)


def _drawn(
    rings: Sequence[NDArray[np.float64]], size: Size, rows: Integers, columns: Integers
) -> Binary:
    """The pixels whose middle lies in one of the polygons."""
    from skimage.draw import polygon  # noqa: PLC0415  # nothing else here needs it

    drawn = np.zeros((len(rows), len(columns)), dtype=bool)
    step = max(1, _STRIP // size[1])
    for top in range(0, size[0], step):
        first, last = np.searchsorted(rows, (top, top + step))
        strip = np.zeros((min(step, size[0] - top), size[1]), dtype=bool)
        for y, x in (ring.T for ring in rings):
            if first < last and y.max() >= top and y.min() <= top + step:
                strip[polygon(y - top, x, shape=strip.shape)] = True
        drawn[first:last] = strip[np.ix_(rows[first:last] - top, columns)]
    return drawn


def _score(annotation: Mapping[str, Any], name: str, default: Any) -> float:
    value = annotation.get(name, default)
    if isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, give a number")  # noqa: TRY004  # of a file
    number = 1.0 if value is None else float(value)
    if not abs(number) <= _LARGEST:  # NaN is not, either
        raise ValueError(f"{name} is {value!r}")
    return number
