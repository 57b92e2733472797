from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.data import PanoramaDataModule, SourceDataModule
from goodsam_pl.data.entries import folder_entries
from goodsam_pl.data.folder_labels import FolderLabels
from goodsam_pl.data.inspection import Inspection
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
    assert FolderLabels(root / "said", "cityscapes-19").label_format.name == "trainIds of words"
    data = module(root)
    data.setup("fit")
    assert next(iter(data.train_dataloader())).label.unique().tolist() == [7]
    (root / "said/classes.yaml").write_text("name: others\nclasses: [dog, cat]\n")
    with pytest.raises(ValueError, match="labels of 'others' cannot be expressed in 'voc-21'"):
        module(root).setup("fit")


def test_looking_at_all_files_finds_which_of_these_labels_are_missing(root):
    [train] = module(root).inspected(["train"])
    assert Inspection(train)[0].faults == ()
    (root / "said/labels/train.png").unlink()
    [train] = module(root).inspected(["train"])
    [fault] = Inspection(train)[0].faults
    assert (fault.kind, fault.file) == ("missing", root / "said/labels/train.png")


def test_what_is_missing_is_named(root):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder of labels"):
        module(root, pseudo_labels=root / "nowhere").setup("fit")
    (root / "said/labels/train.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"train\.jpg has no label .* 0 more of 1 images"):
        module(root).setup("fit")


def test_a_name_with_folders_is_one_path_below(tmp_path, write_image, write_label):
    write_image("images/a/x.png")
    label = write_label("said/a/x.png")
    [entry] = FolderLabels(tmp_path / "said", "voc-21").of(folder_entries(tmp_path / "images"))
    assert entry.label == label


def test_the_path_is_kept_as_text(root, tmp_path):
    data = module(root)
    torch.save(dict(data.hparams), tmp_path / "hparams.pt")
    kept = torch.load(tmp_path / "hparams.pt", weights_only=True)
    assert kept["pseudo_labels"] == str(root / "said")


@pytest.fixture
def labelled_panoramas(densepass_root, write_label):
    for index in range(4):
        write_label(f"said/labels/Oslo/{index}.png", ids=np.full((24, 128), index, np.uint8))
    return densepass_root


def panoramas(root, **options) -> PanoramaDataModule:
    windows = {"size": (24, 128), "window_size": (24, 24), "window_stride": (24, 16)}
    given = {"pseudo_labels": str(root / "said"), **windows, **options}
    return PanoramaDataModule(dataset="densepass", root=str(root), num_workers=0, **given)


def test_panoramas_are_trained_on_with_labels_that_turn_with_them(labelled_panoramas, write_label):
    columns = np.arange(128, dtype=np.uint8) // 8
    write_label("said/labels/Oslo/0.png", ids=np.tile(columns, (24, 1)))
    data = panoramas(labelled_panoramas, batch_size=1, limit=1)
    data.setup("fit")
    still = data.examples("train", 1)[0]
    assert still.label[0, 0].tolist() == columns.tolist()
    for _ in range(4):
        [batch] = list(data.train_dataloader())
        where = (batch.image == still.image.flip(-1)[..., :1]).all(dim=1)  # its last column
        column = where.all(dim=1)[0].nonzero()
        assert batch.label[0, 0, column].flatten().tolist() == [15]


def test_labels_to_train_on_are_in_the_networks_classes_others_in_those_of_the_score(
    labelled_panoramas,
):
    data = panoramas(labelled_panoramas, evaluation_taxonomy="cityscapes-13")
    data.setup("fit")
    labels = {each.label.unique().item() for each in data.examples("train", 4)}
    assert labels == {0, 1, 2, 3}
    assert max(each.label[each.label != 255].max() for each in data.examples("val", 5)) == 12


def test_prediction_of_the_train_split_needs_no_labels(labelled_panoramas):
    data = panoramas(labelled_panoramas, predict_split="train")
    (labelled_panoramas / "said/labels/Oslo/0.png").unlink()
    data.setup("predict")
    assert [batch.label for batch in data.predict_dataloader()] == [None] * 4
    with pytest.raises(FileNotFoundError, match=r"0\.png has no label .* 0 more of 4"):
        data.setup("fit")
