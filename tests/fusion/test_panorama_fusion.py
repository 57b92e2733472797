"""Fusing whole panoramas: which fusions are asked once, and what windows get of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.fusion import CTCF, Fused, FusedWindows, NoFusion, PanoramaFusion, fuse
from goodsam_pl.geometry import (
    CrossedWindows,
    WindowGrid,
    Windows,
    extract_families,
    stitch_families,
)

GRID = WindowGrid.cover((8, 24), (8, 8), (8, 6))
CROSSED = CrossedWindows.cover((8, 24), (4, 12), (4, 12), (8, 8), (8, 6))


class _Counting(PanoramaFusion):
    """E is S with the mask's id as its label; it notes what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Tensor, Tensor]] = []

    def __call__(self, probabilities: Tensor, masks: Tensor) -> Fused:
        return self._fuse("windows", probabilities, masks)

    def around(self, probabilities: Tensor, masks: Tensor) -> Fused:
        return self._fuse("panorama", probabilities, masks)

    def _fuse(self, what: str, probabilities: Tensor, masks: Tensor) -> Fused:
        self.asked.append((what, probabilities, masks))
        label = masks.amax(dim=-3).clamp(min=0).to(torch.uint8)
        one = torch.ones(label.shape)
        return FusedWindows(probabilities, label, one > 0, one)


def _batch(windows: Windows) -> tuple[tuple[Tensor, ...], Tensor, Tensor, tuple[Tensor, ...]]:
    generator = torch.Generator().manual_seed(0)
    layers = torch.randint(-1, 5, (2, 3, 8, 24), generator=generator).short()
    softmax = torch.randn(2, 6, 8, 24, generator=generator).softmax(1)
    seen = extract_families(softmax, windows)
    return seen, stitch_families(seen, windows), layers, extract_families(layers, windows)


@pytest.mark.parametrize("windows", [GRID, CROSSED], ids=["sliding", "crossed"])
def test_a_panorama_is_asked_about_once_and_cut(windows: Windows) -> None:
    seen, stitched, layers, masks = _batch(windows)
    fusion = _Counting()
    fused = fuse(fusion, seen, stitched, masks, windows, whole_masks=True)

    ((what, asked, asked_masks),) = fusion.asked
    assert what == "panorama"
    assert asked is stitched
    assert torch.equal(asked_masks, layers)
    whole = fusion.around(stitched, layers)
    for part, grid in zip(fused, windows.families, strict=True):
        assert torch.equal(part.label, grid.extract(whole.label))
        assert torch.equal(part.weight, grid.extract(whole.weight))
        assert torch.equal(part.ensemble, grid.extract(whole.ensemble))
    again = stitch_families(tuple(part.ensemble for part in fused), windows)
    torch.testing.assert_close(again, whole.ensemble)


def test_masks_of_windows_are_fused_window_by_window() -> None:
    seen, stitched, _, masks = _batch(GRID)
    fusion = _Counting()
    (fused,) = fuse(fusion, seen, stitched, masks, GRID, whole_masks=False)
    assert [what for what, *_ in fusion.asked] == ["windows"]
    assert fused.label.shape == (2, 4, 8, 8)


@pytest.mark.parametrize("fusion", [CTCF(), NoFusion()])
def test_the_papers_fusions_stay_window_by_window(fusion: CTCF | NoFusion) -> None:
    seen, stitched, _, masks = _batch(GRID)
    (fused,) = fuse(fusion, seen, stitched, masks, GRID, whole_masks=True)
    alone = fusion(seen[0], masks[0])
    assert torch.equal(fused.ensemble, alone.ensemble)
    assert torch.equal(fused.weight, alone.weight)
