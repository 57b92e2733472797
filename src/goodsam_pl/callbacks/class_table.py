"""The IoU of every class, on the console, as a file, and on the dashboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from rich.console import Console
from typing_extensions import override

from goodsam_pl.callbacks.augmented_prediction import TestTimeAugmentation
from goodsam_pl.callbacks.dashboard import wandb_loggers
from goodsam_pl.callbacks.protocols import ScoredModule, check_measuring, check_scored, scored_in
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.metrics import ExtraScore
from goodsam_pl.views.score_table import ScoreTable

__all__ = ["ClassTable"]


class ClassTable(Callback):
    """Prints per-class IoU after ``validate`` and ``test`` and writes it to the run's folder.

    The files are ``val_classes.csv`` and ``test_classes.csv``: one row a class with its labelled
    pixels and IoU as a fraction of 1 (``nan`` when the class is absent, or when the network has no
    name for it), then the mean over the classes that have one. Further kinds of prediction get
    columns of their own (``iou_windowed``, …), as in the names that are logged. The same rows go
    to W&B as the table ``val/classes`` or ``test/classes``.

    The module has to follow :class:`~goodsam_pl.callbacks.ScoredModule`.

    Args:
        while_fitting: print the table after each validation of ``fit`` as well. The file is
            written in any case.
        extras: what else to measure of panoramas: ``boundary_iou``, ``seam_disagreement``.
    """

    def __init__(self, while_fitting: bool = False, extras: Sequence[ExtraScore] = ()) -> None:
        self.while_fitting = while_fitting
        self.extras = tuple(extras)
        self._directory = Path()

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the run's folder, in all processes, and say what is to be measured."""
        check_scored(pl_module, self)
        if self.extras:
            check_measuring(pl_module, self).measure(self.extras)
        self._directory = run_directory(trainer)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the scores of the validation set."""
        if not trainer.sanity_checking:
            aloud = self.while_fitting or trainer.state.fn != TrainerFn.FITTING
            self._show("val", trainer, check_scored(pl_module, self), aloud)

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the scores of the test set."""
        self._show("test", trainer, check_scored(pl_module, self), aloud=True)

    def _show(self, stage: str, trainer: Trainer, module: ScoredModule, aloud: bool) -> None:
        if not trainer.is_global_zero or not module.latest_scores:
            return
        table = ScoreTable(scored_in(module).classes, module.latest_scores)
        if aloud:
            Console().print(table.for_console(_title(stage, trainer, module)))
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]  # set by a connector
            path = self._directory / f"{stage}_classes.csv"
            write_atomically(path, table.as_csv().encode())
            _log(f"{stage}/classes", table, trainer)


def _title(stage: str, trainer: Trainer, module: ScoredModule) -> str:
    title = f"{stage}: IoU in percent"
    if scored_in(module) != module.taxonomy:
        title += f", {module.taxonomy.name} scored in the classes of {scored_in(module).name}"
    for callback in trainer.callbacks:  # type: ignore[attr-defined]  # set by a connector
        if isinstance(callback, TestTimeAugmentation) and callback.active:
            title += f", {callback.summary}"
    return title


def _log(key: str, table: ScoreTable, trainer: Trainer) -> None:
    """Send the rows to W&B, if that is a logger; a score that is none is an empty cell there."""
    rows = [
        [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in row]
        for row in table.rows()
    ]
    for logger in wandb_loggers(trainer):
        logger.log_table(key, columns=table.header(), data=rows, step=trainer.global_step)
