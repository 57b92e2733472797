"""Windows that overlap are averaged, and E_H is what most of them trust."""

from __future__ import annotations

import torch

from goodsam_pl.fusion import FusedWindows
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.views.fused_panorama import FusedPanorama

GRID = WindowGrid.cover((1, 6), (1, 4), (1, 3))  # two windows that share a pixel at each end


def test_e_and_m_are_means_over_the_windows_that_hold_a_pixel() -> None:
    assert GRID.columns == (0, 3)
    shares = torch.tensor([[0.9, 0.9, 0.9, 0.9], [0.3, 0.3, 0.3, 0.3]])  # of class 0
    probabilities = torch.stack([shares, 1 - shares], dim=1)[None, :, :, None]  # (1, 2, 2, 1, 4)
    part = FusedWindows(
        probabilities=probabilities,
        winner=probabilities.argmax(dim=2).byte(),
        filled=torch.zeros(1, 2, 1, 4, dtype=torch.bool),
        weight=torch.tensor([[1.0, 1, 1, 1], [0, 0, 0, 0]])[None, :, None],
    )
    fused = FusedPanorama((part,), GRID)
    # windows hold columns 0 to 3, and 3 to 6, which is 0 again
    assert fused.ensemble[0, 0].allclose(torch.tensor([0.6, 0.9, 0.9, 0.6, 0.3, 0.3]))
    assert fused.label[0].tolist() == [0, 0, 0, 0, 1, 1]
    assert fused.weight[0].tolist() == [0.5, 1, 1, 0.5, 0, 0]
    assert fused.confident[0].tolist() == [0, 0, 0, 0, 255, 255]
    assert fused.trusted == 0.5
