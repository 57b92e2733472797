"""What W&B is told of a run besides its metrics: its road, its job, its best."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import WandbLogger

from goodsam_pl.callbacks.run_directory import checkpoint_directory

__all__ = ["STEP", "define_summaries", "keep_in_run_folder", "name_runs", "wandb_loggers"]

STEP = "trainer/global_step"
"""Optimiser steps, the axis of all that is logged: Lightning's own key."""

_SUMMARIES = {
    "val/miou*": "max,last",  # the star: of all kinds of prediction
    "val/pixel_accuracy*": "max,last",
    "train/loss": "min,last",
}


def wandb_loggers(trainer: Trainer) -> list[WandbLogger]:
    """The W&B loggers of a trainer; none of their runs is begun."""
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]


def keep_in_run_folder(trainer: Trainer) -> None:
    """Let W&B write into the run's folder where no ``save_dir`` is given.

    Args:
        trainer: before any of its verbs.
    """
    folder = str(_folder(trainer))
    for logger in wandb_loggers(trainer):
        # Lightning has no other way to say it once the logger is built
        if logger.save_dir == ".":
            logger._save_dir = logger._wandb_init["dir"] = folder  # noqa: SLF001


def name_runs(trainer: Trainer, verb: str) -> None:
    """Give W&B runs that have not begun a group, a type of job, and a name that tells verbs apart.

    The group is the folder that holds the run's folder, so that the stages of one road, as
    ``runs/real/rectification`` and ``runs/real/distillation``, stand together as ``real``. Runs
    right below ``runs`` or the working folder belong to no road. The job is the verb. Names of
    verbs other than ``fit`` end with the verb; a run without a name is named after its group and
    folder.

    What the configuration or W&B's environment variables say stays. A run with an id of its own
    (``version``) is gone on with, and keeps its name and job as well.

    Args:
        trainer: before any of its verbs.
        verb: ``fit``, ``validate``, ``test`` or ``predict``.
    """
    folder = _folder(trainer).absolute()
    parent = folder.parent
    group = None if parent.name in {"runs", ""} or parent == Path.cwd() else parent.name
    for logger in wandb_loggers(trainer):
        # Lightning has no other way to say these once the logger is built
        chosen: dict[str, Any] = logger._wandb_init  # noqa: SLF001
        if not _is_chosen(chosen, "group", "WANDB_RUN_GROUP") and group:
            chosen["group"] = group
        if _is_chosen(chosen, "id", "WANDB_RUN_ID"):
            continue
        if not _is_chosen(chosen, "job_type", "WANDB_JOB_TYPE"):
            chosen["job_type"] = verb
        if not _is_chosen(chosen, "name", "WANDB_NAME") and group:
            chosen["name"] = f"{group}-{folder.name}".replace("_", "-")
        if chosen.get("name") and verb != "fit":
            chosen["name"] = f"{chosen['name']}-{verb}"


def define_summaries(logger: WandbLogger) -> None:
    """Let W&B keep the best of scores and losses beside the last, to sort tables of runs by.

    Args:
        logger: its run begins where it has not.
    """
    for name, summary in _SUMMARIES.items():
        logger.experiment.define_metric(name, summary=summary, step_metric=STEP, step_sync=True)


def _folder(trainer: Trainer) -> Path:
    return checkpoint_directory(trainer) or Path(trainer.default_root_dir)


def _is_chosen(arguments: dict[str, Any], name: str, variable: str) -> bool:
    return bool(arguments.get(name) or os.environ.get(variable))
