"""Pictures and labels of pinhole cameras."""

from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.data.perspective_view import PanoramaSpan, PerspectiveView

SPHERE = PanoramaSpan()


def gradient(height: int, width: int) -> np.ndarray:
    """Red grows from the zenith down, green is 200 in the right half."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 250, height).round()[:, None]
    pixels[:, width // 2 :, 1] = 200
    return pixels


def test_the_middle_is_what_the_camera_looks_at():
    pixels = gradient(180, 360)
    for yaw, pitch in ((90.0, 0.0), (-30.5, 40.0), (170.0, -60.0)):
        seen = PerspectiveView(yaw, pitch, 40.0, (31, 31)).image(pixels, SPHERE)[15, 15]
        assert seen[0] == pytest.approx(250 * (90 - pitch) / 180, abs=1.5)
        assert seen[1] == (200 if yaw > 0 else 0)
        assert seen[2] == 0


def test_a_fine_panorama_is_averaged_not_sampled():
    checks = np.indices((512, 1024)).sum(0) % 2 * np.uint8(254)
    pixels = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    seen = PerspectiveView(20.0, 10.0, 60.0, (16, 16)).image(pixels, SPHERE)
    assert np.abs(seen.astype(int) - 127).max() <= 20
    flat = np.full((512, 1024, 3), 77, np.uint8)
    assert (PerspectiveView(0.0, 90.0, 120.0, (9, 13)).image(flat, SPHERE) == 77).all()


def test_a_coarse_panorama_is_interpolated():
    view = PerspectiveView(90.0, 0.0, 60.0, (400, 400))
    column = view.image(gradient(18, 36), SPHERE)[:, 200, 0].astype(int)
    steps = np.diff(column)
    assert (steps >= 0).all()
    assert steps.max() <= 1


def test_labels_are_ids_of_the_panorama_and_void_outside():
    ids = np.zeros((70, 360), np.uint8)
    ids[:, 90:270] = 7
    strip = PanoramaSpan(35.0, 35.0)
    label = PerspectiveView(0.0, 0.0, 90.0, (101, 101)).label(ids, strip)
    assert set(np.unique(label)) == {7, 255}
    assert (label[50] == 7).all()
    assert (label[0] == 255).all()
    assert PerspectiveView(180.0, 0.0, 90.0, (3, 3)).label(ids, strip)[1].tolist() == [0, 0, 0]
    picture = PerspectiveView(0.0, 0.0, 90.0, (101, 101)).image(
        np.full((70, 360, 3), 9, np.uint8), strip
    )
    assert (picture[50] == 9).all()
    assert (picture[:14, 50] == 0).all()
    assert (picture[17:84, 50] == 9).all()
    assert (picture[87:, 50] == 0).all()


def test_a_strip_off_the_horizon_is_where_it_lies():
    ids = np.arange(40, dtype=np.uint8)[:, None].repeat(80, axis=1)
    label = PerspectiveView(0.0, 20.0, 30.0, (3, 3)).label(ids, PanoramaSpan(40.0, 0.0))
    assert label[1, 1] == 20


def test_names_and_mistakes():
    assert PerspectiveView(-90, 12.5).name == "yaw-90_pitch12.5"
    with pytest.raises(ValueError, match="fov 180 is not between 0 and 180"):
        PerspectiveView(0, 0, 180)
    with pytest.raises(ValueError, match="pitch 91: choose a pitch"):
        PerspectiveView(0, 91)
    with pytest.raises(ValueError, match="at least 1 pixel"):
        PerspectiveView(0, 0, 90, (0, 4))
