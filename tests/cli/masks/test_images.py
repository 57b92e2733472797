"""Panoramas are read as options and stores say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from goodsam_pl.cli.masks.images import reader_for, reader_of
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore

SIZE = (24, 128)


@pytest.fixture
def pictures(workplace):
    """Write pictures of one colour, as wide and as high as given."""

    def write(*sizes):
        paths = []
        for index, size in enumerate(sizes):
            paths.append(workplace / f"{index}.png")
            Image.new("RGB", size, "teal").save(paths[-1])
        return paths

    return write


def angles(files, vertical_fov=67.5, file_vertical_fov=None, tolerance=0.05):
    reader = reader_for(files, SIZE, vertical_fov, file_vertical_fov, tolerance)
    assert (reader.size, reader.aspect_tolerance) == (SIZE, tolerance)
    return reader.vertical_fov, reader.file_vertical_fov


def test_twice_as_wide_as_high_is_a_full_sphere(pictures, caplog):
    assert angles(pictures((128, 64), (128, 24))) == (67.5, 180.0)
    assert "photographs of 128×64 are taken for full spheres" in caplog.text
    assert angles(pictures((100, 52))) == (67.5, 180.0)
    assert angles(pictures((100, 53))) == (67.5, 67.5)


def test_other_files_show_what_is_wanted(pictures, caplog):
    for files in (pictures((128, 24), (128, 64)), []):
        assert angles(files) == (67.5, 67.5)
    assert caplog.text == ""


def test_the_first_file_that_can_be_read_decides(pictures):
    files = pictures((128, 24), (128, 24), (128, 64))
    files[0].write_text("no picture")
    files[1].unlink()
    assert angles(files) == (67.5, 180.0)


def test_an_angle_that_is_given_counts(pictures, caplog):
    assert angles(pictures((128, 64)), file_vertical_fov=90.0) == (67.5, 90.0)
    assert caplog.text == ""
    with pytest.raises(ValueError, match=r"between 0° and that of the files, 0° \(file_vertical"):
        angles(pictures((128, 64)), file_vertical_fov=0.0)


def test_a_store_says_what_its_masks_see(workplace, brightness):
    grid = WindowGrid.cover(SIZE, (24, 24), (24, 16))
    store = MaskStore.create(
        workplace / "masks", grid, brightness(), {"vertical_fov": 60.0, "file_vertical_fov": 180.0}
    )
    reader = reader_of(store)
    assert (reader.size, reader.vertical_fov, reader.file_vertical_fov) == (SIZE, 60.0, 180.0)
    # square pixels where nothing is said; any aspect is the store's own affair
    silent = reader_of(MaskStore(store.root, replace(store.manifest, view={})))
    assert silent.vertical_fov == silent.file_vertical_fov == 360 * 24 / 128
    assert silent.aspect_tolerance == float("inf")
