"""PSD compares layers on the grid of the second one, or of the first where there are two."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from goodsam_pl.losses import attention_maps, pixel_similarity


@pytest.mark.parametrize(("layers", "grid"), [(2, (8, 16)), (3, (4, 8)), (4, (4, 8))])
def test_residuals_are_compared_on_that_grid(layers: int, grid: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        [torch.randn(2, 3, 8 >> level, 16 >> level, generator=generator) for level in range(layers)]
        for _ in range(2)
    )
    own, other = (attention_maps(each, grid) for each in (student, teacher))
    terms = []
    for fine in range(layers - 1):
        residuals = [F.normalize(maps[fine + 1] - maps[fine], dim=1) for maps in (own, other)]
        terms.append((residuals[0] - residuals[1]).square().sum(1).mean())
    torch.testing.assert_close(pixel_similarity(student, teacher), torch.stack(terms).mean())
