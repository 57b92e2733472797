"""The masks of one window: many, overlapping, with scores, in little memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["LogitFrame", "WindowMasks", "mask_boxes", "mask_layers", "unpack_layers"]


_PIXELS_TOGETHER = 1 << 16
"""Pixels of all masks that are compared at once: a float for each bit takes room."""


class LogitFrame(NamedTuple):
    """How low-resolution logits lie on a window.

    SAM enlarges a window so that its longer side fills a square input and pads the rest; logits
    cover that square.

    Attributes:
        image_size: side of the model's square input, pixels.
        height: of the part that the enlarged window takes up, pixels of the input.
        width: of that part.
    """

    image_size: int
    height: int
    width: int

    def place(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Lay logits over a window, as ``segment_anything.modeling.Sam.postprocess_masks`` does.

        Args:
            logits: ``(M, h', w')`` floating point.
            size: ``(h, w)`` of the window, pixels.

        Returns:
            ``(M, h, w)`` float32.
        """
        square = (self.image_size, self.image_size)
        placed = F.interpolate(logits.float()[:, None], square, mode="bilinear")
        placed = placed[..., : self.height, : self.width]
        if (self.height, self.width) != size:
            placed = F.interpolate(placed, size, mode="bilinear")
        return placed[:, 0]


@dataclass(frozen=True, eq=False)
class WindowMasks:
    """M masks of one window, sorted by area, largest first.

    Attributes:
        layers: ``(L, h, w)`` int16, the masks at the proposer's own threshold, exact: see
            :func:`mask_layers`. Their ids are the masks' places in the other attributes.
        predicted_iou: ``(M,)`` float32, the proposer's guess of each mask's IoU with its object.
        stability: ``(M,)`` float32, IoU of the mask at a higher and at a lower threshold.
        boxes: ``(M, 4)`` int32, left, top, right, bottom, pixels, the last ones included.
        areas: ``(M,)`` int32, pixels.
        logits: ``(M, h', w')`` floating point, low resolution, for other thresholds; ``None``
            from proposers that have none.
        frame: how the logits lie on the window; ``None`` without logits.
    """

    layers: Tensor
    predicted_iou: Tensor
    stability: Tensor
    boxes: Tensor
    areas: Tensor
    logits: Tensor | None = None
    frame: LogitFrame | None = None

    @classmethod
    def pack(
        cls,
        binary: Tensor,
        predicted_iou: Tensor,
        stability: Tensor,
        logits: Tensor | None = None,
        frame: LogitFrame | None = None,
    ) -> WindowMasks:
        """Sort masks by area and pack them; everything ends up on the CPU.

        Args:
            binary: ``(M, h, w)`` bool.
            predicted_iou: ``(M,)``.
            stability: ``(M,)``.
            logits: ``(M, h', w')`` or ``None``.
            frame: of the logits.
        """
        areas = binary.sum(dim=(1, 2), dtype=torch.int32)
        order = areas.argsort(descending=True, stable=True)
        binary = binary[order].cpu()
        return cls(
            layers=mask_layers(binary),
            predicted_iou=predicted_iou[order].float().cpu(),
            stability=stability[order].float().cpu(),
            boxes=mask_boxes(binary),
            areas=areas[order].cpu(),
            logits=None if logits is None else logits[order].cpu(),
            frame=frame,
        )

    @classmethod
    def none(cls, size: tuple[int, int]) -> WindowMasks:
        """No mask at all on a window of ``(h, w)`` pixels."""
        return cls.pack(torch.zeros((0, *size), dtype=torch.bool), torch.zeros(0), torch.zeros(0))

    def __len__(self) -> int:
        return len(self.predicted_iou)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the window, pixels."""
        return self.layers.shape[1], self.layers.shape[2]

    def binary(self, threshold: float | None = None) -> Tensor:
        """The masks one by one.

        Args:
            threshold: on the logits; ``None`` takes the masks as they were proposed.

        Returns:
            ``(M, h, w)`` bool.

        Raises:
            ValueError: a threshold is asked for, but there are no logits.
        """
        if threshold is None:
            return unpack_layers(self.layers, len(self))
        if self.logits is None or self.frame is None:
            raise ValueError("these masks came without logits: only their own threshold is known")
        return self.frame.place(self.logits, self.size) > threshold


def mask_layers(binary: Tensor) -> Tensor:
    """Pack overlapping masks into few index maps without loss.

    Masks of one layer are disjoint, so that a layer is a map of mask ids. Each mask goes into the
    first layer where it overlaps with none.

    Args:
        binary: ``(M, h, w)`` bool, M at most 32767; a mask's id is its index.

    Returns:
        ``(L, h, w)`` int16, ids, -1 where a layer has no mask; ``L`` is 0 without masks.
    """
    slices = (some.float() for some in binary.flatten(1).split(_PIXELS_TOGETHER, dim=1))
    overlaps = sum(some @ some.T for some in slices) > torch.zeros(())
    members: list[list[int]] = []
    for index in range(len(binary)):
        free = (layer for layer in members if not overlaps[index, layer].any())
        layer = next(free, None)
        if layer is None:
            members.append([index])
        else:
            layer.append(index)
    layers = torch.full((len(members), *binary.shape[1:]), -1, dtype=torch.int16)
    for layer, ids in zip(layers, members, strict=True):
        for index in ids:
            layer.masked_fill_(binary[index], index)
    return layers


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
