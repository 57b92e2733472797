from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from goodsam_pl.geometry.equirectangular import (
    direction_to_pixel,
    pixel_directions,
    sample_equirectangular,
    solid_angle_weights,
)


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


@given(height=st.integers(1, 40), width=st.integers(1, 60), fov=st.floats(1.0, 180.0))
def test_pixels_go_there_and_back(height, width, fov):
    directions = pixel_directions(height, width, fov, torch.float64)
    torch.testing.assert_close(directions.norm(dim=-1), torch.ones(height, width).double())
    pixels = direction_to_pixel(2.5 * directions, height, width, fov)
    torch.testing.assert_close(
        pixels[..., 0],
        torch.arange(height).double()[:, None].expand(height, width),
        atol=1e-6,
        rtol=0,
    )
    # the only column of a one pixel wide image may come out on the other side of the seam
    turn = (pixels[..., 1] - torch.arange(width).double() + 0.5 * width) % width - 0.5 * width
    torch.testing.assert_close(turn, torch.zeros_like(turn), atol=1e-6, rtol=0)


def test_columns_stay_in_the_image_at_the_seam():
    behind = torch.tensor([[-1.0, 1e-9, 0.0], [-1.0, -1e-9, 0.0]], dtype=torch.float64)
    columns = direction_to_pixel(behind, 4, 8)[:, 1]
    assert columns[0].item() == pytest.approx(-0.5, abs=1e-6)
    assert ((columns >= -0.5) & (columns <= 7.5)).all()


@pytest.mark.parametrize("fov", [180.0, 67.5, 10.0])
def test_solid_angles_add_up_to_the_strip_of_the_sphere(fov):
    weights = solid_angle_weights(48, 96, fov)
    strip = 4 * math.pi * math.sin(math.radians(fov) / 2)
    assert weights.double().sum().item() * 96 == pytest.approx(strip, rel=1e-6)
    torch.testing.assert_close(weights, weights.flip(0))


def test_solid_angles_equal_numerical_integration():
    latitude = np.radians(67.5) * (0.5 - (np.arange(4000) + 0.5) / 4000)
    fine = np.cos(latitude) * np.radians(67.5) / 4000 * 2 * math.pi / 16
    expected = fine.reshape(8, 500).sum(axis=1)
    np.testing.assert_allclose(solid_angle_weights(8, 16, 67.5).numpy(), expected, rtol=1e-6)


def test_sampling_at_pixel_centres_gives_the_image_back():
    image = torch.rand(2, 3, 6, 12)
    directions = pixel_directions(6, 12, 70.0)
    for mode in ("nearest", "bilinear"):
        values, inside = sample_equirectangular(image, directions, 70.0, mode)
        torch.testing.assert_close(values, image, atol=1e-5, rtol=0)
        assert inside.all()


def test_bilinear_sampling_blends_across_the_seam():
    image = torch.zeros(1, 1, 1, 8)
    image[..., 0], image[..., 7] = 1.0, 3.0
    behind = torch.tensor([[[-1.0, 0.0, 0.0]]])
    values, _ = sample_equirectangular(image, behind, 90.0)
    assert values.item() == pytest.approx(2.0, abs=1e-5)


def test_directions_above_the_strip_are_outside_and_repeat_the_border():
    image = torch.arange(4.0).reshape(1, 1, 4, 1).expand(1, 1, 4, 8)
    up = torch.tensor([[[0.1, 0.0, 1.0], [0.1, 0.0, -1.0]]])
    values, inside = sample_equirectangular(image, up, 60.0)
    assert not inside.any()
    assert values.flatten().tolist() == [0.0, 3.0]


def test_labels_keep_their_type():
    labels = torch.randint(0, 19, (1, 1, 4, 8), dtype=torch.uint8)
    values, _ = sample_equirectangular(labels, pixel_directions(4, 8), mode="nearest")
    assert values.dtype == torch.uint8
    assert torch.equal(values, labels)


@pytest.mark.parametrize(
    ("size", "fov", "message"),
    [((0, 4), 90.0, "empty"), ((4, 4), 0.0, "vertical_fov"), ((4, 4), 181.0, "vertical_fov")],
)
def test_impossible_images_are_refused(size, fov, message):
    with pytest.raises(ValueError, match=message):
        pixel_directions(*size, fov)


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="bicubic"):
        sample_equirectangular(torch.rand(1, 1, 2, 4), pixel_directions(2, 4), mode="bicubic")
