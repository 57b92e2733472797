"""How fast a training runs, and how hard it pulls."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer
from typing_extensions import override

from goodsam_pl.data import ClickBatch, DomainBatch, PanoramaBatch, SourceBatch

__all__ = ["TrainingSignals"]

_BATCHES = (PanoramaBatch, SourceBatch, ClickBatch, DomainBatch)
_NAMES = [each.__name__ for each in _BATCHES]


class TrainingSignals(Callback):
    """Logs ``train/images_per_second`` and ``train/gradient_norm``, whenever the loss is logged.

    Images are counted over all processes, from one logging to the next, with everything that
    happens in between but validation: what a reader waits for. Where batches of two domains come
    side by side, both count. On a GPU that is exact without waiting for it at each step, as
    logging does.

    The norm is the Euclidean one of all gradients before they are clipped. A loss that is fine and
    a norm that leaps tell of a learning rate that is too high.
    """

    def __init__(self) -> None:
        self._images = 0
        self._since = 0.0
        self._paused_at = 0.0
        self._logged_at = 0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._images = 0
        self._since = time.perf_counter()
        self._logged_at = trainer.global_step

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, and log when it is time.

        Raises:
            TypeError: a batch that is none of ours.
        """
        for each in batch.values() if isinstance(batch, Mapping) else [batch]:
            if not isinstance(each, _BATCHES):
                raise TypeError(
                    f"TrainingSignals counts the images of {', '.join(_NAMES)}, here is "
                    f"{type(each).__name__}: remove the callback"
                )
            self._images += len(each.image)
        step = trainer.global_step
        if step == self._logged_at or not _is_logged(trainer, step):
            return
        now = time.perf_counter()
        speed = self._images * trainer.world_size / (now - self._since)
        pl_module.log("train/images_per_second", speed, on_step=True, on_epoch=False)
        self._images, self._since, self._logged_at = 0, now, step

    @override
    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Log the norm when it is time."""
        if not _is_logged(trainer, trainer.global_step + 1):
            return
        gradients = [each.grad for each in pl_module.parameters() if each.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        pl_module.log("train/gradient_norm", norm, on_step=True, on_epoch=False)

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock."""
        self._paused_at = time.perf_counter()

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on."""
        self._since += time.perf_counter() - self._paused_at


def _is_logged(trainer: Trainer, step: int) -> bool:
    interval: int = trainer.log_every_n_steps  # type: ignore[attr-defined]  # set by a connector
    return interval > 0 and step % interval == 0
