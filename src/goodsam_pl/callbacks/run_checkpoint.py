"""Checkpoints in the folder of the run."""

from __future__ import annotations

import os
from typing import Any, Literal

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

__all__ = ["RunCheckpoint"]


class RunCheckpoint(ModelCheckpoint):
    """Lightning's, which without a ``dirpath`` writes into the trainer's ``default_root_dir``.

    Lightning's own would write below the logger's folder, by its name and version. So a
    configuration says once where its run lies, and ``--trainer.default_root_dir`` moves all of it.

    Args:
        save_last: as Lightning's, but for what is the usual here: keep ``last.ckpt``.
        enable_version_counter: likewise: a second run in the same folder writes over the first.
        keywords: as Lightning's.
    """

    def __init__(
        self,
        save_last: bool | Literal["link"] | None = True,
        enable_version_counter: bool = False,
        **keywords: Any,
    ) -> None:
        super().__init__(
            save_last=save_last, enable_version_counter=enable_version_counter, **keywords
        )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the folder."""
        if self.dirpath is None:
            self.dirpath = os.path.realpath(trainer.default_root_dir)
        super().setup(trainer, pl_module, stage)
