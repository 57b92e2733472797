"""What one family and several have in common."""

from __future__ import annotations

import torch

from goodsam_pl.geometry import (
    CrossedWindows,
    FamilyPair,
    WindowGrid,
    Windows,
    as_families,
    by_family,
    extract_families,
    map_families,
    stitch_families,
)

GRID = WindowGrid.cover((8, 32), (8, 8), (8, 4))
CROSSED = CrossedWindows.cover((8, 32), (4, 16), (2, 8), (8, 8), (8, 4))
IMAGE = torch.randn(2, 3, 8, 32, generator=torch.Generator().manual_seed(0))


def test_both_kinds_of_windows_are_windows() -> None:
    kinds: list[Windows] = [GRID, CROSSED]
    assert [len(windows.families) for windows in kinds] == [1, 2]
    for windows in kinds:
        torch.testing.assert_close(
            stitch_families(extract_families(IMAGE, windows), windows), IMAGE
        )


def test_a_single_family_may_go_without_a_tuple() -> None:
    cut = GRID.extract(IMAGE)
    assert torch.equal(stitch_families(cut, GRID), GRID.stitch(cut))
    assert as_families(cut) == (cut,)
    assert torch.equal(by_family(torch.neg, cut), -cut)


def test_functions_of_families_keep_the_form_of_what_they_get() -> None:
    pair = CROSSED.extract(IMAGE)
    doubled = by_family(torch.add, pair, tuple(pair))
    assert isinstance(doubled, FamilyPair)
    assert torch.equal(doubled.vertical, 2 * pair.vertical)
    assert type(by_family(torch.neg, tuple(pair))) is tuple


def test_mapping_is_by_family() -> None:
    horizontal, vertical = map_families(lambda images: images.mean(1, keepdim=True), IMAGE, CROSSED)
    mean = CROSSED.extract(IMAGE.mean(1, keepdim=True))
    torch.testing.assert_close(horizontal, mean.horizontal)
    torch.testing.assert_close(vertical, mean.vertical)
