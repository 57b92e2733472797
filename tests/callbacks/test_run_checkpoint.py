from __future__ import annotations

import pytest
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
