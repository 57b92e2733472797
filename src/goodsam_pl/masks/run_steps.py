"""The runs of an index map as few, small numbers.

Borders between cells mostly go on from row to row, straight or a little aslant. So the runs are
sorted by cell, and within a cell so that the first runs of its rows come one below the other, then
the second ones, and so on; then each is told by its distance from the one before: mostly one row
down and a pixel or two aside. Distances are taken modulo 256 (65536 for windows of more than 256
pixels), which needs no sign and no new beginning at the next cell. Lengths are not needed: a run
ends where the next one begins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from goodsam_pl.masks.index_map import Integers, running_sum

__all__ = ["RunSteps", "decode_runs", "encode_runs"]


class RunSteps(NamedTuple):
    """R runs of C cells.

    Attributes:
        counts: ``(C,)``, runs of each cell.
        steps: ``(2, R)`` uint8 or uint16, rows down and columns to the right.
    """

    counts: Integers
    steps: Integers


def encode_runs(
    cells: Integers, places: Integers, cell_count: int, size: tuple[int, int]
) -> RunSteps:
    """Sort runs by cell and take distances.

    Args:
        cells: ``(R,)``, the cell of each run, row by row.
        places: ``(R,)``, where each begins, pixels.
        cell_count: C.
        size: height and width of a window, pixels.
    """
    lines, columns = np.divmod(places, size[1])
    by_line = np.lexsort((columns, lines, cells))
    again = np.zeros(len(cells), dtype=bool)
    again[1:] = (np.diff(cells[by_line]) == 0) & (np.diff(lines[by_line]) == 0)
    numbers = np.arange(len(cells))
    rank = np.empty_like(numbers)  # how many runs of the same cell come before in the same line
    rank[by_line] = numbers - np.maximum.accumulate(np.where(again, 0, numbers))
    order = np.lexsort((lines, rank, cells))
    positions = np.stack([lines[order] % size[0], columns[order]])
    steps = np.diff(positions, prepend=0).astype(_dtype(size))
    return RunSteps(np.bincount(cells, minlength=cell_count), steps)


def decode_runs(
    runs: RunSteps, cell_counts: Integers, size: tuple[int, int]
) -> tuple[Integers, Integers]:
    """The inverse of :func:`encode_runs`.

    Args:
        runs: what it gave.
        cell_counts: ``(N,)``, cells of each window.
        size: height and width of a window, pixels.

    Returns:
        Cells ``(R,)`` and places ``(R,)``, row by row.

    Raises:
        ValueError: the numbers do not fill the windows.
    """
    height, width = size
    rows, columns = running_sum(runs.steps)
    bits = int(cell_counts.sum()).bit_length()
    pixels = len(cell_counts) * height * width
    # the smaller numbers are, the sooner they are sorted
    dtype = np.int32 if pixels << bits <= np.iinfo(np.int32).max else np.int64
    windows: Integers = np.arange(len(cell_counts), dtype=dtype)
    first_pixels = windows * (height * width)
    of_cells = (np.repeat(first_pixels, cell_counts) << bits) + np.arange(
        cell_counts.sum(), dtype=dtype
    )
    coded = np.repeat(of_cells, runs.counts)
    within = rows.astype(dtype)
    within *= width
    within += columns.astype(dtype)
    within <<= bits
    coded += within
    coded.sort()
    places = coded >> bits
    ascend = bool((places[1:] > places[:-1]).all())
    if len(places) == 0 or places[0] != 0 or places[-1] >= pixels or not ascend:
        raise ValueError("runs do not fill the windows")
    return coded & ((1 << bits) - 1), places


def _dtype(size: tuple[int, int]) -> type[np.unsignedinteger]:
    if max(size) <= 1 << 8:
        return np.uint8
    return np.uint16 if max(size) <= 1 << 16 else np.uint32
