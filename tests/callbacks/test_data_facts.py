from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.callbacks import data_facts
from goodsam_pl.data import PanoramaDataModule, SourceDataModule


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "street"
    for kind in ("images", "labels", "splits"):
        (folder / kind).mkdir(parents=True)
    for name in ("a", "b", "c"):
        Image.fromarray(np.zeros((16, 64, 3), np.uint8)).save(folder / f"images/{name}.png")
        Image.fromarray(np.zeros((16, 64), np.uint8)).save(folder / f"labels/{name}.png")
    (folder / "splits/train.txt").write_text("a\nb\n")
    (folder / "splits/val.txt").write_text("c\n")
    return folder


def _facts(root, kind=SourceDataModule, **options):
    data = kind(dataset="plain", root=root, num_workers=0, **options)
    data.setup("fit")
    return data_facts(data)["dataset"]


def test_images_are_counted_and_splits_have_fingerprints(folder):
    facts = _facts(folder)
    assert {split: told["images"] for split, told in facts.items()} == {"train": 2, "val": 1}
    assert len({told["fingerprint"] for told in facts.values()}) == 2


def test_panoramas_of_the_same_folder_have_the_same(folder):
    panoramas = _facts(folder, PanoramaDataModule, size=(16, 64), vertical_fov=90,
                       window_size=(16, 16), window_stride=(16, 16))  # fmt: skip
    assert panoramas == _facts(folder)


def test_a_folder_that_was_moved_has_the_same_and_one_that_was_changed_another(folder):
    before = _facts(folder)
    moved = shutil.copytree(folder, folder.parent / "elsewhere")
    assert _facts(moved) == before
    noise = np.random.default_rng(0).integers(0, 256, (16, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(moved / "images/b.png")
    after = _facts(moved)
    assert after["val"] == before["val"]
    assert after["train"] != before["train"]


def test_other_data_say_nothing():
    assert data_facts(None) == {}
