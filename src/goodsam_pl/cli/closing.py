"""What a training says when it is over: the score, the files, and what to do with them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities.model_helpers import is_overridden

__all__ = ["closing_lines", "size_line"]


def size_line(total: int, trained: int) -> str:
    """What is trained, in the place of Lightning's table of layers.

    Args:
        total: parameters of all networks.
        trained: those that change.
    """
    return f"{_millions(trained)} of {_millions(total)} parameters are trained"


def closing_lines(trainer: Trainer, directory: Path) -> Iterator[str]:
    """One line each: where the training ended, its checkpoints, the dashboard, the next command.

    Args:
        trainer: after ``fit``, in its first process.
        directory: of the run.
    """
    score = trainer.callback_metrics.get("val/miou")
    told = "" if score is None else f", val/miou {float(score):.3f}"
    yield f"trained {trainer.global_step} steps{told}"
    kept = None
    for callback in trainer.checkpoint_callbacks:
        if not isinstance(callback, ModelCheckpoint):
            continue
        best, last = callback.best_model_path, callback.last_model_path
        if best and callback.monitor and callback.best_model_score is not None:
            reached = f"{callback.monitor} {float(callback.best_model_score):.3f}"
            yield f"best:  {_shown(best)}, {reached}"
        if last:
            yield f"last:  {_shown(last)}"
        kept = kept or best or last
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            yield _dashboard(logger)
    config = directory / "config.yaml"
    if kept and config.is_file() and is_overridden("test_step", trainer.lightning_module):
        words = ["lightning", "test", "--config", _shown(config), "--ckpt_path", _shown(kept)]
        yield f"next:  {shlex.join(words)}"


def _dashboard(logger: WandbLogger) -> str:
    run = logger.experiment
    if getattr(run, "offline", False):
        return f"W&B:   wandb sync {shlex.quote(_shown(Path(run.dir).parent))}"
    return f"W&B:   {run.url}"


def _shown(path: str | Path) -> str:
    """Relative to the working folder where it is below it."""
    path, here = Path(path), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 50_000 else f"{count:,}"
