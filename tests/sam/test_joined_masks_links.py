"""Which pieces belong together: mutual matches, one of each window, the surest links first."""

from __future__ import annotations

import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.sam.joined_masks import join_windows

GRID = WindowGrid.cover((8, 32), (8, 8), (8, 4))
"""Window i begins at column 4 i; its right half is the left half of the next."""


def _part(rows: int, left: int, right: int) -> Tensor:
    """The upper rows of some columns of a window, ``(8, 8)``."""
    mask = torch.zeros(8, 8, dtype=torch.bool)
    mask[:rows, left:right] = True
    return mask


def _packed(*masks: Tensor, scores: tuple[float, ...] = ()) -> WindowMasks:
    iou = torch.tensor(scores or (0.9,) * len(masks))
    return WindowMasks.pack(torch.stack(masks), iou, iou)


def _join(found: dict[int, WindowMasks], agreement: float = 0.75, repeats: float = 2.0) -> Tensor:
    """Joined masks ``(M, 8, 32)``; by default repeats are kept, so that every group is seen."""
    windows = [found.get(index, WindowMasks.none((8, 8))) for index in range(GRID.count)]
    return join_windows(windows, GRID, agreement, repeats).binary()


def _panorama(*parts: tuple[int, int, int]) -> Tensor:
    """The upper rows of some columns, which may go on beyond the seam, ``(8, 32)``."""
    mask = torch.zeros(8, 32, dtype=torch.bool)
    for rows, left, right in parts:
        mask[:rows, torch.arange(left, right) % 32] = True
    return mask


def _as_set(masks: Tensor) -> set[bytes]:
    return {mask.numpy().tobytes() for mask in masks}


def test_a_ring_that_one_window_sees_in_two_pieces_breaks_at_its_weakest_link() -> None:
    # a pole stands in window 0; window 4 sees less than window 3 of what both see: IoU 4 / 5
    ring = {index: _packed(_part(5, 0, 8)) for index in range(1, 8)}
    ring[0] = _packed(_part(5, 5, 8), _part(5, 0, 3))
    ring[1] = _packed(_part(5, 1, 8))
    ring[7] = _packed(_part(5, 0, 7))
    ring[4] = _packed(_part(4, 0, 4) | _part(5, 4, 8))
    expected = [_panorama((5, 5, 20)), _panorama((4, 16, 20), (5, 20, 35))]
    assert _as_set(_join(ring)) == _as_set(torch.stack(expected))


def test_a_match_that_is_not_mutual_joins_nothing() -> None:
    # on the overlap: A and X' are the same 20 pixels, X is 18 of them, and B 16 of X;
    # B's best is X (16 / 18), but X's best is A (18 / 20), which goes with X'
    columns = torch.arange(32).view(8, 4)
    wide, long, short = columns < 20, columns < 18, (columns >= 2) & (columns < 18)
    left, right = torch.zeros(2, 8, 8, dtype=torch.bool), torch.zeros(2, 8, 8, dtype=torch.bool)
    left[0, :, 4:], left[1, :, 4:] = wide, short  # A, B
    right[0, :, :4], right[1, :, :4] = wide, long  # X', X
    joined = _join({1: _packed(*left), 2: _packed(*right)})
    assert sorted(int(mask.sum()) for mask in joined) == [16, 18, 20]


def test_agreement_just_reached_joins() -> None:
    found = {1: _packed(_part(4, 2, 8)), 2: _packed(_part(3, 0, 6))}  # 12 of 16 pixels
    assert _as_set(_join(found)) == _as_set(_panorama((4, 6, 12), (3, 8, 14))[None])
    assert len(_join(found, agreement=0.76)) == 2


def test_what_touches_an_overlap_in_one_window_alone_joins_nothing() -> None:
    found = {1: _packed(_part(4, 1, 4)), 2: _packed(_part(4, 5, 8))}
    assert len(_join(found)) == 2


def test_pieces_on_both_sides_of_the_seam_are_one_mask() -> None:
    # window 7 reaches from column 28 to 3, and the windows beside it see an end each
    found = {
        6: _packed(_part(3, 6, 8)),
        7: _packed(_part(3, 2, 6)),
        0: _packed(_part(3, 0, 2)),
    }
    assert _as_set(_join(found)) == _as_set(_panorama((3, 30, 34))[None])


def test_repeats_are_dropped_across_the_seam() -> None:
    # boxes of columns 31 to 35 and, told from 0 on, of 32 to 35: they share 3 of 4
    found = {7: _packed(_part(4, 3, 8), _part(4, 4, 8), scores=(0.5, 0.6))}
    assert _as_set(_join(found, repeats=0.7)) == _as_set(_panorama((4, 32, 36))[None])
    assert len(_join(found, repeats=0.76)) == 2
