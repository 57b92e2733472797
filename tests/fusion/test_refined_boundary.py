"""B_ref on the circle, in layers, and within its radius, in words that hold however edges lie."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.fusion import refined_boundary
from goodsam_pl.geometry import WindowGrid

GRID = WindowGrid.cover((6, 32), (6, 16), (6, 8))


def _refined(masks: Tensor, labels: Tensor, radius: int) -> Tensor:
    """B_ref of one panorama, from masks ``(L, 6, 32)`` and labels ``(6, 32)``."""
    layers, windows = (GRID.extract(masks[None]),), (GRID.extract(labels[None]),)
    return refined_boundary(layers, windows, GRID, radius)[0]


def _columns(begin: int, end: int) -> Tensor:
    """1 from one column up to another, 0 elsewhere."""
    inside = torch.zeros(6, 32, dtype=torch.int64)
    inside[:, begin:end] = 1
    return inside


def test_an_edge_of_sam_survives_beside_a_class_edge_beyond_the_seam() -> None:
    masks = _columns(21, 30)  # edges between 20 | 21 and between 29 | 30 …
    labels = _columns(2, 11)  # … of classes between 1 | 2, four columns on, and between 10 | 11
    found = _refined(masks[None], labels, radius=5)
    assert found[:, 28:].any(dim=1).all()
    assert not found[:, :28].any()
    assert not _refined(masks[None], labels, radius=2).any()


def test_b_ref_turns_with_the_panorama() -> None:
    generator = torch.Generator().manual_seed(0)
    masks, labels = torch.randint(0, 3, (2, 6, 8), generator=generator).repeat_interleave(4, 2)
    still = _refined(masks[None], labels, radius=1)
    assert still.any()
    for shift in (8, 16, 24):
        turned = _refined(masks.roll(shift, -1)[None], labels.roll(shift, -1), radius=1)
        assert torch.equal(turned, still.roll(shift, -1))


def test_top_and_bottom_do_not_meet() -> None:
    masks, labels = torch.zeros(2, 6, 32, dtype=torch.int64)
    masks[:1], labels[5:] = 1, 1
    assert not _refined(masks[None], labels, radius=2).any()
    assert _refined(masks[None], labels, radius=4).any()


@pytest.mark.parametrize("swapped", [False, True])
def test_the_smallest_mask_at_a_pixel_says_where_sam_has_edges(swapped: bool) -> None:
    # mask 0 is everywhere, and in another layer 1 and 2 share the panorama between them
    halves = 1 + _columns(8, 24)
    layers = torch.stack([torch.zeros_like(halves), halves])
    found = _refined(layers.flip(0) if swapped else layers, _columns(8, 24), radius=1)
    assert found.any(dim=0).nonzero().flatten().tolist() != []
    assert {*found.any(dim=0).nonzero().flatten().tolist()} <= {7, 8, 23, 24}
    for left in (7, 23):
        assert found[:, left : left + 2].any(dim=1).all()


def test_no_mask_beside_no_mask_is_no_edge() -> None:
    nowhere = torch.full((1, 6, 32), -1)
    assert not _refined(nowhere, _columns(8, 24), radius=3).any()
