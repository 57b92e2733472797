from __future__ import annotations

import albumentations
import numpy as np
import pytest
import torch

from goodsam_pl.data import SourceDataModule


@pytest.fixture
def cityscapes_root(tmp_path, write_image, write_label):
    for split, count in (("train", 4), ("val", 3)):
        for index in range(count):
            name = f"ulm/ulm_{index:06d}_000019"
            write_image(f"leftImg8bit/{split}/{name}_leftImg8bit.png", 20, 40, seed=index)
            write_label(f"gtFine/{split}/{name}_gtFine_labelTrainIds.png", 20, 40, seed=index)
    return tmp_path


def module(root, **options) -> SourceDataModule:
    return SourceDataModule(
        **{"dataset": "cityscapes", "root": str(root), "num_workers": 0, "batch_size": 2, **options}
    )


def test_the_stages_of_cityscapes(cityscapes_root):
    data = module(
        cityscapes_root,
        size=(16, 32),
        train_transforms=[albumentations.RandomCrop(8, 8), albumentations.HorizontalFlip()],
    )
    data.setup("fit")
    batches = list(data.train_dataloader())
    assert [batch.image.shape for batch in batches] == [(2, 3, 8, 8)] * 2
    assert batches[0].label.shape == (2, 8, 8)
    validation = list(data.val_dataloader())
    assert [batch.image.shape for batch in validation] == [(1, 3, 16, 32)] * 3
    assert validation[2].names == ["ulm/ulm_000002_000019_leftImg8bit"]
    with pytest.raises(FileNotFoundError, match="leftImg8bit/test: no such folder"):
        data.setup("test")


def test_labels_are_translated(cityscapes_root):
    data = module(cityscapes_root, taxonomy="cityscapes-13", eval_batch_size=3)
    data.setup("validate")
    [batch] = list(data.val_dataloader())
    assert batch.label.max() == 255  # train has no counterpart
    assert batch.label[batch.label != 255].max() == 12


def test_hyperparameters_survive_weights_only(cityscapes_root, tmp_path):
    data = module(cityscapes_root, size=(16, 32), train_transforms=[albumentations.ColorJitter()])
    torch.save(dict(data.hparams), tmp_path / "hparams.pt")
    assert torch.load(tmp_path / "hparams.pt", weights_only=True)["size"] == (16, 32)


def test_mistakes_are_found_before_training(cityscapes_root, write_label):
    with pytest.raises(ValueError, match=r"data\.train_transforms: Rotate fills labels"):
        module(cityscapes_root, train_transforms=[albumentations.Rotate()])
    with pytest.raises(ValueError, match=r"'cityscapes-19' cannot be .* in 'stanford2d3d-8'"):
        module(cityscapes_root, taxonomy="stanford2d3d-8").setup("fit")
    with pytest.raises(FileNotFoundError, match="train: no such folder; the train split"):
        module(cityscapes_root, dataset="camvid").setup("fit")
    label = "gtFine/train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png"
    write_label(label, ids=np.full((20, 40), 33, np.uint8))
    with pytest.raises(ValueError, match="label id out of range: 800 pixels hold 33"):
        module(cityscapes_root).setup("fit")


@pytest.mark.real
def test_real_camvid(real_data):
    data = module(real_data / "camvid", dataset="camvid", taxonomy="camvid-11")
    data.setup("fit")
    assert len(data.train_dataloader().dataset) == 367
    assert len(data.val_dataloader().dataset) == 101
    batch = next(iter(data.train_dataloader()))
    assert batch.image.shape == (2, 3, 360, 480)
    counts = torch.bincount(batch.label.flatten(), minlength=256)
    assert counts[11:255].sum() == 0
    # sky lies above road
    rows = torch.arange(360).view(1, -1, 1).expand_as(batch.label).float()
    assert rows[batch.label == 0].mean() < rows[batch.label == 3].mean()
