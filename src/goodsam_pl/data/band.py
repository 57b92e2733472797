"""Where the panorama of training lies in the file that it was read from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from goodsam_pl.taxonomy import IGNORE_INDEX

__all__ = ["Band"]

_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True)
class Band:
    """The rows around the horizon that are read of a panorama; all columns belong to it.

    Attributes:
        file_size: height and width of the file, decoded and upright, pixels.
        top: first row of the file that belongs to it.
        bottom: the row after its last.
    """

    file_size: tuple[int, int]
    top: int
    bottom: int

    def __post_init__(self) -> None:
        if not 0 <= self.top < self.bottom <= self.file_size[0]:
            raise ValueError(
                f"rows {self.top} to {self.bottom} are no part of a file of {self.file_size[0]} "
                "rows"
            )

    @classmethod
    def around(cls, file_size: tuple[int, int], rows: float, horizon: float | None = None) -> Self:
        """The band of so many rows around the horizon.

        Args:
            file_size: height and width of the file, pixels.
            rows: how many; rounded. Those that the file does not have are left out.
            horizon: where it is, in rows from the upper edge of the file; ``None`` is the middle.

        Raises:
            ValueError: the file has none of these rows.
        """
        kept = max(1, round(rows))
        middle = file_size[0] / 2 if horizon is None else horizon
        # tags are scaled to the file: a hair below a whole row is that row
        top = math.floor(middle - kept / 2 + 1e-6)
        return cls(file_size, max(top, 0), min(top + kept, file_size[0]))

    @property
    def rows(self) -> slice:
        """The rows of the file, for indexing."""
        return slice(self.top, self.bottom)

    @property
    def is_whole(self) -> bool:
        """Whether every row of the file belongs to it."""
        return self.bottom - self.top == self.file_size[0]

    def describe(self) -> dict[str, Any]:
        """The same as plain values: with these anyone can map a picture of the band back."""
        return {"file_size": list(self.file_size), "rows": [self.top, self.bottom]}

    def of_height(self, height: int) -> slice:
        """The rows of a copy of the file that was resized to another height."""
        scale = height / self.file_size[0]
        top = min(round(self.top * scale), height - 1)
        return slice(top, max(round(self.bottom * scale), top + 1))

    def restore(
        self, labels: npt.NDArray[_Value], outside: int = IGNORE_INDEX
    ) -> npt.NDArray[_Value]:
        """Bring labels of the band back to its file, nearest neighbour.

        Args:
            labels: ``(..., H, W)`` of any type, at whatever size the band was read.
            outside: value of the rows that do not belong to the band.

        Returns:
            ``(..., h, w)`` of the file.
        """
        height, width = self.file_size
        rows = _nearest(self.bottom - self.top, labels.shape[-2])
        columns = _nearest(width, labels.shape[-1])
        restored = np.full((*labels.shape[:-2], height, width), outside, labels.dtype)
        restored[..., self.rows, :] = labels[..., rows[:, None], columns]
        return restored

    def restore_smooth(
        self, values: npt.NDArray[np.float32], outside: float = 0.0
    ) -> npt.NDArray[np.float32]:
        """As :meth:`restore`, for maps of numbers: bilinear, across the seam as well.

        Args:
            values: float32 ``(..., H, W)``, as probabilities.
            outside: value of the rows that do not belong to the band.

        Returns:
            float32 ``(..., h, w)`` of the file.
        """
        height, width = self.file_size
        above, weight = _between(self.bottom - self.top, values.shape[-2])
        last = values.shape[-2] - 1
        upper = values[..., np.clip(above, 0, last), :]
        lower = values[..., np.clip(above + 1, 0, last), :]
        stretched = upper + (lower - upper) * weight[:, None]
        left, weight = _between(width, values.shape[-1])
        first = stretched[..., left % values.shape[-1]]
        second = stretched[..., (left + 1) % values.shape[-1]]
        restored = np.full((*values.shape[:-2], height, width), outside, np.float32)
        restored[..., self.rows, :] = first + (second - first) * weight
        return restored


def _nearest(length: int, stored: int) -> npt.NDArray[np.int64]:
    """For each of ``length`` pixels, the one of ``stored`` that its centre lies in."""
    return (np.arange(length) * 2 + 1) * stored // (2 * length)


def _between(length: int, stored: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """For each of ``length`` pixels, the stored pixel before its centre, and how far it is past."""
    centres = (np.arange(length) + 0.5) * stored / length - 0.5
    before = np.floor(centres)
    return before.astype(np.int64), (centres - before).astype(np.float32)
