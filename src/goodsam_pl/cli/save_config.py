"""The configuration of a run, kept where the run is."""

from __future__ import annotations

import yaml
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.trainer.states import TrainerFn
from typing_extensions import override

from goodsam_pl.atomic import write_atomically
from goodsam_pl.callbacks import run_directory

__all__ = ["SaveRunConfig"]


class SaveRunConfig(SaveConfigCallback):
    """Writes ``config.yaml`` into the run's folder and shows it to W&B.

    Lightning's own would write it to the logger's ``save_dir``, which for W&B is the current
    directory. Verbs other than ``fit`` write ``config_<verb>.yaml``, so that scoring a run leaves
    its training configuration alone.
    """

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the file, once, from the first process."""
        if self.already_saved:
            return
        directory = run_directory(trainer)
        self.already_saved = True
        if not trainer.is_global_zero:
            return
        name = self.config_filename if stage == "fit" else f"config_{TrainerFn(stage).value}.yaml"
        text = self.parser.dump(self.config, skip_none=False)
        write_atomically(directory / name, text.encode())
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.experiment.config.update(yaml.safe_load(text), allow_val_change=True)
