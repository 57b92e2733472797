"""Crossed families cover, stitch to the identity, overlap between each other, and turn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodsam_pl.data.augment import Turn
from goodsam_pl.geometry import CrossedWindows, extract_families, map_families, stitch_families


@st.composite
def crossed(draw: st.DrawFn) -> CrossedWindows:
    image = height, width = draw(st.integers(1, 20)), draw(st.integers(1, 30))
    tall, wide = draw(st.integers(1, height)), draw(st.integers(1, width))
    sizes = (draw(st.integers(1, tall)), wide), (tall, draw(st.integers(1, wide)))
    strides = [tuple(draw(st.integers(1, side)) for side in size) for size in sizes]
    wrap = draw(st.booleans())
    return CrossedWindows.cover(image, sizes[0], strides[0], sizes[1], strides[1], wrap)


def _numbered(windows: CrossedWindows) -> torch.Tensor:
    height, width = windows.image_size
    return torch.arange(height * width).view(1, height, width)


@given(crossed())
@settings(max_examples=50)
def test_coverage_counts_the_windows_of_both_families(windows: CrossedWindows) -> None:
    held = [family.flatten() for family in extract_families(_numbered(windows), windows)]
    counts = torch.bincount(torch.cat(held), minlength=windows.coverage().numel())
    assert torch.equal(counts.view(windows.image_size), windows.coverage())
    assert int(windows.coverage().min()) >= 2


@given(crossed(), st.integers(0, 2**31 - 1))
@settings(max_examples=50)
def test_stitching_what_was_cut_is_the_identity(windows: CrossedWindows, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(2, 3, *windows.image_size, generator=generator)
    torch.testing.assert_close(stitch_families(extract_families(image, windows), windows), image)


@given(crossed())
@settings(max_examples=50)
def test_overlaps_are_all_pixels_that_two_families_share(windows: CrossedWindows) -> None:
    horizontal, vertical = (family[0] for family in extract_families(_numbered(windows), windows))
    shared: dict[tuple[int, int], list[int]] = {}
    for first, second, in_first, in_second in windows.overlaps():
        assert torch.equal(horizontal[first][in_first], vertical[second][in_second])
        assert horizontal[first][in_first].numel() > 0
        shared.setdefault((first, second), []).extend(horizontal[first][in_first].flatten())
    for first, one in enumerate(horizontal):
        for second, other in enumerate(vertical):
            both = set(one.flatten().tolist()) & set(other.flatten().tolist())
            found = [int(pixel) for pixel in shared.get((first, second), [])]
            assert sorted(found) == sorted(both)


def test_the_mean_weighs_every_window_alike() -> None:
    windows = CrossedWindows.cover((4, 8), (2, 8), (2, 8), (4, 4), (4, 2))
    wide, tall = extract_families(torch.zeros(1, 1, 4, 8), windows)
    # each pixel lies in one wide window and in two tall ones
    stitched = stitch_families((wide.fill_(1.0), tall.fill_(2.0)), windows)
    torch.testing.assert_close(stitched, torch.full((1, 1, 4, 8), 5 / 3))


def test_mapping_a_pointwise_function_is_equivariant_to_any_roll() -> None:
    windows = CrossedWindows.cover((8, 32), (4, 16), (2, 8), (8, 8), (8, 4))
    image = torch.randn(1, 3, 8, 32, generator=torch.Generator().manual_seed(0))

    def through_windows(images: torch.Tensor) -> torch.Tensor:
        return stitch_families(map_families(lambda x: 2 * x + 1, images, windows), windows)

    torch.testing.assert_close(
        through_windows(image.roll(5, dims=-1)), through_windows(image).roll(5, dims=-1)
    )


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_both_families_turn_with_the_panorama(mirror: bool, steps: int) -> None:
    # the coarser family's spacing is a multiple of the finer one's, and both widths of both
    windows = CrossedWindows.cover((8, 32), (4, 16), (2, 8), (8, 8), (8, 4))
    layers = torch.randint(-1, 9, (2, 8, 32), generator=torch.Generator().manual_seed(1))
    turn = Turn(shift=8 * steps, mirror=mirror)
    for grid in windows:
        cut = grid.extract(layers[None])[0]
        turned = grid.extract(turn.pixels(layers)[None])[0]
        assert torch.equal(turn.masks(cut, grid), turned)


def test_windows_that_are_not_crossed_are_refused() -> None:
    with pytest.raises(ValueError, match="are not crossed"):
        CrossedWindows.cover((8, 32), (8, 8), (8, 8), (4, 16), (4, 8))
