from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.geometry.equirectangular import pixel_directions


def test_four_columns_look_half_way_between_the_axes():
    directions = pixel_directions(1, 4, 90.0, torch.float64)[0]
    half = math.sqrt(0.5)
    expected = [[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]]
    torch.testing.assert_close(directions, torch.tensor(expected, dtype=torch.float64))


def test_rows_span_the_field_of_view():
    elevation = pixel_directions(3, 8, 60.0, torch.float64)[..., 2].asin().rad2deg()
    torch.testing.assert_close(
        elevation[:, 0], torch.tensor([20.0, 0.0, -20.0], dtype=torch.float64)
    )


@pytest.mark.parametrize(
    ("size", "fov", "message"),
    [((0, 4), 90.0, "empty"), ((4, 4), 0.0, "vertical_fov"), ((4, 4), 181.0, "vertical_fov")],
)
def test_impossible_images_are_refused(size, fov, message):
    with pytest.raises(ValueError, match=message):
        pixel_directions(*size, fov)
