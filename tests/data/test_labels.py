from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.data.labels import (
    CAMVID_IDS,
    CITYSCAPES_LABEL_IDS,
    WILDPASS_IDS,
    LabelReader,
    train_ids,
)
from goodsam_pl.taxonomy import Taxonomy, get_taxonomy


def test_train_ids_pass_and_void_stays(write_label):
    ids = np.array([[0, 18, 255]], np.uint8)
    label = LabelReader("cityscapes-19").read(
        write_label("a.png", ids=ids), train_ids("cityscapes-19")
    )
    assert label.dtype == np.uint8
    assert label.tolist() == [[0, 18, 255]]


def test_label_ids_are_translated(write_label):
    path = write_label("a.png", ids=np.array([[7, 33, 0, 30, 24, 25]], np.uint8))
    assert LabelReader("cityscapes-19").read(path, CITYSCAPES_LABEL_IDS).tolist() == [
        [0, 18, 255, 255, 11, 12]
    ]
    assert LabelReader("cityscapes-13").read(path, CITYSCAPES_LABEL_IDS).tolist() == [
        [0, 12, 255, 255, 11, 11]
    ]


def test_camvid_unlabelled_is_void(write_label):
    path = write_label("a.png", ids=np.arange(12, dtype=np.uint8)[None])
    assert LabelReader("camvid-11").read(path, CAMVID_IDS).tolist() == [[*range(11), 255]]


def test_wildpass_ids_are_those_of_its_authors(write_label):
    scored = {
        4: "car", 5: "truck", 8: "bus", 11: "road", 12: "sidewalk", 17: "person", 13: "curb",
        24: "crosswalk",
    }  # fmt: skip
    path = write_label("a.png", ids=np.array([[*scored, 16, 25, 255]], np.uint8))
    wildpass = get_taxonomy("wildpass-8")
    expected = [*(wildpass.index(name) for name in scored.values()), 255, 255, 255]
    assert LabelReader("wildpass-8").read(path, WILDPASS_IDS).tolist() == [expected]


def test_an_id_out_of_range_names_file_ids_and_the_way_out(write_label):
    path = write_label("bad.png", ids=np.array([[0, 19, 19, 33]], np.uint8))
    with pytest.raises(
        ValueError,
        match=r"bad\.png: label id out of range: 3 pixels hold 19, 33; trainIds of cityscapes-19 "
        r"are 0\.\.18 and 255: choose",
    ):
        LabelReader("cityscapes-19").read(path, train_ids("cityscapes-19"))


def test_taxonomies_without_a_translation_are_refused(write_label):
    with pytest.raises(ValueError, match="'stanford2d3d-8' cannot be expressed in 'cityscapes-19'"):
        LabelReader("cityscapes-19").read(write_label("a.png"), train_ids("stanford2d3d-8"))


def test_a_class_set_without_a_name_is_read_and_its_option_is_named(tmp_path: Path) -> None:
    own = Taxonomy("own", ("car", "tree"), ((1, 1, 1), (2, 2, 2)), ids=(7, 3))
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[7, 3, 255]], np.uint8)).save(path)
    assert LabelReader(own).read(path, train_ids(own)).tolist() == [[0, 1, 255]]
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(path)
    with pytest.raises(ValueError, match=r"ids of own are .*was written in \(--classes\)"):
        LabelReader(own, "--classes").read(path, train_ids(own))
