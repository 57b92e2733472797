"""What is known of masks without labels, counted by hand."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.known_quality import known_quality, total_known


def _masks(*rows: tuple[int, int], size: tuple[int, int] = (1, 20)) -> WindowMasks:
    """Masks from one column to before another."""
    binary = torch.zeros((len(rows), *size), dtype=torch.bool)
    for mask, (first, last) in zip(binary, rows, strict=True):
        mask[:, first:last] = True
    scores = torch.linspace(0.5, 1.0, len(rows))
    return WindowMasks.pack(binary, scores, scores / 2)


def test_numbers_of_one_window() -> None:
    known = known_quality([_masks((0, 10), (2, 6), (15, 20))])
    assert (known.panoramas, known.pixels, known.masks) == (1, 20, 3)
    assert known.masks_per_panorama == 3
    assert known.covered == 0.75
    assert known.predicted_iou == pytest.approx(0.75)
    assert known.stability == pytest.approx(0.375)
    assert known.shared == 4  # nested
    assert known.agreement == 1


@pytest.mark.parametrize(
    ("other", "shared", "crossing"),
    [((8, 20), 2, 2), ((1, 12), 9, 1), ((0, 10), 10, 0), ((10, 20), 0, 0), ((5, 11), 5, 1)],
)
def test_masks_that_cross_disagree(other: tuple[int, int], shared: int, crossing: int) -> None:
    known = known_quality([_masks((0, 10), other)])
    assert (known.shared, known.crossing) == (shared, crossing)
    assert known.agreement == (1 - crossing / shared if shared else 1)


def test_windows_have_masks_of_their_own() -> None:
    windows = [_masks((0, 10), (8, 20)), _masks(), _masks((3, 5))]
    known = known_quality(windows)
    assert (known.pixels, known.in_masks, known.masks) == (60, 22, 3)
    assert known.agreement == 0
    both = total_known([known, known_quality([_masks((0, 10), (2, 6))])])
    assert (both.panoramas, both.pixels, both.masks) == (2, 80, 5)
    assert both.agreement == pytest.approx(1 - 2 / 6)
    assert both.as_dict()["covered"] == both.covered == 32 / 80
    assert "2.5 masks a panorama cover 40.0% of the pixels" in str(both)


def test_of_nothing_nothing_is_known() -> None:
    nothing = total_known([])
    assert nothing.as_dict() == {
        "masks_per_panorama": 0,
        "covered": 0,
        "predicted_iou": 0,
        "stability": 0,
        "agreement": 1,
    }
