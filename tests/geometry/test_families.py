"""What one family and several have in common."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.geometry import (
    CrossedWindows,
    WindowGrid,
    Windows,
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


@pytest.mark.parametrize("windows", [GRID, CROSSED], ids=["grid", "crossed"])
def test_functions_see_the_tensors_of_one_family_at_a_time(windows: Windows) -> None:
    cut = extract_families(IMAGE, windows)
    doubled = by_family(torch.add, cut, cut)
    assert type(doubled) is tuple
    assert all(torch.equal(twice, 2 * once) for twice, once in zip(doubled, cut, strict=True))


def test_mapping_is_by_family() -> None:
    horizontal, vertical = map_families(lambda images: images.mean(1, keepdim=True), IMAGE, CROSSED)
    mean = extract_families(IMAGE.mean(1, keepdim=True), CROSSED)
    torch.testing.assert_close((horizontal, vertical), mean)
