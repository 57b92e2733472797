"""Overlapping masks as few index maps, without loss.

The masks of one layer are disjoint, so that a layer is a map of their ids. Each mask goes into the
first layer where it overlaps with none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Binary", "Layers", "mask_boxes", "mask_layers", "unpack_layers"]

Binary = NDArray[np.bool_]


class Layers:
    """Takes the masks of one window, one after the other.

    Args:
        size: height and width of the window, pixels.
        most: layers that there may be; ``None`` sets no limit.
    """

    def __init__(self, size: tuple[int, int], most: int | None = None) -> None:
        self._size = size
        self._most = most
        self._layers: list[NDArray[np.int16]] = []

    def lay(self, number: int, binary: Binary, at: Any) -> None:
        """Lay a mask into the first layer that is free there.

        Args:
            number: its id, at most 32767.
            binary: its pixels, cut to some box.
            at: index of that box in the window.

        Raises:
            ValueError: it needs one layer more than there may be.
        """
        free = (each for each in self._layers if not (each[at][binary] >= 0).any())
        layer = next(free, None)
        if layer is None:
            if len(self._layers) == self._most:
                raise ValueError(
                    f"more than {self._most} masks overlap: leave out those that are alike"
                )
            layer = np.full(self._size, -1, np.int16)
            self._layers.append(layer)
        layer[at] = np.where(binary, np.int16(number), layer[at])

    def stacked(self) -> Tensor:
        """All of them, ``(L, h, w)`` int16: ids, -1 where a layer has no mask."""
        empty = np.empty((0, *self._size), np.int16)
        return torch.from_numpy(np.stack(self._layers) if self._layers else empty)


def mask_layers(binary: Tensor) -> Tensor:
    """Pack overlapping masks into few index maps without loss.

    Args:
        binary: ``(M, h, w)`` bool, M at most 32767; a mask's id is its index.

    Returns:
        ``(L, h, w)`` int16, ids, -1 where a layer has no mask; ``L`` is 0 without masks.
    """
    layers = Layers((binary.shape[1], binary.shape[2]))
    masks = zip(binary.numpy(), mask_boxes(binary).tolist(), strict=True)
    for number, (mask, (left, top, right, bottom)) in enumerate(masks):
        box = slice(top, bottom + 1), slice(left, right + 1)
        layers.lay(number, mask[box], box)
    return layers.stacked()


def unpack_layers(layers: Tensor, count: int) -> Tensor:
    """The inverse of :func:`mask_layers`.

    Args:
        layers: ``(L, h, w)`` int16.
        count: the number of masks M, empty ones included.

    Returns:
        ``(M, h, w)`` bool.
    """
    binary = torch.zeros((count, *layers.shape[1:]), dtype=torch.bool, device=layers.device)
    for layer in layers:
        rows, columns = (layer >= 0).nonzero(as_tuple=True)
        binary[layer[rows, columns].long(), rows, columns] = True
    return binary


def mask_boxes(binary: Tensor) -> Tensor:
    """Boxes ``(M, 4)`` int32 around masks ``(M, h, w)``; all zero around an empty one.

    Left, top, right, bottom in pixels, the last ones included, as ``segment_anything`` has them.
    """
    left, right = _extent(binary.any(dim=1))
    top, bottom = _extent(binary.any(dim=2))
    return torch.stack([left, top, right, bottom], dim=1).to(torch.int32)


def _extent(present: Tensor) -> tuple[Tensor, Tensor]:
    """First and last true place in each row of ``(M, n)``; zeros for a row without any."""
    length = present.shape[1]
    found = present.any(dim=1)
    counted = present.to(torch.uint8)
    last = length - 1 - counted.flip(1).argmax(dim=1)
    return counted.argmax(dim=1) * found, last * found
