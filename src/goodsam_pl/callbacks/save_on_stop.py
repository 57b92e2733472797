"""A training that is stopped keeps what it has learned."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info

__all__ = ["SaveOnStop"]


class SaveOnStop(Callback):
    """Write ``last.ckpt`` when a training ends by SIGTERM, Ctrl-C or an error.

    It goes where each :class:`~lightning.pytorch.callbacks.ModelCheckpoint` with ``save_last``
    writes. Lightning's own ``save_on_exception`` would also write over the best checkpoint, where
    that has one name throughout.
    """

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Save, where a step was made since the last checkpoint."""
        fits = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking
        if not fits or trainer.fast_dev_run or trainer.global_step == 0:  # type: ignore[attr-defined]  # set by a connector
            return
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.save_last:
                self._save(trainer, callback)

    def _save(self, trainer: Trainer, callback: ModelCheckpoint) -> None:
        if callback._last_global_step_saved == trainer.global_step or callback.dirpath is None:  # noqa: SLF001  # nobody else knows
            return
        path = Path(callback.dirpath) / f"{callback.CHECKPOINT_NAME_LAST}{callback.FILE_EXTENSION}"
        callback.last_model_path = str(path)
        # as Trainer.save_checkpoint, but for its barrier: not every process may still be there
        checkpoint = trainer._checkpoint_connector.dump_checkpoint(callback.save_weights_only)  # noqa: SLF001
        trainer.strategy.save_checkpoint(checkpoint, str(path))
        rank_zero_info(f"stopped after step {trainer.global_step}; go on with --ckpt_path {path}")
