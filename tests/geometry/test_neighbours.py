from __future__ import annotations

import pytest
import torch

from goodsam_pl.geometry.neighbours import dilate, largest_around


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_the_maximum_is_over_a_square_that_goes_on_beyond_the_seam(radius: int) -> None:
    values = torch.randn(2, 7, 9, generator=torch.Generator().manual_seed(0))
    expected = torch.full_like(values, -torch.inf)
    for row in range(7):
        rows = slice(max(0, row - radius), row + radius + 1)
        for column in range(9):
            columns = torch.arange(column - radius, column + radius + 1) % 9
            expected[:, row, column] = values[:, rows][:, :, columns].amax(dim=(1, 2))
    assert torch.equal(largest_around(values, radius), expected)


def test_flags_grow_across_the_seam_and_not_over_the_poles() -> None:
    flags = torch.zeros(1, 4, 6, dtype=torch.bool)
    flags[0, 0, 0] = True
    grown = dilate(flags, 1)
    assert grown.dtype == torch.bool
    assert grown[0].nonzero().tolist() == [[0, 0], [0, 1], [0, 5], [1, 0], [1, 1], [1, 5]]


def test_no_flag_grows_to_none() -> None:
    assert not dilate(torch.zeros(1, 4, 6, dtype=torch.bool), 2).any()
