from __future__ import annotations

from pathlib import Path

import albumentations
import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.data import PanoramaDataModule, denormalize, entries
from goodsam_pl.data.listing import list_images
from goodsam_pl.geometry import CrossedWindows, WindowGrid
from goodsam_pl.masks import MaskStore, image_key
from goodsam_pl.masks.precomputation import precompute_masks
from goodsam_pl.sam import Felzenszwalb
from goodsam_pl.sam.panorama_generator import for_mode


def module(root, **options) -> PanoramaDataModule:
    defaults = {
        "dataset": "densepass",
        "root": str(root),
        "size": (24, 128),
        "window_size": (24, 24),
        "window_stride": (24, 16),
        "num_workers": 0,
    }
    return PanoramaDataModule(**{**defaults, **options})


def test_the_stages_of_densepass(densepass_root):
    data = module(densepass_root)
    for stage in ("fit", "validate", "test", "predict"):
        data.setup(stage)
    [first, second] = list(data.train_dataloader())
    assert first.image.shape == (2, 3, 24, 128)
    assert first.label is None
    assert first.masks is None
    assert sorted(first.names + second.names) == [f"Oslo/{index}" for index in range(4)]
    validation = list(data.val_dataloader())
    assert [batch.names for batch in validation] == [[f"cs/{index}_"] for index in range(5)]
    assert validation[0].label.shape == (1, 24, 128)
    assert [batch.names for batch in data.test_dataloader()] == [b.names for b in validation]
    predicted = list(data.predict_dataloader())
    assert len(predicted) == 5
    assert predicted[0].label is None
    assert predicted[0].windows == data.windows


def test_evaluation_is_not_augmented(densepass_root):
    data = module(densepass_root)
    data.setup("test")
    batch = next(iter(data.test_dataloader()))
    raw = np.array(Image.open(densepass_root / "leftImg8bit/val/cs/0_.png"))
    assert (denormalize(batch.image)[0].permute(1, 2, 0).numpy() == raw).all()


def test_examples_are_spread_evenly_over_a_split_and_never_change(densepass_root):
    data = module(densepass_root)
    data.setup("fit")
    for _ in range(2):
        chosen = data.examples("val", 2)
        assert [batch.names for batch in chosen] == [["cs/1_"], ["cs/3_"]]
        assert all(batch.label is not None for batch in chosen)
    [first, *_] = everything = data.examples("train", 9)
    assert [batch.names for batch in everything] == [[f"Oslo/{index}"] for index in range(4)]
    assert first.label is None
    raw = np.array(Image.open(densepass_root / "leftImg8bit/train/Oslo/0.png"))
    assert (denormalize(first.image)[0].permute(1, 2, 0).numpy() == raw).all()


def test_it_knows_which_splits_come_with_masks(densepass_root, tmp_path):
    data = module(densepass_root, mask_root=tmp_path, mask_splits=["train", "test"])
    data.setup("fit")
    assert [data.has_masks(role) for role in ("train", "val", "test")] == [True, False, False]
    assert not module(densepass_root).has_masks("train")


def test_it_is_a_source_of_panoramas_for_sam(densepass_root, tmp_path):
    data = module(densepass_root, mask_root=str(tmp_path / "masks"), mask_splits=["train", "test"])
    assert data.windows == WindowGrid.cover((24, 128), (24, 24), (24, 16))
    assert data.mask_root == tmp_path / "masks"
    for stage in ("fit", "validate", "test"):
        data.setup(stage)
    train = [densepass_root / f"leftImg8bit/train/Oslo/{index}.png" for index in range(4)]
    assert data.panorama_files("fit") == train
    assert data.panorama_files("validate") == []
    assert len(data.panorama_files("test")) == 5
    panorama = data.read_panorama(train[1])
    assert panorama.dtype == torch.uint8
    assert (panorama.permute(1, 2, 0).numpy() == np.array(Image.open(train[1]))).all()


