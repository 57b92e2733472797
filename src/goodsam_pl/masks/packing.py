"""Packing many masks of a window one after the other, never all of them laid out at once.

The result is that of :meth:`goodsam_pl.masks.WindowMasks.pack`.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["MaskPacker"]

_MOST_LAYERS = 256
"""Of a window: our choice; SAM's masks need a dozen."""
_MOST_BYTES = 400 << 20

Binary = NDArray[np.bool_]


class _Packed(NamedTuple):
    """A mask as compressed bits, and what is known of it.

    Attributes:
        bits: of its pixels.
        area: pixels.
        box: left, top, right, bottom; the last ones included, zeros for an empty mask.
        scores: predicted IoU and stability.
    """

    bits: bytes
    area: int
    box: tuple[int, int, int, int]
    scores: tuple[float, float]


class MaskPacker:
    """Takes the masks of one window.

    Args:
        size: its height and width, pixels.
        windows: how many there are, which share the memory.
    """

    def __init__(self, size: tuple[int, int], windows: int = 1) -> None:
        self._size = size
        self._masks: list[_Packed] = []
        in_memory = _MOST_BYTES // (2 * size[0] * size[1] * windows)
        self._most_layers = min(_MOST_LAYERS, max(32, in_memory))

    def add(self, binary: Binary, predicted_iou: float, stability: float) -> None:
        """Take a mask ``(h, w)``."""
        bits = zlib.compress(np.packbits(binary).tobytes(), 1)
        scores = (predicted_iou, stability)
        self._masks.append(_Packed(bits, int(binary.sum()), _box(binary), scores))

    def pack(self) -> WindowMasks:
        """All masks, sorted by area.

        Raises:
            ValueError: so many overlap that they take more layers than there may be.
        """
        masks = sorted(self._masks, key=lambda mask: -mask.area)
        layers: list[NDArray[np.int16]] = []
        for index, mask in enumerate(masks):
            self._place(index, mask, layers)
        stacked = np.stack(layers) if layers else np.zeros((0, *self._size), np.int16)
        scores = torch.tensor([mask.scores for mask in masks]).reshape(-1, 2)
        return WindowMasks(
            layers=torch.from_numpy(stacked),
            predicted_iou=scores[:, 0].contiguous(),
            stability=scores[:, 1].contiguous(),
            boxes=torch.tensor([mask.box for mask in masks], dtype=torch.int32).reshape(-1, 4),
            areas=torch.tensor([mask.area for mask in masks], dtype=torch.int32),
        )

    def _place(self, index: int, mask: _Packed, layers: list[NDArray[np.int16]]) -> None:
        """Into the first layer where it overlaps with none."""
        left, top, right, bottom = mask.box
        part = slice(top, bottom + 1), slice(left, right + 1)
        binary = self._unpacked(mask)[part]
        free = (layer for layer in layers if not (layer[part][binary] >= 0).any())
        layer = next(free, None)
        if layer is None:
            if len(layers) == self._most_layers:
                raise ValueError(
                    f"more than {self._most_layers} masks overlap: leave out those that are alike"
                )
            layer = np.full(self._size, -1, np.int16)
            layers.append(layer)
        layer[part][binary] = index

    def _unpacked(self, mask: _Packed) -> Binary:
        bits = np.frombuffer(zlib.decompress(mask.bits), np.uint8)
        pixels = np.unpackbits(bits, count=self._size[0] * self._size[1])
        return pixels.reshape(self._size).astype(bool)


def _box(binary: Binary) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(binary.any(axis=1)), np.flatnonzero(binary.any(axis=0))
    if len(rows) == 0:
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
