"""What callbacks share that let a model look at images in another way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from typing_extensions import override

from goodsam_pl.data import PanoramaBatch, SourceBatch

__all__ = ["ReplacedForward"]


class ReplacedForward(Callback, ABC):
    """Replaces ``forward`` of the model in ``validate``, ``test`` and ``predict``, not in ``fit``.

    Several may do so, one around the other. Whatever ends the run, the model is as it was.
    """

    @abstractmethod
    def begin(self, trainer: Trainer, module: LightningModule) -> None:
        """Set ``module.forward``."""

    @abstractmethod
    def look_at(self, batch: PanoramaBatch | SourceBatch) -> None:
        """Learn from a batch, before it goes through the model, how large images are."""

    def end(self, module: LightningModule) -> None:
        """Leave the model as it was."""
        # another of these may have put it back before
        vars(module).pop("forward", None)

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin, unless training."""
        if trainer.state.fn != TrainerFn.FITTING:
            self.begin(trainer, pl_module)

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self.begin(trainer, pl_module)

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self.begin(trainer, pl_module)

    @override
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any
    ) -> None:
        """Look at the batch."""
        self.look_at(batch)

    @override
    def on_test_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any
    ) -> None:
        """Look at the batch."""
        self.look_at(batch)

    @override
    def on_predict_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any
    ) -> None:
        """Look at the batch."""
        self.look_at(batch)

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End."""
        self.end(pl_module)

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """End."""
        self.end(pl_module)
