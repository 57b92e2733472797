"""The configuration of a run, kept where the run is."""

from __future__ import annotations

import yaml
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn
from typing_extensions import override

from goodsam_pl.callbacks import data_facts, define_summaries, run_directory, wandb_loggers
from goodsam_pl.files.atomic import write_atomically

__all__ = ["SaveRunConfig"]


class SaveRunConfig(SaveConfigCallback):
    """Writes ``config.yaml`` into the run's folder, and shows it to the loggers.

    Lightning's own would write it to the logger's ``save_dir``, which for W&B is the current
    directory. Verbs other than ``fit`` write ``config_<verb>.yaml``, so that scoring a run leaves
    its training configuration alone.

    Loggers get the same, nested as in the file, in the place of the flat arguments of model and
    data that Lightning sends by itself: each argument once. On W&B, which images the run saw
    stands beside it (:func:`goodsam_pl.callbacks.data_facts`), and tables can be sorted by the best
    scores.
    """

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the file, once, from the first process."""
        if self.already_saved:
            return
        directory = run_directory(trainer)
        self.already_saved = True
        _silence(trainer, pl_module)
        if not trainer.is_global_zero:
            return
        name = self.config_filename if stage == "fit" else f"config_{TrainerFn(stage).value}.yaml"
        text = self.parser.dump(self.config, skip_none=False)
        write_atomically(directory / name, text.encode())
        for logger in trainer.loggers:
            logger.log_hyperparams(yaml.safe_load(text))
        for logger in wandb_loggers(trainer):
            define_summaries(logger)

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say which images are trained on: now that those without masks are left out."""
        _log_facts(trainer)

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say which images are scored."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            _log_facts(trainer)

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say which images are scored."""
        _log_facts(trainer)

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say which images are labelled."""
        _log_facts(trainer)


def _silence(trainer: Trainer, module: LightningModule) -> None:
    """Keep Lightning from sending the arguments of model and data once more."""
    for each in (module, getattr(trainer, "datamodule", None)):
        if each is not None:
            each._log_hyperparams = False  # noqa: SLF001  # as save_hyperparameters(logger=False)


def _log_facts(trainer: Trainer) -> None:
    dashboards = wandb_loggers(trainer) if trainer.is_global_zero else []
    if dashboards:
        facts = data_facts(getattr(trainer, "datamodule", None))
        for logger in dashboards:
            logger.log_hyperparams(facts)
