"""Windows cover every pixel, stitch to the identity, and turn with the panorama."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodsam_pl.geometry import WindowGrid, map_windows


@st.composite
def grids(draw: st.DrawFn) -> WindowGrid:
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 40))
    window = draw(st.integers(1, height)), draw(st.integers(1, width))
    stride = draw(st.integers(1, window[0])), draw(st.integers(1, window[1]))
    return WindowGrid.cover((height, width), window, stride, wrap=draw(st.booleans()))


@given(grids())
def test_every_pixel_is_covered_and_steps_keep_to_the_stride(grid: WindowGrid) -> None:
    assert int(grid.coverage().min()) >= 1
    for starts, stride in ((grid.rows, grid.stride[0]), (grid.columns, grid.stride[1])):
        assert all(0 < b - a <= stride for a, b in pairwise(starts))


@given(grids(), st.integers(0, 2**31 - 1))
def test_stitching_what_was_cut_is_the_identity(grid: WindowGrid, seed: int) -> None:
    image = torch.randn(2, 3, *grid.image_size, generator=torch.Generator().manual_seed(seed))
    windows = grid.extract(image)
    assert windows.shape == (2, grid.count, 3, *grid.window_size)
    torch.testing.assert_close(grid.stitch(windows), image)


@given(grids())
def test_windows_hold_the_pixels_that_their_corner_says(grid: WindowGrid) -> None:
    height, width = grid.image_size
    numbered = torch.arange(height * width).view(1, height, width)
    for index, window in enumerate(grid.extract(numbered)[0]):
        top, left = grid.corner(index)
        rows = torch.arange(top, top + grid.window_size[0])
        columns = torch.arange(left, left + grid.window_size[1]) % width
        assert torch.equal(window, rows[:, None] * width + columns[None])


@given(grids())
def test_coverage_counts_the_windows_that_hold_a_pixel(grid: WindowGrid) -> None:
    counted = torch.zeros(grid.image_size, dtype=torch.int64)
    numbered = torch.arange(counted.numel()).view(1, *grid.image_size)
    counted.view(-1).index_add_(
        0, grid.extract(numbered).flatten(), torch.ones(grid.extract(numbered).numel(), dtype=int)
    )
    assert torch.equal(counted, grid.coverage())


@given(grids())
@settings(max_examples=60)
def test_overlaps_are_all_pairs_of_shared_pixels(grid: WindowGrid) -> None:
    numbered = torch.arange(grid.image_size[0] * grid.image_size[1]).view(1, *grid.image_size)
    windows = grid.extract(numbered)[0]
    shared = 0
    for first, second, in_first, in_second in grid.overlaps():
        assert first < second
        assert torch.equal(windows[first][in_first], windows[second][in_second])
        assert windows[first][in_first].numel() > 0
        shared += windows[first][in_first].numel()
    cover = grid.coverage()
    assert shared == int((cover * (cover - 1) // 2).sum())


def test_rolling_by_the_column_spacing_permutes_the_windows() -> None:
    grid = WindowGrid.cover((8, 32), (8, 12), (8, 8))
    image = torch.randn(1, 3, 8, 32)
    assert torch.equal(grid.extract(image.roll(8, dims=-1)), grid.extract(image).roll(1, dims=1))


def test_mapping_a_pointwise_function_is_equivariant_to_any_roll() -> None:
    grid = WindowGrid.cover((6, 32), (6, 12), (6, 8))
    image = torch.randn(1, 3, 6, 32)
    plain = grid.stitch(map_windows(lambda x: 2 * x + 1, image, grid))
    rolled = grid.stitch(map_windows(lambda x: 2 * x + 1, image.roll(5, dims=-1), grid))
    torch.testing.assert_close(rolled, plain.roll(5, dims=-1))


def test_windows_reach_the_function_enlarged_and_come_back_in_their_size() -> None:
    grid = WindowGrid.cover((8, 32), (8, 12), (8, 8))
    seen = []

    def function(images: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(images.shape))
        return images.mean(dim=1, keepdim=True)

    constant = torch.full((2, 3, 8, 32), 0.25)
    logits = map_windows(function, constant, grid, scale=1.5, chunk=3)
    assert seen == [(3, 3, 12, 18)] * 2 + [(2, 3, 12, 18)]
    assert logits.shape == (2, 4, 1, 8, 12)
    torch.testing.assert_close(logits, torch.full_like(logits, 0.25))


@pytest.mark.parametrize("scale", [1.0, 1.5, 0.5])
def test_half_precision_functions_give_full_precision_logits(scale: float) -> None:
    grid = WindowGrid.cover((8, 32), (8, 12), (8, 8))
    logits = map_windows(lambda x: x.bfloat16(), torch.ones(1, 3, 8, 32), grid, scale)
    torch.testing.assert_close(logits, torch.ones(1, 4, 3, 8, 12))


def test_windows_that_run_around_the_circle_evenly() -> None:
    grid = WindowGrid.cover((192, 1024), (192, 192), (192, 128))
    assert grid.columns == tuple(range(0, 1024, 128))
    assert grid.rows == (0,)
    assert grid.count == 8


@pytest.mark.parametrize(
    ("window", "stride", "message"),
    [
        ((9, 8), (1, 1), "window height 9 does not fit the image height 8"),
        ((8, 0), (1, 1), "window width 0 does not fit"),
        ((8, 8), (8, 9), "stride 9 over windows of width 8 leaves gaps"),
        ((8, 8), (0, 8), "stride 0 over windows of height 8"),
    ],
)
def test_impossible_windows_are_refused(
    window: tuple[int, int], stride: tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        WindowGrid.cover((8, 32), window, stride)


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the grid is for images of"):
        WindowGrid.cover((8, 32), (8, 8), (8, 8)).extract(torch.zeros(1, 3, 8, 31))
