from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.data import SourceDataModule
from goodsam_pl.data.entries import folder_entries
from goodsam_pl.data.given_labels import GivenLabels
from goodsam_pl.taxonomy import class_file_text, get_taxonomy


@pytest.fixture
def root(tmp_path, write_image, write_label):
    """VOC without labels to train on: 4 is true, 7 is what somebody else says."""
    lists = tmp_path / "voc/ImageSets/Segmentation"
    lists.mkdir(parents=True)
    for split in ("train", "val"):
        write_image(f"voc/JPEGImages/{split}.jpg", 8, 8)
        (lists / f"{split}.txt").write_text(f"{split}\n")
        write_label(f"said/labels/{split}.png", ids=np.full((8, 8), 7, np.uint8))
    write_label("voc/SegmentationClass/val.png", ids=np.full((8, 8), 4, np.uint8))
    return tmp_path


def module(root, **options) -> SourceDataModule:
    options = {"dataset": "voc", "taxonomy": "voc-21", "pseudo_labels": root / "said", **options}
    return SourceDataModule(root=str(root / "voc"), num_workers=0, batch_size=1, **options)


def test_training_has_these_labels_and_validation_the_true_ones(root):
    data = module(root)
    data.setup("fit")
    [train], [val] = list(data.train_dataloader()), list(data.val_dataloader())
    assert train.label.unique().tolist() == [7]
    assert val.label.unique().tolist() == [4]
    data.setup("test")
    assert next(iter(data.test_dataloader())).label.unique().tolist() == [4]


def test_a_folder_of_label_files_will_do(root):
    data = module(root, pseudo_labels=root / "said/labels")
    data.setup("fit")
    assert next(iter(data.train_dataloader())).label.unique().tolist() == [7]


def test_the_folder_says_what_its_ids_mean(root):
    text = class_file_text(get_taxonomy("voc-21")).replace('"voc-21"', '"words"')
    (root / "said/classes.yaml").write_text(text)
    assert GivenLabels(root / "said", "cityscapes-19").label_format.name == "trainIds of words"
    data = module(root)
    data.setup("fit")
    assert next(iter(data.train_dataloader())).label.unique().tolist() == [7]
    (root / "said/classes.yaml").write_text("name: others\nclasses: [dog, cat]\n")
    with pytest.raises(ValueError, match="labels of 'others' cannot be expressed in 'voc-21'"):
        module(root).setup("fit")


def test_what_is_missing_is_named(root):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder of labels"):
        module(root, pseudo_labels=root / "nowhere").setup("fit")
    (root / "said/labels/train.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"train\.jpg has no label .* 0 more of 1 images"):
        module(root).setup("fit")


def test_a_name_with_folders_is_one_path_below(tmp_path, write_image, write_label):
    write_image("images/a/x.png")
    label = write_label("said/a/x.png")
    [entry] = GivenLabels(tmp_path / "said", "voc-21").of(folder_entries(tmp_path / "images"))
    assert entry.label == label


def test_the_path_is_kept_as_text(root, tmp_path):
    data = module(root)
    torch.save(dict(data.hparams), tmp_path / "hparams.pt")
    kept = torch.load(tmp_path / "hparams.pt", weights_only=True)
    assert kept["pseudo_labels"] == str(root / "said")
