"""Checkpoints in the folder of the run."""

from __future__ import annotations

import os
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

__all__ = ["RunCheckpoint"]


class RunCheckpoint(ModelCheckpoint):
    """Lightning's, which without a ``dirpath`` writes into the trainer's ``default_root_dir``.

    Lightning's own would write below the logger's folder, by its name and version. So a
    configuration says once where its run lies, and ``--trainer.default_root_dir`` moves all of it.

    Args:
        keywords: as Lightning's.
    """

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the folder."""
        if self.dirpath is None:
            self.dirpath = os.path.realpath(trainer.default_root_dir)
        super().setup(trainer, pl_module, stage)
