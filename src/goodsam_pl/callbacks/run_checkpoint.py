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

    ``last.ckpt`` is of the last look. Lightning's, where something is monitored, is of the last
    that was better than those before, and a training would go on from there.

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

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save as Lightning does, and the last state even where it is not among the best."""
        super().on_validation_end(trainer, pl_module)
        if not self._should_save_on_train_epoch_end(trainer):
            self._keep_last(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Likewise, where epochs are what is saved."""
        super().on_train_epoch_end(trainer, pl_module)
        if self._should_save_on_train_epoch_end(trainer):
            self._keep_last(trainer)

    def _keep_last(self, trainer: Trainer) -> None:
        """Save the last state unless this step's is saved already."""
        if self.save_last is not True or self.monitor is None:
            return
        if not self._should_skip_saving_checkpoint(trainer):
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))
