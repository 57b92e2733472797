"""What a run leaves on the dashboard, or in its folder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import wandb
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import WandbLogger
from PIL import Image
from torch import nn

from goodsam_pl.callbacks import StagePanels
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.modules import SourceSegmentation, StudentDistillation, TARectification
from goodsam_pl.sam import Felzenszwalb, PrecomputeSAM
from goodsam_pl.taxonomy import get_taxonomy

sys.path.insert(0, str(Path(__file__).parents[1]))
from wandb_runs import history, history_with

TAXONOMY = get_taxonomy("cityscapes-19")
PANORAMAS = ("stages/val_0/filenames", "stages/val_2/filenames")


@pytest.fixture
def data(tmp_path):
    """Four panoramas of 16x64 pixels to train on, and three with labels to validate."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 3)):
        for kind in ("images", "labels"):
            (tmp_path / kind).mkdir(exist_ok=True)
        names = [f"{split}_{index}" for index in range(count)]
        for name in names:
            blocks = generator.integers(0, 256, (2, 8, 3), dtype=np.uint8)
            pixels = blocks.repeat(8, axis=0).repeat(8, axis=1)
            Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
            label = generator.integers(0, 19, (16, 64), dtype=np.uint8)
            Image.fromarray(label).save(tmp_path / "labels" / f"{name}.png")
        (tmp_path / "splits").mkdir(exist_ok=True)
        (tmp_path / "splits" / f"{split}.txt").write_text("\n".join(names))

    def build(**options) -> PanoramaDataModule:
        return PanoramaDataModule(
            dataset="plain",
            root=tmp_path,
            size=(16, 64),
            vertical_fov=90,
            window_size=(16, 16),
            window_stride=(16, 16),
            num_workers=0,
            **{"mask_root": tmp_path / "masks", **options},
        )

    return build


@pytest.fixture
def fit(tmp_path):
    def run(module, data, panels, logger=False, **settings):
        callbacks = [panels]
        if data.mask_root is not None:
            callbacks.insert(0, PrecomputeSAM(Felzenszwalb(scales=(50.0,))))
        trainer = Trainer(
            default_root_dir=tmp_path / "run",
            accelerator="cpu",
            logger=logger,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=callbacks,
            **{"max_epochs": 2, "num_sanity_val_steps": 1, **settings},
        )
        trainer.fit(module, datamodule=data)
        wandb.finish()

    return run


def _rectification():
    return TARectification(nn.Conv2d(3, 19, 1), warmup_steps=0)


def _drawn(tmp_path):
    folder = tmp_path / "run" / "stages"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def test_wandb_gets_every_stage_of_the_same_panoramas_at_each_validation(tmp_path, data, fit):
    """Read back from the files of an offline run."""
    module = StudentDistillation(nn.Conv2d(3, 19, 1), nn.Conv2d(3, 19, 1), warmup_steps=0)
    panoramas = data(mask_splits=["train", "val"])
    logger = WandbLogger(project="p", save_dir=tmp_path, offline=True)
    fit(module, panoramas, StagePanels(panoramas=2), logger)

    [log] = tmp_path.rglob("run-*.wandb")
    logged = history_with(log, "stages/val_0/captions", count=2)
    assert [step["trainer/global_step"] for step in logged] == [2, 4]
    assert len(history_with(log, "stages/val_2/captions", count=2)) == 2
    for step in logged:
        assert step["stages/val_0/captions"] == [
            "panorama",
            "SAM masks",
            "teacher assistant, windowed",
            "fused labels E",
            "weights M",
            "trusted labels E_H",
            "student",
            "ground truth",
            "where E differs from TA: green corrected, red spoilt, yellow neither",
        ]
        files = [log.parent / "files" / name for name in step["stages/val_0/filenames"]]
        label = np.array(Image.open(tmp_path / "labels" / "val_0.png"))
        assert (np.array(Image.open(files[7])) == TAXONOMY.colorize(label)).all()
        pixels = np.array(Image.open(tmp_path / "images" / "val_0.png"))
        assert (np.array(Image.open(files[0])) == pixels).all()
        assert "ground truth" in step["stages/val_0/all_masks"][0]
    named = {name for step in history(log) for each in PANORAMAS for name in step.get(each, [])}
    written = (log.parent / "files/media/images/stages").glob("*.png")
    assert named == {path.relative_to(log.parent / "files").as_posix() for path in written}


def test_without_wandb_sheets_go_to_the_runs_folder(tmp_path, data, fit):
    fit(_rectification(), data(mask_splits=["train", "val"]), StagePanels(panoramas=1))
    assert _drawn(tmp_path) == ["val_1/000002.png", "val_1/000004.png"]
    sheet = np.array(Image.open(tmp_path / "run/stages/val_1/000002.png"))
    assert sheet.shape == (8 * (16 + 20 + 6) + 6, 64 + 2 * 6, 3)


def test_where_val_has_no_masks_training_panoramas_are_shown(tmp_path, data, fit):
    fit(_rectification(), data(), StagePanels(panoramas=9), max_epochs=1)
    assert _drawn(tmp_path) == [f"train_{index}/000002.png" for index in range(4)]


def test_val_can_be_asked_for_all_the_same(tmp_path, data, fit):
    fit(_rectification(), data(), StagePanels(panoramas=1, split="val"), max_epochs=1)
    assert _drawn(tmp_path) == ["val_1/000002.png"]


def test_every_second_validation(tmp_path, data, fit):
    panels = StagePanels(panoramas=1, every_n_validations=2)
    fit(_rectification(), data(), panels, max_epochs=3)
    assert _drawn(tmp_path) == ["train_2/000002.png", "train_2/000006.png"]


def test_a_trial_run_draws_nothing(tmp_path, data, fit):
    fit(_rectification(), data(), StagePanels(), fast_dev_run=True)
    assert _drawn(tmp_path) == []


def test_other_systems_are_told_to_leave_it_out(data, fit):
    with pytest.raises(TypeError, match=r"here are SourceSegmentation .*: remove the callback"):
        fit(SourceSegmentation(nn.Conv2d(3, 19, 1)), data(mask_root=None), StagePanels())


@pytest.mark.parametrize("option", ["panoramas", "every_n_validations"])
def test_less_than_one_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} is 0: choose at least 1"):
        StagePanels(**{option: 0})
