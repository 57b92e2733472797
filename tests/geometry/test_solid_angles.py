from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.geometry.equirectangular import pixel_directions
from goodsam_pl.geometry.solid_angles import row_solid_angles


def test_a_sphere_has_four_pi_and_its_upper_half_half_of_it():
    assert row_solid_angles(7, 90, 90).sum() == pytest.approx(4 * math.pi)
    assert row_solid_angles(3, 90, 0).sum() == pytest.approx(2 * math.pi)
    assert row_solid_angles(1, 90, -60).tolist() == pytest.approx(
        [2 * math.pi * (1 - math.sqrt(3) / 2)]
    )


def test_the_band_from_30_to_30_degrees_is_half_of_a_sphere():
    rows = row_solid_angles(60, 30, 30)
    assert rows.sum() == pytest.approx(2 * math.pi)
    torch.testing.assert_close(rows, rows.flip(0))
    assert int(rows.argmax()) in {29, 30}


def test_rows_weigh_by_the_cosine_of_their_latitude():
    latitude = pixel_directions(512, 4, 120.0, torch.float64)[:, 0, 2].asin()
    cosine = latitude.cos() * (2 * math.pi) * math.radians(120) / 512
    torch.testing.assert_close(row_solid_angles(512, 60, 60), cosine, rtol=1e-5, atol=0)


@pytest.mark.parametrize("wrong", [(0, 90, 90), (4, 91, 90), (4, 10, -10), (4, -20, 10)])
def test_angles_that_no_image_has_are_refused(wrong):
    with pytest.raises(ValueError, match="are no image"):
        row_solid_angles(*wrong)
