"""What a window's enlargement and the way back do to each pixel, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid, map_windows

GRID = WindowGrid.cover((4, 8), (4, 8), (4, 8))


def _there_and_back(row: list[int], scale: float) -> list[float]:
    """One row through a function that changes nothing."""

    def as_it_is(images: Tensor) -> Tensor:
        return images

    images = torch.tensor(row).float().expand(1, 3, 4, 8)
    return map_windows(as_it_is, images, GRID, scale)[0, 0, 0, 2].tolist()


def test_twice_as_large_and_back_is_a_narrow_blur() -> None:
    # centres lie half a pixel in: enlarged, a pixel weighs 3/4 and 1/4; back, two of them meet
    found = _there_and_back([0, 0, 0, 8, 0, 0, 0, 8], scale=2.0)
    assert found == pytest.approx([0, 0, 1, 6, 1, 0, 1, 7], abs=1e-5)


def test_what_is_made_smaller_is_averaged_first() -> None:
    # half as large: pixels weigh 1/8, 3/8, 3/8, 1/8 around each new centre
    found = _there_and_back([0, 0, 0, 0, 8, 0, 0, 0], scale=0.5)
    small = [0, 1, 3, 0]
    expected = [
        small[0],
        0.75 * small[0] + 0.25 * small[1],
        0.25 * small[0] + 0.75 * small[1],
        0.75 * small[1] + 0.25 * small[2],
        0.25 * small[1] + 0.75 * small[2],
        0.75 * small[2] + 0.25 * small[3],
        0.25 * small[2] + 0.75 * small[3],
        small[3],
    ]
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_function_sees_pixels_enlarged_about_their_centres() -> None:
    seen: list[Tensor] = []

    def remember(images: Tensor) -> Tensor:
        seen.append(images)
        return images

    map_windows(remember, torch.arange(8.0).expand(1, 3, 4, 8), GRID, scale=2.0)
    expected = [0, *(0.25 + 0.5 * step for step in range(14)), 7]
    assert seen[0][0, 0, 3].tolist() == pytest.approx(expected, abs=1e-5)
