"""Test-time augmentation, switched on for ``validate``, ``test`` and ``predict``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from typing_extensions import override

from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.networks import ViewAveraging

__all__ = ["TestTimeAugmentation"]


class TestTimeAugmentation(Callback):
    """Lets the model average over views of each panorama, see :class:`ViewAveraging`.

    It acts on ``forward`` of the model for whole panoramas. Windows are no full circle and pass as
    they are, so that of several kinds of prediction only ``whole`` changes. While fitting it does
    nothing. ``--tta 4`` on the command line is the same as this callback with four rolls.

    Args:
        rolls: number of yaw rolls, evenly around the circle; 1 is none.
        mirror: each roll mirrored, too.
        scales: each of these at several sizes, too.
    """

    def __init__(
        self, rolls: int = 4, mirror: bool = True, scales: Sequence[float] = (1.0,)
    ) -> None:
        ViewAveraging(_nothing, rolls, mirror, scales)  # says what is wrong with the arguments
        self.rolls = rolls
        self.mirror = mirror
        self.scales = tuple(scales)
        self.active = False
        self._size: tuple[int, int] | None = None

    @property
    def summary(self) -> str:
        """What is averaged, for the titles of tables."""
        parts = [f"{self.rolls} rolls" if self.rolls > 1 else "", "mirrored" if self.mirror else ""]
        if self.scales != (1.0,):
            parts.append("scales " + " ".join(f"{scale:g}" for scale in self.scales))
        return "whole panoramas averaged over views: " + ", ".join(filter(None, parts))

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to average, unless training."""
        if trainer.state.fn != TrainerFn.FITTING:
            self._begin(pl_module)

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to average."""
        self._begin(pl_module)

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to average."""
        self._begin(pl_module)

    @override
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any
    ) -> None:
        """Learn how large the panoramas are."""
        self._look_at(batch)

    @override
    def on_test_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any
    ) -> None:
        """Learn how large the panoramas are."""
        self._look_at(batch)

    @override
    def on_predict_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any
    ) -> None:
        """Learn how large the panoramas are."""
        self._look_at(batch)

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the model as it was."""
        self._end(pl_module)

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the model as it was."""
        self._end(pl_module)

    def _begin(self, module: LightningModule) -> None:
        averaged = ViewAveraging(module.forward, self.rolls, self.mirror, self.scales)
        plain = module.forward

        def forward(images: Tensor) -> Tensor:
            is_whole = (images.shape[-2], images.shape[-1]) == self._size
            logits: Tensor = averaged(images) if is_whole else plain(images)
            return logits

        module.forward = forward  # type: ignore[method-assign]
        self.active = True

    def _end(self, module: LightningModule) -> None:
        # another callback that watches forward may have put it back before
        vars(module).pop("forward", None)
        self.active = False

    def _look_at(self, batch: PanoramaBatch | SourceBatch) -> None:
        if not isinstance(batch, PanoramaBatch) and self.rolls > 1:
            raise TypeError(
                "test-time rolls need panoramas, full circles: give a PanoramaDataModule, or 1 roll"
            )
        self._size = (batch.image.shape[-2], batch.image.shape[-1])


def _nothing(images: Tensor) -> Tensor:
    return images