def test_without_a_labelled_split_there_is_no_validation(tmp_path, write_image):
    write_image("a.png")
    data = module(tmp_path, dataset="folder")
    data.setup("fit")
    assert data.val_dataloader() == []
    data.setup("validate")
    [batch] = list(data.val_dataloader())
    assert batch.label is None


def test_a_folder_without_labels_is_listed_once_for_a_training(tmp_path, write_image, monkeypatch):
    write_image("a.png")
    listed: list[Path] = []

    def counted(root):
        listed.append(root)
        return list_images(root)

    monkeypatch.setattr(entries, "list_images", counted)
    data = module(tmp_path, dataset="folder")
    data.setup("fit")
    assert len(data.panorama_files("fit")) == 1
    assert listed == [tmp_path]


def test_training_repeats_with_the_seed_on_workers_too(densepass_root):
    def epoch(seed, workers):
        pl.seed_everything(seed, workers=True, verbose=False)
        data = module(
            densepass_root,
            num_workers=workers,
            transforms=[albumentations.ColorJitter(brightness=(0.5, 1.5), p=1)],
        )
        data.setup("fit")
        loader = data.train_dataloader()
        return torch.cat([batch.image for _ in range(2) for batch in loader])

    for workers in (0, 2):
        images = epoch(5, workers)
        assert torch.equal(images, epoch(5, workers))
        assert len({round(float(image.sum()), 3) for image in images}) == 8
    assert not torch.equal(epoch(5, 0), epoch(6, 0))


def test_the_last_ragged_batch_is_dropped_unless_it_is_all_there_is(densepass_root):
    data = module(densepass_root, batch_size=3)
    data.setup("fit")
    assert [len(batch.names) for batch in data.train_dataloader()] == [3]
    data = module(densepass_root, batch_size=9)
    data.setup("fit")
    assert [len(batch.names) for batch in data.train_dataloader()] == [4]


def test_limit_takes_the_first_of_each_split(densepass_root):
    data = module(densepass_root, limit=2)
    data.setup("fit")
    assert [batch.names for batch in data.val_dataloader()] == [["cs/0_"], ["cs/1_"]]
    assert len(data.train_dataloader().dataset) == 2


def test_hyperparameters_survive_weights_only(densepass_root, tmp_path):
    data = module(
        Path(densepass_root), mask_root=tmp_path, transforms=[albumentations.ColorJitter()]
    )
    torch.save(dict(data.hparams), tmp_path / "hparams.pt")
    kept = torch.load(tmp_path / "hparams.pt", weights_only=True)
    assert kept["root"] == str(densepass_root)
    assert kept["window_size"] == (24, 24)
    assert "transforms" not in kept


def test_arguments_that_cannot_be_are_refused_at_once(densepass_root):
    with pytest.raises(ValueError, match=r"data\.limit is 0"):
        module(densepass_root, limit=0)
    with pytest.raises(ValueError, match=r"data\.batch_size is 0: choose at least 1"):
        module(densepass_root, batch_size=0)
    with pytest.raises(ValueError, match="unknown taxonomy 'city-19'"):
        module(densepass_root, taxonomy="city-19")
    with pytest.raises(ValueError, match="7 windows do not stand evenly around 128 columns"):
        module(densepass_root, mask_root="masks", window_stride=(24, 19))
    module(densepass_root, mask_root="masks", window_stride=(24, 19), roll=False, flip=False)
    module(densepass_root, window_stride=(24, 19))


