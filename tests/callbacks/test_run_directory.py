from __future__ import annotations

from pathlib import Path

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger, WandbLogger

from goodsam_pl.callbacks import RunDirectory, run_directory


@pytest.mark.parametrize(
    ("dirpath", "expected"), [("street", "street"), ("street/checkpoints", "street")]
)
def test_checkpoints_with_a_folder_of_their_own(dirpath, expected, tmp_path):
    logger = CSVLogger(tmp_path / "logs")
    checkpoints = ModelCheckpoint(dirpath=tmp_path / dirpath)
    trainer = Trainer(logger=logger, callbacks=[checkpoints], accelerator="cpu")
    assert run_directory(trainer) == tmp_path / expected


def test_a_run_without_checkpoints(tmp_path):
    logger = CSVLogger(tmp_path / "logs", name="street", version=3)
    trainer = Trainer(logger=logger, enable_checkpointing=False, accelerator="cpu")
    assert run_directory(trainer) == tmp_path / "logs/street/version_3"


@pytest.mark.parametrize(
    "make_logger",
    [
        lambda root: False,
        lambda root: CSVLogger(root / "logs", name="street"),
        lambda root: TensorBoardLogger(root / "logs", name="street", version="first"),
        lambda root: WandbLogger(save_dir=root / "logs", project="street", offline=True),
    ],
    ids=["none", "csv", "tensorboard", "wandb"],
)
def test_is_where_lightning_keeps_the_checkpoints(make_logger, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    checkpoints = ModelCheckpoint()
    trainer = Trainer(
        default_root_dir=tmp_path,
        logger=make_logger(tmp_path),
        callbacks=[checkpoints],
        accelerator="cpu",
        max_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
    )
    trainer.fit(BoringModel())
    assert run_directory(trainer) == Path(checkpoints.dirpath).parent
    assert run_directory(trainer).is_relative_to(tmp_path)
    if isinstance(trainer.logger, WandbLogger):
        trainer.logger.experiment.finish()


def test_a_callback_has_the_first_word(tmp_path):
    watching = [ModelCheckpoint(dirpath=tmp_path / "street"), RunDirectory(tmp_path / "elsewhere")]
    trainer = Trainer(logger=False, callbacks=watching, accelerator="cpu")
    assert run_directory(trainer) == tmp_path / "elsewhere"
