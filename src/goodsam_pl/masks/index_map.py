"""Overlapping masks as one map: every pixel names the set of masks that it lies in.

The pixels that lie in exactly the same masks are a *cell*. A map of cells and the list of the cells
of each mask say all that the masks say, however they nest; a border that several masks share is
there once. A row of pixels of one cell is a *run*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodsam_pl.geometry import WindowGrid

__all__ = ["IndexMap", "Integers"]

Integers = NDArray[np.integer[Any]]

_DENSE = 16
"""Numbers for each pixel up to which a table of all of them is quicker than to sort them."""


@dataclass(frozen=True, eq=False)
class IndexMap:
    """All masks of N windows: R runs of C cells, M masks, P pairs of a mask and one of its cells.

    Cells and masks are numbered through all windows, window by window.

    Attributes:
        size: height and width of a window, pixels.
        cell_counts: ``(N,)``, cells of each window, which has at least one.
        mask_counts: ``(N,)``, masks of each window.
        places: ``(R,)``, the pixel where each run begins, counted from left to right, row by row,
            window by window; a run reaches to the next one and ends with its row.
        cells: ``(R,)``, the cell of each run.
        pair_masks: ``(P,)``, ascending.
        pair_cells: ``(P,)``, ascending within a mask.
        mask_layers: ``(M,)``, the layer of each mask, see :func:`goodsam_pl.masks.mask_layers`.
    """

    size: tuple[int, int]
    cell_counts: Integers
    mask_counts: Integers
    places: Integers
    cells: Integers
    pair_masks: Integers
    pair_cells: Integers
    mask_layers: Integers

    @classmethod
    def of(cls, layers: Sequence[Tensor], mask_counts: Sequence[int]) -> IndexMap:
        """Overlay the layers of every window.

        Args:
            layers: int16 ``(L, h, w)`` for each window, ids of its masks, -1 where there is none.
            mask_counts: masks of each window; those without a pixel count too.
        """
        windows = [
            _Overlay.of(own.numpy(), count) for own, count in zip(layers, mask_counts, strict=True)
        ]
        cell_counts = np.array([window.members.shape[1] for window in windows])
        counts = np.array(mask_counts)
        first_cells, first_masks = starts(cell_counts), starts(counts)
        cells = np.stack(
            [window.cells + first for window, first in zip(windows, first_cells, strict=True)]
        )
        begins = np.ones(cells.shape, dtype=bool)
        begins[:, :, 1:] = cells[:, :, 1:] != cells[:, :, :-1]
        places = np.flatnonzero(begins)
        pairs = [window.pairs() for window in windows]
        return cls(
            size=(cells.shape[1], cells.shape[2]),
            cell_counts=cell_counts,
            mask_counts=counts,
            places=places,
            cells=cells.reshape(-1)[places],
            pair_masks=np.concatenate(
                [pair[0] + first for pair, first in zip(pairs, first_masks, strict=True)]
            ),
            pair_cells=np.concatenate(
                [pair[1] + first for pair, first in zip(pairs, first_cells, strict=True)]
            ),
            mask_layers=np.concatenate([window.mask_layers for window in windows]),
        )

    @property
    def depth(self) -> int:
        """The number of layers: so many that masks of one layer are disjoint in every window."""
        return int(self.mask_layers.max()) + 1 if len(self.mask_layers) else 0

    @property
    def lengths(self) -> Integers:
        """Pixels of each run, ``(R,)``."""
        lengths = np.empty_like(self.places)
        np.subtract(self.places[1:], self.places[:-1], out=lengths[:-1])
        lengths[-1:] = len(self.cell_counts) * self.size[0] * self.size[1] - self.places[-1:]
        return lengths

    def cell_map(self) -> Tensor:
        """The cell of every pixel, numbered from 0 in each window.

        Returns:
            ``(N, h, w)``, the smallest of uint8, int16 and int32 that holds the numbers.
        """
        types = (np.uint8, np.int16, np.int32)
        dtype = next(each for each in types if self.cell_counts.max() - 1 <= np.iinfo(each).max)
        height, width = self.size
        # a pixel is the sum of all changes before it, modulo the range of its type: adding them up
        # takes half as long as repeating thousands of short runs
        cells: Integers = self.cells.astype(dtype)
        changes = np.zeros((len(self.cell_counts), height * width), dtype=dtype)
        changes[0, 0] = cells[0]
        changes.reshape(-1)[self.places[1:]] = cells[1:] - cells[:-1]
        changes[1:, 0] -= self.cell_counts[:-1].astype(dtype)
        return torch.from_numpy(running_sum(changes.reshape(-1)).reshape(-1, height, width))

    def layers(self, least: int = 0) -> Tensor:
        """The masks as layers of disjoint masks, ids numbered from 0 in each window.

        Args:
            least: layers at least; more are added, empty, where the masks need fewer.

        Returns:
            ``(N, L, h, w)`` int16, -1 where a layer has no mask. A view of ``(N, h, w, L)``.
        """
        depth = max(self.depth, least)
        # NumPy repeats items of 2, 4, 8 or 16 bytes several times as fast as odd ones
        table = np.full((self.cell_counts.sum(), _power_of_two(depth)), -1, dtype=np.int16)
        within = np.arange(len(self.mask_layers)) - np.repeat(
            starts(self.mask_counts), self.mask_counts
        )
        table[self.pair_cells, self.mask_layers[self.pair_masks]] = within[self.pair_masks]
        pixels = np.repeat(table[self.cells], self.lengths, axis=0)
        stacked = pixels.reshape(len(self.cell_counts), *self.size, -1)[..., :depth]
        return torch.from_numpy(stacked).movedim(-1, 1)

    def areas(self) -> Tensor:
        """Pixels of each mask: ``(M,)`` int32."""
        of_cells = np.bincount(self.cells, self.lengths, minlength=self.cell_counts.sum())
        of_masks = np.bincount(
            self.pair_masks, of_cells[self.pair_cells], minlength=len(self.mask_layers)
        )
        return torch.from_numpy(of_masks.astype(np.int32))

    def boxes(self) -> Tensor:
        """Boxes ``(M, 4)`` int32 of the masks: see ``mask_boxes`` of the window's masks."""
        height, width = self.size
        rows, left = np.divmod(self.places, width)
        rows %= height
        edges = (-left, -rows, left + self.lengths - 1, rows)
        outermost = np.zeros((len(self.mask_layers), 4), dtype=np.int32)
        for side, edge in zip(outermost.T, edges, strict=True):
            of_cells = np.full(self.cell_counts.sum(), -height - width)
            np.maximum.at(of_cells, self.cells, edge)
            of_masks = np.full(len(outermost), -height - width)
            np.maximum.at(of_masks, self.pair_masks, of_cells[self.pair_cells])
            side[:] = of_masks
        outermost[:, :2] *= -1
        outermost[np.bincount(self.pair_masks, minlength=len(outermost)) == 0] = 0
        return torch.from_numpy(outermost)

    def cut(self, windows: WindowGrid) -> Tensor:
        """Cut masks of a whole panorama into windows; a mask keeps its id in each of them.

        Args:
            windows: a grid of panoramas of the size of our one window.

        Returns:
            As :meth:`layers`, of the grid's windows.
        """
        return windows.extract(self.layers(least=1))[0]