def test_mistakes_in_files_are_found_before_training(densepass_root, write_image, write_label):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        module(densepass_root / "nowhere").setup("fit")
    write_image("leftImg8bit/train/Oslo/0.png", 64, 128)
    with pytest.raises(ValueError, match=r"Oslo/0\.png: 128×64 pixels are 360° by 180"):
        module(densepass_root).setup("fit")
    write_label("gtFine/val/cs/0_labelTrainIds.png", ids=np.full((24, 128), 77, np.uint8))
    with pytest.raises(ValueError, match=r"0_labelTrainIds\.png: label id out of range"):
        module(densepass_root).setup("test")
    (densepass_root / "gtFine/val/cs/4_labelTrainIds.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"4_\.png has no label"):
        module(densepass_root).setup("validate")


@pytest.mark.real
def test_real_full_spheres_become_strips(real_data):
    data = module(
        real_data / "amsterdam", dataset="folder", file_vertical_fov=180.0, size=(192, 1024),
        window_size=(192, 192), window_stride=(192, 128), limit=4,
    )  # fmt: skip
    data.setup("fit")
    data.setup("predict")
    batch = next(iter(data.train_dataloader()))
    assert batch.image.shape == (2, 3, 192, 1024)
    # nothing of the black ground below the camera is left
    for panorama in data.predict_dataloader():
        assert denormalize(panorama.image)[0, :, -8:].float().mean() > 20
    with pytest.raises(ValueError, match=r"2048×1024 pixels are 360° by 180\.0°, but 67\.5°"):
        module(real_data / "amsterdam", dataset="folder").setup("fit")


@pytest.mark.real
def test_real_annular_panoramas_say_their_aspect(real_data):
    with pytest.raises(ValueError, match=r"U_\d\.jpg: 2048×692 pixels are 360° by 121\.6°"):
        module(real_data / "pass", dataset="folder").setup("fit")
    data = module(real_data / "pass", dataset="folder", size=(692, 2048), vertical_fov=121.6)
    data.setup("predict")
    assert next(iter(data.predict_dataloader())).image.shape == (1, 3, 692, 2048)


def test_panoramas_can_be_left_out(densepass_root, tmp_path):
    data = module(densepass_root, mask_root=str(tmp_path / "masks"), batch_size=1)
    data.setup("fit")
    first, *others = data.panorama_files("fit")
    data.leave_out([first])
    assert data.panorama_files("fit") == others
    data.setup("fit")
    assert data.panorama_files("fit") == others
    with pytest.raises(ValueError, match="none of the 3 panoramas of train has masks"):
        data.leave_out(others)


def test_a_broken_first_panorama_is_left_to_whoever_computes_masks(densepass_root, tmp_path):
    broken = densepass_root / "leftImg8bit/train/Oslo/0.png"
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"0\.png"):
        module(densepass_root).setup("fit")
    module(densepass_root, mask_root=str(tmp_path / "masks")).setup("fit")


def test_masks_of_whole_panoramas_are_cut_for_both_families(densepass_root, tmp_path):
    data = module(
        densepass_root,
        mask_root=str(tmp_path / "masks"),
        windows="crossed",
        horizontal_window_size=(12, 32),
        horizontal_window_stride=(12, 16),
        vertical_window_size=(24, 16),
        vertical_window_stride=(24, 16),
    )
    assert data.windows == CrossedWindows.cover((24, 128), (12, 32), (12, 16), (24, 16), (24, 16))
    assert data.mask_windows == WindowGrid.cover((24, 128), (24, 24), (24, 16))
    data.setup("fit")
    proposer, grid = for_mode("panorama", Felzenszwalb(scales=(50.0,)), data.mask_windows)
    store = MaskStore.create(data.mask_root, grid, proposer, data.view)
    precompute_masks(data.panorama_files("fit"), data.read_panorama, proposer, store)

    batch = data.training_panorama(0)
    whole = store.layers(image_key(data.training_files[0]))
    assert [tuple(part.shape[3:]) for part in batch.masks] == [(12, 32), (24, 16)]
    for part, family in zip(batch.masks, data.windows.families, strict=True):
        assert torch.equal(part, family.extract(whole))
    batch = next(iter(data.train_dataloader()))
    assert [part.shape[:2] for part in batch.masks] == [(2, 16), (2, 8)]
    assert batch.whole_masks
    again = [f.put_back(m) for f, m in zip(data.windows.families, batch.masks, strict=True)]
    assert torch.equal(*again)
    moved = batch.to(torch.float32)
    assert [part.dtype for part in moved.masks] == [torch.float32] * 2
