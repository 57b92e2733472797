"""A training that is stopped keeps what it has learned, and goes on as if it had not been."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

__all__ = ["SaveOnStop"]


class SaveOnStop(Callback):
    """Write ``last.ckpt`` when a training ends by SIGTERM, Ctrl-C or an error.

    A signal ends it between two optimizer steps, or in validation, where the state is whole: the
    resumed training is then the uninterrupted one. A second signal ends it at once, with what the
    last checkpoint holds. Several processes agree on the step; they finish a validation.

    The checkpoint goes where each :class:`~lightning.pytorch.callbacks.ModelCheckpoint` with
    ``save_last`` writes. Lightning's own ``save_on_exception`` would also write over the best
    checkpoint, where that has one name throughout.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._whole = True
        self._validated = 0
        self._handlers: dict[int, Any] = {}
        self._gradients: dict[str, Tensor] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen to signals, in the place of Lightning, which forwards and broadcasts them."""
        self._asked, self._whole = 0, True
        for name, parameter in pl_module.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter)
        self._gradients = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:  # as in the background of a script
                    self._handlers[number] = signal.signal(number, self._ask)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen no more."""
        self._restore()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End here, if asked to: all that an epoch's end does is done."""
        self._end_if_asked(trainer)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """End here, if asked to and an optimizer step is complete.

        Not where a validation or the end of an epoch follows, which a resumed training would omit.
        """
        epoch = trainer.fit_loop.epoch_loop
        data = trainer.fit_loop._data_fetcher  # noqa: SLF001  # decides whether validation is due
        between = not (
            epoch._should_accumulate()  # noqa: SLF001
            or epoch._num_ready_batches_reached()  # noqa: SLF001
            or (data is not None and epoch._should_check_val_fx(data))  # noqa: SLF001
        )
        if between:
            self._end_if_asked(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note how much was validated before, and put right what :meth:`_correct` wrote."""
        total = trainer.fit_loop.epoch_loop.val_loop.batch_progress.total
        total.ready = total.started = total.processed = total.completed  # type: ignore[attr-defined]
        self._validated = total.completed

    def on_validation_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """End here, if asked to; several processes have unequal numbers of batches, and go on."""
        if trainer.state.fn == TrainerFn.FITTING and trainer.world_size == 1:
            self._end_if_asked(trainer)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep gradients that wait for more batches; of several processes, each has its own."""
        if trainer.world_size == 1 and trainer.fit_loop.epoch_loop._should_accumulate():  # noqa: SLF001
            checkpoint["gradients"] = {
                name: parameter.grad
                for name, parameter in pl_module.named_parameters()
                if parameter.grad is not None
            }

    def on_load_checkpoint(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        checkpoint: dict[str, Any],
    ) -> None:
        """Remember them until the training starts."""
        self._gradients = checkpoint.get("gradients", {})

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Save, where a step was made since the last checkpoint."""
        self._restore()
        fits = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking
        if not fits or trainer.fast_dev_run or trainer.global_step == 0:  # type: ignore[attr-defined]  # set by a connector
            return
        if isinstance(exception, KeyboardInterrupt | SIGTERMException) and not self._whole:
            return
        if trainer.validating:
            for callback in trainer.callbacks:  # type: ignore[attr-defined]  # set by a connector
                if isinstance(callback, WeightAveraging):
                    # it had put the average into the place of the weights that are trained
                    callback.on_validation_epoch_end(trainer, pl_module)
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.save_last:
                self._save(trainer, callback)

    def _ask(self, number: int, frame: FrameType | None) -> None:  # as signals call it
        if self._asked:
            self._whole = False
            _end(number)
        self._asked = number
        if int(os.environ.get("LOCAL_RANK", "0")) == 0:
            os.write(2, b"\ngoodsam: stopping after this step; once more stops at once\n")

    def _end_if_asked(self, trainer: Trainer) -> None:
        asked = self._asked
        if trainer.world_size > 1:
            mine = torch.tensor(asked, device=trainer.strategy.root_device)
            asked = int(trainer.strategy.reduce(mine, reduce_op="max"))
        if asked:
            _end(asked)

    def _restore(self) -> None:
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def _save(self, trainer: Trainer, callback: ModelCheckpoint) -> None:
        stale = callback._last_global_step_saved != trainer.global_step  # noqa: SLF001  # nobody else knows
        if not stale or callback.dirpath is None:
            return
        path = Path(callback.dirpath) / f"{callback.CHECKPOINT_NAME_LAST}{callback.FILE_EXTENSION}"
        callback.last_model_path = str(path)
        # as Trainer.save_checkpoint, but for its barrier: not every process may still be there
        checkpoint = trainer._checkpoint_connector.dump_checkpoint(callback.save_weights_only)  # noqa: SLF001
        if loops := checkpoint.get("loops"):
            self._correct(loops["fit_loop"], trainer)
        trainer.strategy.save_checkpoint(checkpoint, str(path))
        rank_zero_info(f"stopped after step {trainer.global_step}; go on with --ckpt_path {path}")

    def _correct(self, progress: dict[str, Any], trainer: Trainer) -> None:
        """Say where the training is in the way that Lightning goes on from.

        A validation under way is known by a batch that was begun and not processed; it is made
        again from its start. At the start of an epoch no batch of it is done.
        """
        if trainer.validating:
            validation, done = progress["epoch_loop.val_loop.batch_progress"], self._validated
            validation["current"] = dict.fromkeys(validation["current"], 0)
            validation["total"] |= {"ready": done + 1, "started": done + 1}
            validation["total"] |= {"processed": done, "completed": done}
            validation["is_last_batch"] = False
        epochs = progress["epoch_progress"]["current"]
        if epochs["ready"] > epochs["started"]:
            batches = progress["epoch_loop.batch_progress"]
            batches["current"] = dict.fromkeys(batches["current"], 0)
            batches["is_last_batch"] = False


def _end(number: int) -> NoReturn:
    # a status, so that a process that started this one learns that it did not end well
    raise KeyboardInterrupt if number == signal.SIGINT else SIGTERMException(128 + number)
