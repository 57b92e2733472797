from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from goodsam_pl.data import Band, PanoramaFormat

bands = st.integers(2, 40).flatmap(
    lambda height: st.tuples(
        st.just(height), st.integers(0, height - 1), st.integers(1, height), st.integers(1, 60)
    ).filter(lambda drawn: drawn[1] < drawn[2])
)


@given(bands, st.integers(1, 50), st.integers(1, 70))
def test_each_pixel_of_the_file_gets_the_label_that_its_centre_lies_in(drawn, height, width):
    rows, top, bottom, columns = drawn
    labels = np.arange(height * width).reshape(height, width)
    restored = Band((rows, columns), top, bottom).restore(labels, outside=-1)
    for row in range(rows):
        for column in range(columns):
            if not top <= row < bottom:
                assert restored[row, column] == -1
                continue
            # where the centre of the pixel lies in the labels, from 0 to 1 of the band
            down = (row - top + 0.5) / (bottom - top) * height
            across = (column + 0.5) / columns * width
            nearest = {
                labels[min(int(down + d), height - 1), min(int(across + a), width - 1)]
                for d in (-1e-9, 1e-9)
                for a in (-1e-9, 1e-9)
            }
            assert restored[row, column] in nearest


@given(bands)
def test_at_the_size_of_the_file_nothing_is_lost(drawn):
    rows, top, bottom, columns = drawn
    labels = np.random.default_rng(0).integers(0, 255, (3, bottom - top, columns), dtype=np.uint8)
    band = Band((rows, columns), top, bottom)
    restored = band.restore(labels)
    assert restored.dtype == np.uint8
    assert (restored[:, band.rows] == labels).all()
    assert (np.delete(restored, np.r_[band.rows], axis=1) == 255).all()
    smooth = band.restore_smooth(labels.astype(np.float32), outside=7.0)
    assert (smooth[:, band.rows] == labels).all()
    assert (np.delete(smooth, np.r_[band.rows], axis=1) == 7).all()


def test_smooth_maps_go_on_across_the_seam():
    wave = np.cos(2 * np.pi * (np.arange(32) + 0.5) / 32).astype(np.float32)
    restored = Band((6, 256), 1, 5).restore_smooth(np.tile(wave, (2, 1)))
    expected = np.cos(2 * np.pi * (np.arange(256) + 0.5) / 256)
    assert restored.dtype == np.float32
    assert np.abs(restored[1:5] - expected).max() < 0.01
    assert (restored[[0, 5]] == 0).all()


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tif", "ramp.webp"])
def test_what_is_read_lies_where_it_is_restored(tmp_path, name):
    """A full sphere whose colours say where a pixel is comes back to its place."""
    height, width = 512, 1024
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[..., 0] = (np.arange(height) // 2)[:, None]
    ramp[..., 1] = np.arange(width) // 4
    Image.fromarray(ramp).save(tmp_path / name, lossless=True)
    form = PanoramaFormat((96, 512), 67.5, 180.0)
    band = form.locate(tmp_path / name)
    assert band == Band((512, 1024), 160, 352)
    restored = band.restore(form.read(tmp_path / name).transpose(2, 0, 1)).transpose(1, 2, 0)
    assert restored.shape == ramp.shape
    inside = restored[band.rows].astype(int) - ramp[band.rows]
    assert np.abs(inside).max() <= 1
    assert (np.delete(restored, np.r_[band.rows], axis=0) == 255).all()


def test_a_header_says_where_a_turned_file_lies(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((128, 64, 3), np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    band = PanoramaFormat((24, 128), 67.5, 180.0).locate(tmp_path / "turned.jpg")
    assert band == Band((64, 128), 20, 44)


def test_a_band_is_described_in_plain_values():
    described = Band((512, 1024), 160, 352).describe()
    assert json.loads(json.dumps(described)) == {"file_size": [512, 1024], "rows": [160, 352]}


def test_the_horizon_may_lie_off_the_middle():
    assert Band.around((1024, 4096), 512.2) == Band((1024, 4096), 256, 768)
    assert Band.around((1024, 4096), 512.2, horizon=767.9999999) == Band((1024, 4096), 512, 1024)


def test_rows_that_the_file_lacks_are_left_out():
    assert Band.around((1024, 4096), 512, horizon=896) == Band((1024, 4096), 640, 1024)
    assert Band.around((1024, 4096), 512, horizon=-100) == Band((1024, 4096), 0, 156)
    with pytest.raises(ValueError, match=r"rows 1044 to 1024 are no part of a file of 1024 rows"):
        Band.around((1024, 4096), 512, horizon=1300)


def test_rows_of_a_smaller_copy():
    band = Band((1024, 4096), 384, 640)
    assert band.of_height(1024) == band.rows
    assert band.of_height(256) == slice(96, 160)
    assert band.of_height(1) == slice(0, 1)
