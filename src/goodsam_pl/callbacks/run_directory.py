"""Where a run keeps its files."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from goodsam_pl.callbacks.run_checkpoint import RunCheckpoint

__all__ = ["RunDirectory", "checkpoint_directory", "run_directory"]


class RunDirectory(Callback):
    """Says where the run keeps its files, whatever its checkpoints and logger say.

    ``goodsam`` adds it to ``validate``, ``test`` and ``predict`` where the command line names
    ``--trainer.default_root_dir``.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path


def run_directory(trainer: Trainer) -> Path:
    """The folder of this run: the one with the checkpoints, or with their folder ``checkpoints``.

    A callback :class:`RunDirectory` has the first word. Else it is where ``RunCheckpoint`` writes,
    or ``ModelCheckpoint`` with a ``dirpath``, else the logger's ``<save_dir>/<name>/<version>``,
    else the trainer's ``default_root_dir``. ``Trainer.log_dir`` is not the same: for W&B it is the
    folder that all runs share.

    Call it in all processes, from ``setup`` on; they get the same answer.
    """
    found = _of_callback(trainer) or checkpoint_directory(trainer) or _of_logger(trainer)
    return Path(trainer.strategy.broadcast(str(found)))


def _of_callback(trainer: Trainer) -> Path | None:
    # the trainer's attribute is declared without a type
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    chosen = [each.path for each in callbacks if isinstance(each, RunDirectory)]
    return Path(chosen[-1]) if chosen else None


def checkpoint_directory(trainer: Trainer) -> Path | None:
    """The run's folder as its checkpoints have it; ``None`` where a logger decides on theirs."""
    callback = trainer.checkpoint_callback
    if not isinstance(callback, ModelCheckpoint):
        return None
    if callback.dirpath is None:
        return Path(trainer.default_root_dir) if isinstance(callback, RunCheckpoint) else None
    directory = Path(callback.dirpath)
    return directory.parent if directory.name == "checkpoints" else directory


def _of_logger(trainer: Trainer) -> Path:
    logger = trainer.logger
    if logger is None:
        return Path(trainer.default_root_dir)
    version = logger.version if isinstance(logger.version, str) else f"version_{logger.version}"
    return Path(logger.save_dir or trainer.default_root_dir, str(logger.name), version)
