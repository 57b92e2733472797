from __future__ import annotations

import math

import numpy as np
import pytest

from goodsam_pl.streetworld.cameras import Equirectangular, Pinhole, camera_directions, rotation

CAMERAS = [
    Pinhole((30, 50), 70.0),
    Pinhole((40, 30), 120.0),
    Equirectangular((24, 96), 67.5),
    Equirectangular((48, 96), 180.0),
]


@pytest.mark.parametrize(
    ("angles", "forward"),
    [((90, 0, 0), (0, -1, 0)), ((0, 90, 0), (0, 0, 1)), ((0, 0, 90), (1, 0, 0))],
)
def test_yaw_turns_right_pitch_turns_up_roll_stays(angles, forward):
    np.testing.assert_allclose(rotation(*angles) @ [1, 0, 0], forward, atol=1e-12)


def test_roll_is_clockwise():
    # what is left of the camera comes up
    np.testing.assert_allclose(rotation(0, 0, 90) @ [0, 1, 0], [0, 0, 1], atol=1e-12)


def test_a_turn_by_whole_columns_rolls_the_directions():
    still = camera_directions(Equirectangular((16, 64)))
    turned = camera_directions(Equirectangular((16, 64), yaw=90.0))
    for before, after in zip(still, turned, strict=True):
        np.testing.assert_allclose(
            np.roll(before.reshape(16, 64), -16, axis=1), after.reshape(16, 64), atol=1e-7
        )


def _cover(rectangles, number, width):
    top, left, height, wide = (int(side[number]) for side in rectangles)
    return {
        (row, column % width)
        for row in range(top, top + height)
        for column in range(left, left + wide)
    }


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: f"{camera.kind}{camera.size}")
def test_rectangles_hold_every_pixel_of_a_box(camera):
    generator = np.random.default_rng(7)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    middle = generator.uniform(-6, 6, (60, 3))
    half = generator.uniform(0.05, 3, (60, 3))
    rectangles = camera.rectangles((middle[:, None] + signs * half[:, None]).astype(np.float32))
    directions = camera.directions()
    for number in range(60):
        with np.errstate(divide="ignore"):
            first = (middle[number] - half[number]) / directions
            second = (middle[number] + half[number]) / directions
        enter = np.minimum(first, second).max(axis=-1)
        leave = np.maximum(first, second).min(axis=-1)
        seen = (leave >= enter) & (leave > 0.06)
        needed = {(int(row), int(column)) for row, column in np.argwhere(seen)}
        assert needed <= _cover(rectangles, number, camera.size[1])


def test_rectangles_are_tight_and_cross_the_seam():
    behind = np.array([[[-10, y, z] for y in (-1, 1) for z in (-1, 1)] * 2], dtype=np.float32)
    camera = Equirectangular((60, 360), 60.0)
    top, left, height, width = (int(side[0]) for side in camera.rectangles(behind))
    degrees = math.degrees(math.atan(0.1))
    assert left + width > 360
    assert width == pytest.approx(2 * degrees, abs=2)
    assert height == pytest.approx(2 * degrees, abs=2)
    assert top + height / 2 == pytest.approx(30, abs=1)


def test_what_is_behind_a_pinhole_needs_no_pixels():
    behind = np.array([[[-10, y, z] for y in (-1, 1) for z in (-1, 1)] * 2], dtype=np.float32)
    assert Pinhole().rectangles(behind)[2].tolist() == [0]
