"""What is listed of a folder of panoramas, and which of it comes with masks."""

from __future__ import annotations

import logging

import pytest
import torch

from goodsam_pl.data.entries import MissingSplitError
from goodsam_pl.data.panorama_format import PanoramaFormat
from goodsam_pl.data.panorama_splits import PanoramaSplits
from goodsam_pl.files import Stamp
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, WindowMasks, image_key

GRID = WindowGrid.cover((24, 128), (24, 24), (24, 16))
FORMAT = PanoramaFormat(GRID.image_size, 67.5, 67.5)


@pytest.fixture
def splits():
    def make(root, layout="densepass", masks=None, limit=None):
        return PanoramaSplits(
            layout,
            root,
            label_taxonomy="cityscapes-19",
            labels_in="cityscapes-19",
            learned_in="cityscapes-19",
            pseudo_labels=None,
            format=FORMAT,
            windows=GRID,
            mask_root=masks,
            mask_roles=frozenset({"train"}),
            words_root=None,
            limit=limit,
        )

    return make


def test_each_role_is_listed_once(splits, densepass_root, write_image):
    found = splits(densepass_root)
    assert "train" not in found
    assert found.listed == {}
    found.load("train", "train")
    write_image("leftImg8bit/train/Oslo/later.png")
    found.load("train", "train")
    images = [densepass_root / f"leftImg8bit/train/Oslo/{index}.png" for index in range(4)]
    assert "train" in found
    assert found.files("train") == images
    assert found.listed == {"train": images}
    limited = splits(densepass_root, limit=2)
    limited.load("val", "val")
    assert [entry.name for entry in limited.entries("val")] == ["cs/0_", "cs/1_"]


def test_predicted_panoramas_have_no_labels_and_may_be_broken(splits, densepass_root):
    broken = densepass_root / "leftImg8bit/val/cs/0_.png"
    broken.write_bytes(broken.read_bytes()[:60])
    found = splits(densepass_root)
    found.load("predict", "val")
    entries = found.entries("predict")
    assert [entry.name for entry in entries] == [f"cs/{index}_" for index in range(5)]
    assert {(entry.label, entry.label_format) for entry in entries} == {(None, None)}
    with pytest.raises(ValueError, match=r"0_\.png: broken or cut off"):
        found.load("val", "val")
    assert "val" not in found


def test_validation_is_there_where_it_has_labels(splits, densepass_root, caplog):
    caplog.set_level(logging.INFO)
    found = splits(densepass_root)
    found.load_validation()
    assert len(found.files("val")) == 5
    assert caplog.text == ""
    unlabelled = splits(densepass_root, "folder")
    unlabelled.load_validation()
    assert "val" not in unlabelled


def test_training_goes_on_without_validation(splits, tmp_path, write_image, caplog):
    caplog.set_level(logging.INFO)
    write_image("leftImg8bit/train/a.png")
    found = splits(tmp_path)
    found.load_validation()
    assert "val" not in found
    assert "training without validation:" in caplog.text
    assert "no such folder; the val split is expected there" in caplog.text
    with pytest.raises(MissingSplitError):
        found.load("val", "val")


@pytest.fixture
def masks(tmp_path, brightness):
    """A store without masks yet."""
    return MaskStore.create(tmp_path / "masks", GRID, brightness(), FORMAT.view)


def test_only_some_roles_come_with_masks(splits, densepass_root, masks):
    found = splits(densepass_root, masks=masks.root)
    assert not found.has_masks("train")  # not listed yet
    found.load("train", "train")
    found.load("val", "val")
    assert found.has_masks("train")
    assert not found.has_masks("val")
    without = splits(densepass_root)
    without.load("train", "train")
    assert not without.has_masks("train")


def test_samples_have_the_masks_of_the_store(splits, densepass_root, masks):
    found = splits(densepass_root, masks=masks.root, limit=1)
    found.load("train", "train")
    found.load("val", "val")
    with pytest.raises(ValueError, match=r"has no masks for .*0\.png and 0 more of 1 panoramas"):
        found.dataset("train")
    binary = torch.zeros(1, 24, 24, dtype=torch.bool)
    binary[:, :, :5] = True
    one = WindowMasks.pack(binary, torch.ones(1), torch.ones(1))
    masks.write(image_key(found.files("train")[0]), "0", [one] * len(GRID.columns))
    [layers] = found.dataset("train")[0].masks
    assert layers.shape == (8, 1, 24, 24)
    assert layers[3, 0, 7].tolist() == [0] * 5 + [-1] * 19
    assert found.dataset("val")[0].masks is None


def test_keys_are_learned_where_masks_are(splits, densepass_root, masks, tmp_path, monkeypatch):
    # nothing is kept of files that could change and not show it
    monkeypatch.setattr(Stamp, "is_settled", lambda stamp, now: True)
    found = splits(densepass_root, masks=masks.root)
    found.load("train", "train")
    found.learn_keys("train")
    assert found.keys.unknown(found.files("train")) == []
    assert (masks.root / "keys.tsv").is_file()
    nowhere = splits(densepass_root, masks=tmp_path / "nowhere")
    nowhere.load("train", "train")
    nowhere.learn_keys("train")
    assert not (tmp_path / "nowhere").exists()


def test_panoramas_are_left_out_of_roles_with_masks_alone(splits, densepass_root, caplog):
    caplog.set_level(logging.INFO)
    found = splits(densepass_root)
    for role in ("train", "val"):
        found.load(role, role)
    files = found.files("train")
    found.leave_out([*files[1:3], *found.files("val")])
    assert found.files("train") == [files[0], files[3]]
    assert len(found.files("val")) == 5
    assert "train: 2 of 4 panoramas" in caplog.text
    with pytest.raises(ValueError, match="none of the 2 panoramas of train has masks: see above"):
        found.leave_out(files)
    assert found.files("train") == [files[0], files[3]]
