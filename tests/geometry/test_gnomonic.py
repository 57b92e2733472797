"""The gnomonic projection against closed forms and symmetries."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodsam_pl.geometry.equirectangular import pixel_directions
from goodsam_pl.geometry.gnomonic import (
    panorama_places,
    take_bilinear,
    take_nearest,
    view_directions,
)

YAWS = st.floats(-720, 720)
PITCHES = st.floats(-90, 90)


def angles(direction: torch.Tensor) -> tuple[float, float]:
    """Degrees to the right of forward, and above the horizon."""
    forward, left, up = direction.tolist()
    return math.degrees(math.atan2(-left, forward)), math.degrees(math.asin(up))


def looked_at(yaw: float, pitch: float, size: tuple[int, int] = (90, 180)) -> torch.Tensor:
    return torch.stack(panorama_places(view_directions(5, 5, 40.0, yaw, pitch), size), dim=-1)


@given(YAWS, st.floats(-89, 89))
@settings(max_examples=50, deadline=None)
def test_the_middle_looks_where_the_camera_was_turned_to(yaw, pitch):
    middle = view_directions(3, 5, 90.0, yaw, pitch)[1, 2]
    right, up = angles(middle)
    assert math.remainder(right - yaw, 360) == pytest.approx(0, abs=1e-9)
    assert up == pytest.approx(pitch, abs=1e-9)


@given(st.floats(5, 170), YAWS, PITCHES)
@settings(max_examples=50, deadline=None)
def test_edges_are_half_the_field_of_view_away_wherever_it_looks(fov, yaw, pitch):
    view = view_directions(1, 1001, fov, yaw, pitch)[0]
    # the edge is half a pixel beyond the centre of the last one
    last = math.degrees(math.atan(math.tan(math.radians(fov / 2)) * 1000 / 1001))
    for edge in (view[0], view[-1]):
        cosine = (edge @ view[500]).clamp(-1, 1).item()
        assert math.degrees(math.acos(cosine)) == pytest.approx(last, abs=1e-6)


def test_the_upper_edge_of_a_square_right_angle_is_45_degrees_up():
    view = view_directions(1000, 1000, 90.0)
    assert angles(view[0, 499])[1] == pytest.approx(45, abs=0.1)
    assert angles(view[999, 499])[1] == pytest.approx(-45, abs=0.1)
    assert angles(view[499, 999])[0] == pytest.approx(45, abs=0.1)
    assert angles(view[499, 0])[0] == pytest.approx(-45, abs=0.1)


@pytest.mark.parametrize(("above", "below"), [(90, 90), (35, 35), (60, 20), (-10, 40)])
def test_places_are_where_pixels_look(above, below):
    height, width = 12, 40
    middle = (above - below) / 2
    directions = pixel_directions(height, width, above + below, torch.float64)
    latitude = directions[..., 2].clamp(-1, 1).asin() + math.radians(middle)
    ring = directions[..., :2] / directions[..., :2].norm(dim=-1, keepdim=True)
    moved = torch.cat([ring * latitude.cos()[..., None], latitude.sin()[..., None]], dim=-1)
    rows, columns = panorama_places(moved, (height, width), above, below)
    torch.testing.assert_close(rows, torch.arange(12.0).double()[:, None].expand(12, 40))
    torch.testing.assert_close(columns, torch.arange(40.0).double().expand(12, 40))


@given(st.integers(0, 47), PITCHES)
@settings(max_examples=25, deadline=None)
def test_to_roll_the_panorama_is_to_look_elsewhere(shift, pitch):
    generator = torch.Generator().manual_seed(shift)
    image = torch.randint(0, 200, (24, 48), generator=generator)
    rolled = image.roll(-shift, dims=1)  # what was `shift` columns to the right is in the middle
    yaw = 360 * shift / 48
    there = panorama_places(view_directions(9, 9, 70.3, yaw + 0.31, pitch), (24, 48))
    here = panorama_places(view_directions(9, 9, 70.3, 0.31, pitch), (24, 48))
    values = take_bilinear(image[None].double(), *there)
    torch.testing.assert_close(values, take_bilinear(rolled[None].double(), *here))
    assert (take_nearest(image, *there, 255) == take_nearest(rolled, *here, 255)).all()


def test_a_view_across_the_seam_goes_on_at_the_other_border():
    image = torch.arange(36).expand(18, 36).clone()
    rows, columns = panorama_places(view_directions(1, 9, 60.0, 180.0), (18, 36))
    seen = take_nearest(image, rows, columns, 255)[0].tolist()
    assert (seen[0], seen[-1]) == (33, 2)  # 30° less half a pixel on both sides
    assert [(column - 33) % 36 for column in seen] == sorted((each - 33) % 36 for each in seen)
    between = take_bilinear(
        torch.tensor([[[0.0, 10, 20, 30]]]), torch.zeros(2), torch.tensor([-0.5, 3.25])
    )
    assert between[0].tolist() == [15, 22.5]


def test_at_the_poles_every_column_is_seen_around_the_middle():
    for pitch, row in ((90, 0), (-90, 17)):
        places = panorama_places(view_directions(64, 64, 90.0, 0.0, pitch), (18, 36))
        image = torch.zeros(18, 36, dtype=torch.uint8)
        image[row] = torch.arange(36)
        ring = take_nearest(image, *places, 255)[26:38, 26:38]
        assert set(range(36)) <= set(take_nearest(image, *places, 255).flatten().tolist())
        assert 255 not in ring
    # at the zenith, what is in front lies below the middle
    up = view_directions(3, 3, 90.0, 0.0, 90.0)
    assert up[2, 1, 0] > 0 > up[0, 1, 0]


def test_what_a_strip_does_not_show_is_filled():
    image = torch.full((70, 360), 3, dtype=torch.uint8)
    rows, columns = panorama_places(view_directions(101, 101, 90.0), (70, 360), 35, 35)
    seen = take_nearest(image, rows, columns, 255)
    lit = take_bilinear(image[None].float(), rows, columns)[0]
    elevation = view_directions(101, 101, 90.0)[..., 2].asin().rad2deg().abs()
    assert ((seen == 255) == (elevation > 35)).all()
    assert ((lit == 0) == (elevation > 35)).all()
    assert lit.max() == 3


def test_a_smooth_picture_is_followed_between_pixels():
    size = (180, 360)
    directions = pixel_directions(*size, dtype=torch.float64)
    image = torch.stack([directions[..., 0], directions[..., 1], directions[..., 2]])
    view = view_directions(40, 60, 100.0, 200.0, -35.0)
    taken = take_bilinear(image, *panorama_places(view, size))
    # an arc of a degree leaves its chord by 1.9e-5 each way
    assert (taken - view.permute(2, 0, 1)).abs().max() < 1e-4


def test_views_with_a_full_turn_between_them_are_one():
    torch.testing.assert_close(looked_at(-30, 12), looked_at(330, 12))
