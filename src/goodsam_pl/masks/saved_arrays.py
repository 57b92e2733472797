"""Masks in ``.npz``: read one after the other, for a small file may unpack to gigabytes."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.files.arrays import (
    ArrayHeader,
    array_header,
    begin_array,
    damage_told,
    read_array,
    take,
)
from goodsam_pl.masks.index_map import Integers
from goodsam_pl.masks.saved_mask import Binary, SavedMask, Size, as_size

__all__ = ["read_arrays"]

_MASKS = "segmentation"
_SCORES = ("predicted_iou", "stability_score")
_WINDOW, _IMAGE = "window", "image_id"
_MOST_MASKS = 1 << 18
"""Of a file: our choice."""
_MOST_BYTES = 1 << 26
"""Of anything that is read at once."""
_READ_AT_ONCE = 1 << 22


def read_arrays(path: Path) -> list[SavedMask]:
    """Read masks from the arrays ``segmentation`` ``(M, h, w)`` and those beside it.

    Nothing is unpickled, and no mask is unpacked yet.

    Raises:
        ValueError: it is no such file.
        zipfile.BadZipFile: it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        header = array_header(archive, _MASKS)
        if len(header.shape) != 3:
            raise ValueError(
                f"{_MASKS} has {len(header.shape)} dimensions, not masks, rows, columns"
            )
        count = header.shape[0]
        if count > _MOST_MASKS:
            raise ValueError(f"{count:,} masks, {_MOST_MASKS:,} are the most")
        size = as_size(*header.shape[1:])
        names = set(archive.namelist())
        if f"{_IMAGE}.npy" in names and len(np.unique(_column(archive, _IMAGE, "iu"))) > 1:
            raise ValueError("masks of several images (image_id): save one file for each image")
        columns = [
            _column(archive, name, "iuf").tolist() if f"{name}.npy" in names else [1.0] * count
            for name in _SCORES
        ]
        columns.append(
            _column(archive, _WINDOW, "iu").tolist()
            if f"{_WINDOW}.npy" in names
            else [None] * count
        )
    masks = _Masks(path, header)
    return [
        SavedMask(size, partial(masks.sample, index), float(iou), float(stability), window)
        for index, (iou, stability, window) in enumerate(_rows(count, *columns))
    ]


class _Masks:
    """The masks of a file, quick one after the other; any other order begins anew.

    Args:
        path: the file.
        header: of the masks.
    """

    def __init__(self, path: Path, header: ArrayHeader) -> None:
        self._path, self._header = path, header
        self._size: Size = header.shape[1], header.shape[2]
        self._stream: IO[bytes] | None = None
        self._next = 0

    def sample(self, index: int, rows: Integers, columns: Integers) -> Binary:
        """See :data:`goodsam_pl.masks.saved_mask.Sample`."""
        try:
            with damage_told():
                return self._sample(index, rows, columns)
        except ValueError as error:
            raise ValueError(f"{_MASKS} is damaged: {error}") from error

    def _sample(self, index: int, rows: Integers, columns: Integers) -> Binary:
        stream = self._at(index)
        height, width = self._size
        line = width * self._header.dtype.itemsize
        if line > _MOST_BYTES:
            raise ValueError(f"a mask is {width} pixels wide")
        step = max(1, _READ_AT_ONCE // line)
        picked = np.zeros((len(rows), len(columns)), dtype=bool)
        for top in range(0, height, step):
            bottom = min(top + step, height)
            first, last = np.searchsorted(rows, (top, bottom))
            content = take(stream, (bottom - top) * line)
            if first < last:
                lines = np.frombuffer(content, self._header.dtype).reshape(bottom - top, width)
                picked[first:last] = lines[np.ix_(rows[first:last] - top, columns)].astype(bool)
        self._next = index + 1
        if self._next == self._header.shape[0]:
            stream.read(1)  # which checks the checksum
            self._close()
        return picked

    def _at(self, index: int) -> IO[bytes]:
        """The stream, where a mask begins."""
        if self._stream is None or index < self._next:
            self._close()
            archive = zipfile.ZipFile(self._path)  # closed after the last mask
            self._stream, self._next = archive.open(f"{_MASKS}.npy"), 0
            begin_array(self._stream, _MASKS)
        left = (index - self._next) * math.prod(self._size) * self._header.dtype.itemsize
        while left > 0:
            left -= len(take(self._stream, min(left, _READ_AT_ONCE)))
        return self._stream

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None


def _rows(count: int, *columns: Sequence[Any]) -> list[tuple[Any, ...]]:
    if any(len(column) != count for column in columns):
        raise ValueError(f"segmentation has {count} masks, scores and windows are not as many")
    return list(zip(*columns, strict=True))


def _column(archive: zipfile.ZipFile, name: str, kinds: str) -> NDArray[Any]:
    """Numbers ``(M,)``.

    Raises:
        ValueError: it holds something else.
    """
    values = read_array(archive, name, _MOST_BYTES)
    if values.ndim != 1 or values.dtype.kind not in kinds:
        raise ValueError(f"{name} is {values.dtype} of shape {values.shape}, not a number a mask")
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"{name} is {values[place]} for mask {place}")
    return values
