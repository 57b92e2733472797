"""Images larger than memory: a network looks at tiles that overlap, across the seam as well.

The logits of the tiles are blended: near the border of a tile, where a network lacks what lies
beyond, they do not count at all, and from there on more and more. Tiles begin at multiples of the
network's stride, so that its patches lie where they lie in the whole image. How far a network with
attention looks has no end, so tiles are what memory asks for, and no more (our choice).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from goodsam_pl.networks.memory import available_memory, peak_memory

__all__ = ["LEAST_TILE", "TileSize", "TiledNetwork", "choose_tile", "predict_tiles"]

_STRIDE = 32
"""Of the encoders that are common, see :class:`goodsam_pl.networks.SegmentationNetwork`."""

LEAST_TILE = 64
"""Least height and width of a tile, pixels."""

_HARMLESS = 1 << 20
"""Pixels of a batch that need no look at memory: five panoramas of 192×1024."""

_CPU_BUDGET = 2 << 30
"""Bytes that predictions on a CPU take at most, however large it is: so that results seldom depend
on what else runs there."""


class TileSize(NamedTuple):
    """What a network looks at in one go.

    Attributes:
        images: of a batch.
        height: pixels.
        width: pixels.
    """

    images: int
    height: int
    width: int


class TiledNetwork(nn.Module):
    """Lets a network look at as much at once as memory allows, at tiles if it has to.

    Args:
        network: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        tile: height and width of the tiles, pixels; ``None`` chooses by memory, see
            :func:`choose_tile`.
        wrap: images are full circles in width.
        processes: how many share the memory of this device.

    Raises:
        ValueError: a tile of less than 64 pixels.

    Shape:
        - input ``(B, 3, H, W)``;
        - output logits ``(B, K, H, W)``; those of the network itself where it can see all at once.
    """

    def __init__(
        self,
        network: nn.Module,
        tile: tuple[int, int] | None = None,
        wrap: bool = True,
        processes: int = 1,
    ) -> None:
        super().__init__()
        if tile is not None and min(tile) < LEAST_TILE:
            raise ValueError(
                f"tiles of {tile[0]}×{tile[1]} pixels show too little: choose at least "
                f"{LEAST_TILE}×{LEAST_TILE}"
            )
        self.network = network
        self.tile = tile
        self.wrap = wrap
        self.processes = processes
        self.chosen: dict[tuple[int, int, int], TileSize] = {}

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``."""
        size = self.size_for(images)
        if size == TileSize(len(images), *images.shape[-2:]):
            logits: Tensor = self.network(images)
            return logits
        parts = [
            predict_tiles(self.network, some, (size.height, size.width), wrap=self.wrap)
            for some in images.split(size.images)
        ]
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def size_for(self, images: Tensor) -> TileSize:
        """What the network looks at in one go, of such images; the same from then on."""
        batch, _, height, width = images.shape
        if self.tile is not None:
            return TileSize(batch, min(self.tile[0], height), min(self.tile[1], width))
        if (batch, height, width) not in self.chosen:
            budget = available_memory(images.device) // (2 * self.processes)
            if images.device.type == "cpu":
                budget = min(budget, _CPU_BUDGET)
            self.chosen[batch, height, width] = choose_tile(
                self.network, (batch, height, width), budget
            )
        return self.chosen[batch, height, width]


def choose_tile(network: nn.Module, size: tuple[int, int, int], budget: int) -> TileSize:
    """The most that a network can look at in one go, with so much memory.

    All at once if possible, then fewer images, then halves of an image, and so on; up to a million
    pixels are taken to be possible.

    Args:
        network: maps images to logits.
        size: number, height and width of the images.
        budget: bytes.
    """
    batch, height, width = size

    def is_too_much(images: int, height: int, width: int) -> bool:
        if images * height * width <= _HARMLESS:
            return False
        needed = peak_memory(network, (images, 3, height, width))
        return needed is None or needed > budget

    while is_too_much(batch, height, width):
        if batch > 1:
            batch = (batch + 1) // 2
        elif width >= height:
            width = _up_to_stride(width / 2)
        else:
            height = _up_to_stride(height / 2)
    return TileSize(batch, height, width)


