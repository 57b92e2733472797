"""How an image is cut before things are looked for by words."""

from __future__ import annotations

import torch

from goodsam_pl.cli.labels.looking import cut_windows, look_through


def test_a_photograph_is_one_window() -> None:
    grid = look_through((30, 50), (None, None, False))
    assert (grid.count, grid.window_size) == (1, (30, 50))


def test_a_panorama_is_squares_of_its_height_that_share_a_third() -> None:
    grid = look_through((192, 1024), (None, None, True))
    assert grid.window_size == (192, 192)
    assert grid.columns == tuple(128 * index for index in range(8))


def test_windows_that_are_given_fit_smaller_images_too() -> None:
    look = ((20, 30), (10, 15), False)
    assert look_through((40, 60), look).columns == (0, 15, 30)
    grid = look_through((10, 90), look)
    assert (grid.window_size, grid.rows) == ((10, 30), (0,))
    assert look_through((10, 20), look).count == 1


def test_windows_know_where_they_were_cut() -> None:
    pixels = torch.arange(3 * 4 * 12, dtype=torch.uint8).reshape(3, 4, 12)
    windows, grid = cut_windows("a", pixels, ((4, 6), (4, 6), True))
    assert grid.count == 2
    assert windows.corners.tolist() == [[0, 0], [6, 0]]
    assert windows.pixels[1].equal(pixels[:, :, 6:])
    windows, _ = cut_windows("a", pixels, ((4, 8), (4, 6), True))
    assert windows.pixels[1].equal(torch.cat([pixels[:, :, 6:], pixels[:, :, :2]], dim=2))
    assert (windows.image, windows.size) == ("a", (4, 12))
