"""Packing many masks of a window one after the other, never all of them laid out at once.

The result is that of :meth:`goodsam_pl.masks.WindowMasks.pack`.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import torch

from goodsam_pl.masks.layers import Binary, mask_boxes
from goodsam_pl.masks.placed_mask import PlacedMask, lay_placed
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["MaskPacker"]

_MOST_LAYERS = 256
"""Of a window: our choice; SAM's masks need a dozen."""
_MOST_BYTES = 400 << 20


class _Packed(NamedTuple):
    """A mask without its pixels, and these as compressed bits."""

    bits: bytes
    shape: tuple[int, int]
    area: int
    mask: PlacedMask

    @classmethod
    def of(cls, mask: PlacedMask) -> _Packed:
        bits = zlib.compress(np.packbits(mask.shape).tobytes(), 1)
        bare = mask._replace(shape=np.zeros((0, 0), bool))
        return cls(bits, mask.shape.shape, mask.area, bare)

    def unpack(self) -> PlacedMask:
        bits = np.frombuffer(zlib.decompress(self.bits), np.uint8)
        pixels = np.unpackbits(bits, count=self.shape[0] * self.shape[1])
        return self.mask._replace(shape=pixels.reshape(self.shape).astype(bool))


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
        left, top, right, bottom = mask_boxes(torch.from_numpy(binary[None]))[0].tolist()
        shape = binary[top : bottom + 1, left : right + 1]
        self._masks.append(_Packed.of(PlacedMask(top, left, shape, predicted_iou, stability)))

    def pack(self) -> WindowMasks:
        """All masks, sorted by area.

        Raises:
            ValueError: so many overlap that they take more layers than there may be.
        """
        masks = sorted(self._masks, key=lambda mask: -mask.area)
        return lay_placed((mask.unpack() for mask in masks), self._size, self._most_layers)
