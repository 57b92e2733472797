"""Bilinear sampling on both sides of the seam, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.geometry import sample_equirectangular


@pytest.mark.parametrize(
    ("column", "expected"),
    [(7.0, 3.0), (7.25, 2.5), (7.49, 2.02), (-0.49, 1.98), (-0.25, 1.5), (0.0, 1.0)],
)
def test_the_last_column_goes_over_into_the_first(column: float, expected: float) -> None:
    image = torch.full((1, 1, 2, 8), 100.0)
    image[..., 0], image[..., 7] = 1.0, 3.0
    longitude = (column + 0.5) / 8 * 2 * math.pi - math.pi
    direction = torch.tensor([math.cos(longitude), -math.sin(longitude), 0.0])
    values, inside = sample_equirectangular(image, direction[None, None], 90.0)
    assert values.item() == pytest.approx(expected, abs=1e-3)
    assert inside.all()
