from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.geometry.perspective import focal_length, pinhole_directions


def test_focal_length_of_a_right_angle_is_half_the_width():
    assert focal_length(512, 90.0) == pytest.approx(256.0)
    with pytest.raises(ValueError, match="horizontal_fov"):
        focal_length(512, 180.0)


def test_directions_follow_the_pinhole_model():
    directions = pinhole_directions(4, 6, 90.0, torch.float64)
    assert torch.allclose(directions.norm(dim=-1), torch.ones(4, 6).double())
    slopes = directions[..., 1:] / directions[..., :1]
    row, column = 0, 5
    assert slopes[row, column].tolist() == pytest.approx([-2.5 / 3, 1.5 / 3])


def test_edges_of_the_image_lie_at_half_the_field_of_view():
    left = pinhole_directions(1, 10_000, 70.0, torch.float64)[0, 0]
    angle = math.degrees(math.atan2(left[1], left[0]))
    assert angle == pytest.approx(35.0, abs=0.01)
