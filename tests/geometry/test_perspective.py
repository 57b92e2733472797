from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.geometry.equirectangular import pixel_directions
from goodsam_pl.geometry.perspective import (
    equirectangular_from_perspective,
    focal_length,
    perspective_from_equirectangular,
    pinhole_directions,
)


def turn(yaw: float) -> torch.Tensor:
    angle = math.radians(-yaw)
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


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


def test_a_view_of_directions_shows_the_directions_of_the_view():
    # a panorama that stores where each pixel looks is its own answer sheet
    panorama = pixel_directions(512, 1024).permute(2, 0, 1)[None]
    for yaw in (0.0, 35.0, 180.0):
        view, inside = perspective_from_equirectangular(panorama, (32, 48), 70.0, turn(yaw))
        expected = pinhole_directions(32, 48, 70.0) @ turn(yaw).T
        assert inside.all()
        torch.testing.assert_close(view[0].permute(1, 2, 0), expected, atol=2e-4, rtol=0)


def test_views_beyond_a_strip_are_marked():
    panorama = torch.rand(1, 3, 64, 256)
    _, inside = perspective_from_equirectangular(panorama, (64, 64), 90.0, vertical_fov=30.0)
    assert inside[32].all()
    assert not inside[0].any()


def test_painting_a_view_back_keeps_its_colours():
    rows, columns = torch.meshgrid(
        torch.linspace(0, 1, 96), torch.linspace(0, 1, 128), indexing="ij"
    )
    view = torch.stack([rows, columns])[None]
    panorama, covered = equirectangular_from_perspective(view, (256, 512), 80.0, turn(150.0))
    again, inside = perspective_from_equirectangular(panorama, (96, 128), 80.0, turn(150.0))
    assert inside.all()
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    torch.testing.assert_close(again[inner], view[inner], atol=0.02, rtol=0)
    solid_angle = covered.float().mean().item()
    assert 0.02 < solid_angle < 0.25
    assert panorama[..., ~covered].abs().sum() == 0


def test_labels_keep_their_type_on_the_way_into_the_panorama():
    view = torch.randint(0, 19, (1, 1, 32, 32))
    panorama, covered = equirectangular_from_perspective(view, (64, 128), 90.0, mode="nearest")
    assert panorama.dtype == torch.int64
    assert set(panorama[..., covered].unique().tolist()) <= set(view.unique().tolist())


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="cubic"):
        equirectangular_from_perspective(torch.rand(1, 1, 4, 4), (4, 8), 90.0, mode="cubic")
