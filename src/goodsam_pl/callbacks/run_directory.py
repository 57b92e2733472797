"""Where a run keeps its files."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch import Trainer

__all__ = ["run_directory"]


def run_directory(trainer: Trainer) -> Path:
    """The folder of this run: the one in which Lightning makes ``checkpoints``.

    With a logger it is ``<save_dir>/<name>/<version>``, else the trainer's ``default_root_dir``.
    ``Trainer.log_dir`` is not the same: for W&B it is the folder that all runs share.

    Call it in all processes, from ``setup`` on; they get the same answer.
    """
    directory = trainer.default_root_dir
    if trainer.logger is not None:
        version = trainer.logger.version
        version = version if isinstance(version, str) else f"version_{version}"
        root = trainer.logger.save_dir or trainer.default_root_dir
        directory = str(Path(root, str(trainer.logger.name), version))
    return Path(trainer.strategy.broadcast(directory))
