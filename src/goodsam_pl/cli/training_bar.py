"""How far a training is: steps, the loss, the time that is left."""

from __future__ import annotations

import math
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.trainer.states import TrainerFn
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from typing_extensions import override

__all__ = ["TrainingBar"]

_SECONDS = 0.2
_LINES = 10  # about so many of a training whose output goes to a file


class TrainingBar(ProgressBar):
    """One bar from the first step to the last, and one while scores or predictions are made.

    Lightning's own begins anew with each epoch, and knows no end where the run has one in steps.
    Where the output is no terminal, lines take the bar's place: some ten of a training.
    """

    def __init__(self) -> None:
        super().__init__()
        self._enabled = True
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._told = 0
        self._shown = -math.inf

    @override
    def disable(self) -> None:
        """Be quiet, as in all processes but the first."""
        self._enabled = False

    @override
    def enable(self) -> None:
        """Be seen again."""
        self._enabled = True

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave talking to the first process."""
        super().setup(trainer, pl_module, stage)
        if not trainer.is_global_zero:
            self.disable()

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move on, and show the loss."""
        total = _steps(trainer)
        if self._is_time() or trainer.global_step == total:
            self._show("training", trainer.global_step, total, _loss(trainer, outputs))
        part = trainer.global_step * _LINES // total if total else trainer.global_step // 100
        if part > self._told and self._enabled and not Console().is_terminal:
            self._told = part
            of = f" of {total}" if total else ""
            loss = _loss(trainer, outputs)
            print(f"step {trainer.global_step}{of}{', ' if loss else ''}{loss}", flush=True)

    @override
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move on."""
        self.has_dataloader_changed(dataloader_idx)
        if not trainer.sanity_checking:
            self._count("validation", batch_idx, self.total_val_batches_current_dataloader)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar of the validation away; that of the training goes on."""
        if trainer.state.fn != TrainerFn.FITTING:
            self._stop()
        elif self._bar is not None and "validation" in self._tasks:
            self._bar.refresh()  # its last batch was shown
            self._bar.remove_task(self._tasks.pop("validation"))

    @override
    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move on."""
        self.has_dataloader_changed(dataloader_idx)
        self._count("test", batch_idx, self.total_test_batches_current_dataloader)

    @override
    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move on."""
        self.has_dataloader_changed(dataloader_idx)
        self._count("predictions", batch_idx, self.total_predict_batches_current_dataloader)

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the finished bar."""
        self._stop()

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the finished bar."""
        self._stop()

    @override
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the finished bar."""
        self._stop()

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self._stop()

    @override
    def print(self, *args: Any, **keywords: Any) -> None:
        """Print above the bar; rich does it."""
        if self._enabled:
            print(*args)

    def _is_time(self) -> bool:
        """Whether to look at the loss again: on a GPU that waits for the step."""
        now = time.monotonic()
        if now - self._shown < _SECONDS:
            return False
        self._shown = now
        return True

    def _count(self, name: str, batch_idx: int, total: float) -> None:
        self._show(name, batch_idx + 1, None if math.isinf(total) else int(total), "")

    def _show(self, name: str, done: int, total: int | None, more: str) -> None:
        bar = self._running()
        if bar is None:
            return
        if name not in self._tasks:
            self._tasks[name] = bar.add_task(name, total=total, more="")
        bar.update(self._tasks[name], completed=done, total=total, more=more)

    def _running(self) -> Progress | None:
        if not self._enabled:
            return None
        if self._bar is None:
            console = Console()
            if not console.is_terminal:
                return None
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[more]}"),
                TimeRemainingColumn(),
                console=console,
            )
            self._bar.start()
        return self._bar

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = None
        self._tasks = {}


def _steps(trainer: Trainer) -> int | None:
    """Of the whole training; ``None`` where time alone ends it."""
    total = trainer.estimated_stepping_batches
    return None if math.isinf(total) else int(total)


def _loss(trainer: Trainer, outputs: Any) -> str:
    loss = trainer.callback_metrics.get("train/loss")
    if loss is None and isinstance(outputs, dict):
        loss = outputs.get("loss")
    return "" if loss is None else f"loss {float(loss):.4g}"
