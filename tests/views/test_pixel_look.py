"""One pixel, with what each says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from goodsam_pl.data import PanoramaBatch, normalize
from goodsam_pl.fusion import CTCF
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.modules import TARectification
from goodsam_pl.views.panorama_look import PanoramaLook, look_at
from goodsam_pl.views.pixel_look import ClassAt, MaskAt, pixel_at

GRID = WindowGrid.cover((8, 32), (8, 16), (8, 12))
ROAD, BUILDING, CAR = 0, 2, 13


class ByBrightness(nn.Module):
    """Bright pixels are cars, dark ones road."""

    def forward(self, images):
        logits = torch.zeros(len(images), 19, *images.shape[-2:])
        logits[:, CAR] = 20 * images[:, 0]
        logits[:, ROAD] = -20 * images[:, 0]
        return logits


class AllBuilding(nn.Module):
    def forward(self, images):
        logits = torch.full((len(images), 19, *images.shape[-2:]), -100.0)
        logits[:, BUILDING] = 100
        return logits


@pytest.fixture
def look() -> PanoramaLook:
    """A bright square of 4×4 pixels across the seam, one of them dark; a mask over it."""
    pixels = np.zeros((8, 32, 3), dtype=np.uint8)
    square = (slice(2, 6), [30, 31, 0, 1])
    pixels[square] = 255
    pixels[3, 31] = 0
    layers = torch.full((1, 1, 8, 32), -1, dtype=torch.int16)
    layers[0, 0, 2:6, [30, 31, 0, 1]] = 0
    truth = torch.full((1, 8, 32), 255, dtype=torch.int64)
    truth[0, 2:6, [30, 31, 0, 1]] = CAR
    batch = PanoramaBatch(
        image=normalize(pixels)[None],
        label=truth,
        masks=(GRID.extract(layers),),
        windows=GRID,
        names=["square"],
        whole_masks=True,
    )
    return look_at(batch, TARectification(ByBrightness()).eval()).with_student(AllBuilding())


def test_everyone_says_something_of_the_dark_pixel(look) -> None:
    fused = {"strict": look.fuse(CTCF(0.95)), "paper": look.fuse(CTCF(0.5))}
    pixel = pixel_at(look, 3, 31, fused)
    assert pixel.truth == "car"
    assert pixel.teacher.name == "road"
    assert pixel.student == ClassAt("building", 1.0)
    assert pixel.fusions["paper"].name == "car"
    assert pixel.fusions["paper"].weight > 0
    assert pixel.fusions["strict"].name == "road"
    assert pixel.fusions["strict"].weight == 0
    whole, *by_window = pixel.masks
    assert whole == MaskAt(0, None, 0, 16, {"car": 15 / 16, "road": 1 / 16})
    for mask in by_window:  # each window holds its own part of the square
        _, left = GRID.corner(mask.window)
        columns = [each for each in (30, 31, 0, 1) if (each - left) % 32 < 16]
        assert mask.area == 4 * len(columns)
        assert mask.votes["road"] == pytest.approx(1 / mask.area)
    assert {mask.window for mask in by_window} == {
        window for window in range(GRID.count) if (31 - GRID.corner(window)[1]) % 32 < 16
    }


def test_it_is_read_as_a_small_table(look) -> None:
    told = str(pixel_at(look, 3, 31, {"paper": look.fuse(CTCF(0.5))})).splitlines()
    assert told[:3] == ["row 3, column 31", "truth: car", "teacher assistant: road 1.00"]
    assert told[3] == "  mask 0 (whole, 16 px): car 0.94, road 0.06"
    assert told[-1] == "student: building 1.00"
    assert told[-2].startswith("paper: car ")
    assert " M " in told[-2]


def test_where_nobody_knows_there_is_no_truth_and_where_no_mask_lies_none(look) -> None:
    pixel = pixel_at(look, 0, 10)
    assert pixel.truth is None
    assert pixel.masks == ()
    assert pixel.fusions == {}
    assert "truth" not in str(pixel)


@pytest.mark.parametrize(("row", "column"), [(8, 0), (-1, 0), (0, 32)])
def test_a_pixel_beside_the_panorama_is_refused(look, row, column) -> None:
    with pytest.raises(IndexError, match="8×32"):
        pixel_at(look, row, column)