@dataclass(frozen=True, eq=False)
class _Overlay:
    """The cells ``(h, w)`` of one window, and the masks ``(L, C)`` of each cell, -1 = none."""

    cells: Integers
    members: Integers
    mask_layers: Integers

    @classmethod
    def of(cls, layers: Integers, mask_count: int) -> _Overlay:
        cells: Integers = np.zeros(layers.shape[1:], dtype=np.int64)
        for layer in layers:
            cells = _renumber(cells * (mask_count + 1) + layer + 1)
        somewhere = np.zeros(cells.max() + 1, dtype=np.int64)
        somewhere[cells.reshape(-1)] = np.arange(cells.size)
        members = layers.reshape(len(layers), cells.size)[:, somewhere]
        mask_layers = np.zeros(mask_count, dtype=np.int64)
        of_layers, present = np.nonzero(members >= 0)
        mask_layers[members[of_layers, present]] = of_layers
        return cls(cells, members, mask_layers)

    def pairs(self) -> tuple[Integers, Integers]:
        """Each mask with each of its cells, sorted."""
        of_layers, cells = np.nonzero(self.members >= 0)
        masks = self.members[of_layers, cells].astype(np.int64)
        order = np.lexsort((cells, masks))
        return masks[order], cells[order]


def starts(counts: Integers) -> Integers:
    """Where each of several stretches begins that lie one after another."""
    return np.cumsum(counts) - counts


def running_sum(numbers: Integers) -> Integers:
    """The sum of each number and all before it, along the last axis, modulo the type's range.

    PyTorch's sum stays in a register, NumPy's waits for memory at every number.
    """
    signed = torch.from_numpy(numbers.astype(f"i{numbers.dtype.itemsize}"))
    return np.asarray(torch.cumsum(signed, dim=-1, dtype=signed.dtype)).view(numbers.dtype)


def _renumber(codes: Integers) -> Integers:
    """The same numbers without gaps, in the same order."""
    if codes.max() > _DENSE * codes.size:
        return np.unique(codes, return_inverse=True)[1].reshape(codes.shape)
    present = np.zeros(codes.max() + 1, dtype=bool)
    present[codes.reshape(-1)] = True
    return (np.cumsum(present) - 1)[codes]


def _power_of_two(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()