def predict_tiles(
    network: Callable[[Tensor], Tensor], images: Tensor, tile: tuple[int, int], *, wrap: bool
) -> Tensor:
    """Logits of images, blended from those of overlapping tiles.

    Args:
        network: maps images ``(B, 3, h, w)`` to logits ``(B, K, h, w)``.
        images: ``(B, 3, H, W)``.
        tile: height and width of the tiles, pixels, rounded up to multiples of 32; at least a
            quarter of that overlaps on each side. A side of the image's own length is not cut.
        wrap: images are full circles in width: tiles go on across the seam.

    Returns:
        ``(B, K, H, W)``.
    """
    height, width = images.shape[-2:]
    rows = _strips(height, tile[0], wrap=False)
    columns = _strips(width, tile[1], wrap=wrap)
    blended: Tensor | None = None
    for row in rows:
        for column in columns:
            seen = _cut(images[..., row.start : row.stop, :], column)
            logits = network(seen)
            if len(rows) == len(columns) == 1:
                return logits
            if blended is None:
                blended = logits.new_zeros(*logits.shape[:-2], height, width)
            weight = row.weight[:, None] * column.weight
            logits = logits * weight.to(logits)
            for there, here in _pieces(column, width):
                blended[..., row.start : row.stop, there] += logits[..., here]
    assert blended is not None  # noqa: S101  # there is at least one tile
    return blended


class _Strip(NamedTuple):
    """One of the parts that a side of an image is cut into.

    Attributes:
        start: first pixel.
        stop: the pixel after its last; beyond the image's end where it crosses the seam.
        weight: how much each of its pixels counts, float32; over all strips they add up to 1.
    """

    start: int
    stop: int
    weight: Tensor


def _strips(length: int, tile: int, *, wrap: bool) -> list[_Strip]:
    tile = _up_to_stride(tile)
    if tile >= length:
        return [_Strip(0, length, torch.ones(length))]
    overlap = max(_STRIDE, _up_to_stride(tile / 4))
    covered = length if wrap else length - overlap
    count = -(-covered // (tile - overlap))
    step = _up_to_stride(covered / count)
    starts = range(0, covered, step)
    # without a seam the last one ends where the image does
    stops = [
        length if not wrap and start == starts[-1] else start + step + overlap for start in starts
    ]
    weights = [
        _rise_and_fall(
            stop - start,
            overlap,
            rises=wrap or start > 0,
            falls=wrap or stop < length,
        )
        for start, stop in zip(starts, stops, strict=True)
    ]
    total = torch.zeros(length)
    places = [torch.arange(start, stop) % length for start, stop in zip(starts, stops, strict=True)]
    for place, weight in zip(places, weights, strict=True):
        total[place] += weight
    return [
        _Strip(start, stop, weight / total[place])
        for start, stop, place, weight in zip(starts, stops, places, weights, strict=True)
    ]


def _rise_and_fall(length: int, overlap: int, *, rises: bool, falls: bool) -> Tensor:
    """Weights that are 0 in the outermost quarter of an overlap and 1 past it, smoothly."""
    margin = overlap / 4
    centre = torch.arange(length) + 0.5
    ones = torch.full((length,), float("inf"))
    distance = torch.minimum(centre if rises else ones, length - centre if falls else ones)
    share = ((distance - margin) / (overlap - 2 * margin)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def _cut(rows: Tensor, column: _Strip) -> Tensor:
    width = rows.shape[-1]
    pieces = [rows[..., there] for there, _ in _pieces(column, width)]
    return torch.cat(pieces, dim=-1) if len(pieces) > 1 else pieces[0]


def _pieces(column: _Strip, width: int) -> Iterator[tuple[slice, slice]]:
    """Where a strip lies in the image, and which of its own columns that is; two at the seam."""
    first = min(column.stop, width)
    yield slice(column.start, first), slice(0, first - column.start)
    if column.stop > width:
        yield slice(0, column.stop - width), slice(width - column.start, None)


def _up_to_stride(length: float) -> int:
    return -int(-length // _STRIDE) * _STRIDE
