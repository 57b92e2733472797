from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.loggers import CSVLogger

from goodsam_pl.callbacks import RunCheckpoint, run_directory


@pytest.mark.parametrize("given", [None, "elsewhere"])
def test_the_run_lies_in_one_folder_unless_another_is_given(given, tmp_path):
    folder = tmp_path / (given or "run")
    checkpoint = RunCheckpoint(dirpath=given and folder)
    trainer = Trainer(
        default_root_dir=tmp_path / "run",
        logger=CSVLogger(tmp_path / "logs"),
        callbacks=[checkpoint],
        accelerator="cpu",
        max_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
    )
    assert run_directory(trainer) == folder  # known before it begins
    trainer.fit(BoringModel())
    assert run_directory(trainer) == folder
    assert (folder / "last.ckpt").is_file()


class GettingWorse(BoringModel):
    """Its first look at ``val`` is the best."""

    def validation_step(self, batch, batch_idx):
        self.log("val/miou", 1.0 - self.trainer.global_step / 100)


@pytest.mark.parametrize("by_epochs", [False, True])
def test_the_last_checkpoint_is_of_the_last_look_and_not_of_the_best(by_epochs, tmp_path):
    looks = {"check_val_every_n_epoch": 1} if by_epochs else {"val_check_interval": 2}
    trainer = Trainer(
        default_root_dir=tmp_path,
        logger=False,
        callbacks=[RunCheckpoint(filename="best", monitor="val/miou", mode="max")],
        accelerator="cpu",
        max_steps=6,
        limit_train_batches=2,
        limit_val_batches=1,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        **looks,
    )
    trainer.fit(GettingWorse())
    steps = {
        name: torch.load(tmp_path / f"{name}.ckpt", weights_only=True)["global_step"]
        for name in ("best", "last")
    }
    assert steps == {"best": 2, "last": 6}
