"""PNGs and their table are read together, or what does not belong together is named."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.cli.masks.png_folder import TABLE, read_png_folder
from goodsam_pl.masks.saved_files import ImageNote


@pytest.fixture
def folder(workplace):
    path = workplace / "street"
    path.mkdir()
    return path


def write(folder, table, *names):
    """Write a table, and PNGs of random masks."""
    (folder / TABLE).write_text(table)
    binary = {}
    for index, name in enumerate(names):
        binary[name] = np.random.default_rng(index).random((4, 6)) < 0.5
        Image.fromarray(binary[name] * np.uint8(255)).save(folder / name)
    return binary


def test_masks_come_in_the_order_of_the_table(folder):
    table = "id,area,predicted_iou,stability_score\n1,9,0.5,0.25\n0,8,,\n"
    binary = write(folder, table, "0.png", "1.PNG", ".hidden.png")
    [saved] = read_png_folder(folder)
    assert saved.image == ImageNote()
    assert [(each.predicted_iou, each.stability) for each in saved.masks] == [(0.5, 0.25), (1, 1)]
    rows, columns = np.array([0, 2, 3], np.int32), np.array([1, 5], np.int32)
    for mask, name in zip(saved.masks, ("1.PNG", "0.png"), strict=True):
        assert (mask.size, mask.window) == ((4, 6), None)
        assert np.array_equal(mask.sample(rows, columns), binary[name][np.ix_(rows, columns)])


def test_no_rows_and_no_pictures_are_no_masks(folder):
    write(folder, "\ufeffid,area\n")
    assert read_png_folder(folder)[0].masks == []


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id\n0\n2\n", "{table}, line 3: there is no 2.png beside it"),
        ("id\n0\n0\n", "{table}, line 3: there is no 0.png beside it"),
        ("id\n", "{table}: no row for 0.png, nor 1 more"),
        ("name\n0\n", "{table}: there is no column id; amg.py writes one"),
        ("id,predicted_iou\n0,high\n1,1\n", "{table}, line 2: could not convert"),
        ("id,stability_score\n0,nan\n1,1\n", "{table}, line 2: stability_score is 'nan'"),
    ],
)
def test_what_does_not_belong_together_is_named(folder, table, message):
    write(folder, table, "0.png", "1.png")
    expected = re.escape(message.format(table=folder / TABLE))
    with pytest.raises(ValueError, match=f"^{expected}"):
        read_png_folder(folder)


def test_a_broken_picture_is_named_once(folder):
    write(folder, "id\n0\n", "0.png")
    (folder / "0.png").write_text("no picture")
    with pytest.raises(ValueError, match=rf"^{folder}/0\.png: not an image that Pillow can read"):
        read_png_folder(folder)


def test_a_table_of_other_bytes_is_none(folder):
    write(folder, "", "0.png")
    (folder / TABLE).write_bytes(b"id\n\xff\xfe\n")
    with pytest.raises(ValueError, match=r"metadata\.csv: no table of comma-separated values"):
        read_png_folder(folder)
