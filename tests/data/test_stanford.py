"""A tiny copy of Stanford2D3D, with labels of every kind that occurs."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.data.entries import Request, list_entries
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS
from goodsam_pl.data.stanford import stanford_format

# 256 instances nobody asks for, so that both bytes of an index are needed
INSTANCES = ["<UNK>_0_<UNK>_0_0", *["clutter_1_office_1_1"] * 256,
             "wall_2_hallway_1_1", "chair_3_office_1_1", "sofa_1_lounge_1_5"]  # fmt: skip
UNKNOWN, CLUTTER, WALL, CHAIR, SOFA = 0, 1, 257, 258, 259


@pytest.fixture
def root(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "semantic_labels.json").write_text(json.dumps(INSTANCES))
    for area, frames in {"area_1": 2, "area_5a": 1, "area_5b": 1, "area_2": 1}.items():
        for frame in range(frames):
            write_panorama(tmp_path, area, f"camera_{frame}_office_1_frame_equirectangular")
    for area in ("area_3", "area_4", "area_6"):
        (tmp_path / area / "pano" / "rgb").mkdir(parents=True)
    return tmp_path


def write_panorama(root, area, name):
    """16×8; black poles; from the left: wall, chair, sofa, clutter; a patch nobody labelled."""
    rgb = np.full((8, 16, 3), 90, np.uint8)
    rgb[[0, 7]] = 0
    index = np.repeat([WALL, CHAIR, SOFA, CLUTTER], 4)[None].repeat(8, axis=0)
    index[3, 0] = UNKNOWN
    semantic = np.stack([np.zeros_like(index), index // 256, index % 256], axis=-1).astype(np.uint8)
    semantic[4, 1] = 13  # (13, 13, 13) is a hole in the scan, not instance 13 · 257
    for kind, pixels in (("rgb", rgb), ("semantic", semantic)):
        folder = root / area / "pano" / kind
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{name}_domain_{kind}.png")


def entries(root, split):
    return list_entries(PANORAMA_LAYOUTS, "stanford2d3d", Request(root, split, "stanford2d3d-13"))


def test_the_first_fold_and_where_its_files_lie(root):
    train, val = entries(root, "train"), entries(root, "val")
    assert [entry.name.split("/")[0] for entry in train] == ["area_1", "area_1", "area_2"]
    assert {entry.label for entry in train} == {None}
    name = "camera_0_office_1_frame_equirectangular_domain"
    assert [entry.name for entry in val] == [
        f"area_{area}/pano/rgb/{name}_rgb" for area in ("5a", "5b")
    ]
    assert val[0].label == root / f"area_5a/pano/semantic/{name}_semantic.png"
    assert entries(root, "test") == val
    assert pickle.loads(pickle.dumps(val)) == val  # noqa: S301  # loaders start processes


@pytest.mark.parametrize(
    ("taxonomy", "classes"),
    [("stanford2d3d-13", [11, 4, 9, 5]), ("stanford2d3d-8", [6, 1, 4, 255])],
)
def test_labels_are_those_of_the_instances_and_what_was_not_seen_is_void(root, taxonomy, classes):
    module = PanoramaDataModule(
        dataset="stanford2d3d", root=root, taxonomy="stanford2d3d-13", evaluation_taxonomy=taxonomy,
        size=(8, 16), vertical_fov=180, window_size=(8, 8), window_stride=(8, 8), num_workers=0,
    )  # fmt: skip
    module.setup("test")
    [batch, _] = module.test_dataloader()
    expected = np.repeat(classes, 4)[None].repeat(8, axis=0)
    expected[[0, 7]] = 255  # black
    expected[3, 0] = expected[4, 1] = 255
    assert batch.label[0].tolist() == expected.tolist()


def test_the_list_may_lie_beside_the_areas(root):
    (root / "assets" / "semantic_labels.json").rename(root / "semantic_labels.json")
    label = entries(root, "val")[0].label
    reader = LabelReader("stanford2d3d-13")
    stanford_format.cache_clear()
    assert reader.read(label, stanford_format(root))[4, 15] == 5


def test_the_list_of_instances_may_have_a_byte_order_mark(root):
    expected = [entry.name for entry in entries(root, "val")]
    stanford_format.cache_clear()
    path = root / "assets" / "semantic_labels.json"
    path.write_text(json.dumps(INSTANCES), encoding="utf-16")
    assert [entry.name for entry in entries(root, "val")] == expected


def test_what_does_not_belong_together_is_named(root):
    path = root / "assets" / "semantic_labels.json"
    label = entries(root, "val")[0].label
    stanford_format.cache_clear()
    path.write_text(json.dumps(INSTANCES[:-1]))
    with pytest.raises(
        ValueError, match=r"_semantic\.png: holds the instance 259, but .* lists 259"
    ):
        LabelReader("stanford2d3d-13").read(label, stanford_format(root))
    stanford_format.cache_clear()
    path.write_text(json.dumps(["tree_1_garden_1_1"]))
    with pytest.raises(ValueError, match=r"semantic_labels\.json: instances of the classes tree"):
        entries(root, "val")
    for content in ("{", "3", "[3]"):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"semantic_labels\.json: no list of instance names"):
            entries(root, "val")
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"assets/semantic_labels\.json: no such file"):
        entries(root, "val")
