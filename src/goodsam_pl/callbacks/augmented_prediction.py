"""Test-time augmentation, switched on for ``validate``, ``test`` and ``predict``."""

from __future__ import annotations

from collections.abc import Sequence

from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from typing_extensions import override

from goodsam_pl.callbacks.replaced_forward import ReplacedForward
from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.networks import ViewAveraging

__all__ = ["TestTimeAugmentation"]


class TestTimeAugmentation(ReplacedForward):
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
    def begin(self, trainer: Trainer, module: LightningModule) -> None:
        """Average over views of whole panoramas from here on."""
        averaged = ViewAveraging(module.forward, self.rolls, self.mirror, self.scales)
        plain = module.forward

        def forward(images: Tensor) -> Tensor:
            is_whole = (images.shape[-2], images.shape[-1]) == self._size
            logits: Tensor = averaged(images) if is_whole else plain(images)
            return logits

        module.forward = forward  # type: ignore[method-assign]
        self.active = True

    @override
    def end(self, module: LightningModule) -> None:
        """Leave the model as it was."""
        super().end(module)
        self.active = False

    @override
    def look_at(self, batch: PanoramaBatch | SourceBatch) -> None:
        """Learn how large the panoramas are."""
        if not isinstance(batch, PanoramaBatch) and self.rolls > 1:
            raise TypeError(
                "test-time rolls need panoramas, full circles: give a PanoramaDataModule, or 1 roll"
            )
        self._size = (batch.image.shape[-2], batch.image.shape[-1])


def _nothing(images: Tensor) -> Tensor:
    return images
