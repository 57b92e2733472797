"""Panoramas larger than memory, in ``validate``, ``test`` and ``predict``."""

from __future__ import annotations

import logging

from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from typing_extensions import override

from goodsam_pl.callbacks.replaced_forward import ReplacedForward
from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.networks import TiledNetwork

__all__ = ["TiledPrediction"]

log = logging.getLogger(__name__)

_SAME_ASPECT = 0.02
"""How far the aspect of an image may be from that of the panoramas to be a whole circle like them,
relative: sizes are whole pixels."""


class TiledPrediction(ReplacedForward):
    """Lets the model look at as much at once as memory allows, see :class:`TiledNetwork`.

    It acts on ``forward`` of the model; while fitting it does nothing. Stands first among the
    callbacks, so that whoever asks for several views of a panorama gets each of them by tiles.

    ``goodsam`` adds it to ``validate``, ``test`` and ``predict``, unless ``--tile off`` is given.

    Args:
        tile: height and width of the tiles, pixels; ``None`` chooses by memory: all at once if
            possible.
    """

    def __init__(self, tile: tuple[int, int] | None = None) -> None:
        tile = None if tile is None else (tile[0], tile[1])
        TiledNetwork(nn.Identity(), tile)  # says what is wrong with the argument
        self.tile = tile
        self._is_told = False
        self._size: tuple[int, int] | None = None
        self._is_circle = False

    @override
    def begin(self, trainer: Trainer, module: LightningModule) -> None:
        """Look by tiles from here on."""
        tiled = TiledNetwork(_Forward(module), self.tile, processes=_processes_here(trainer))

        def forward(images: Tensor) -> Tensor:
            if images.ndim != 4:  # not what TiledNetwork knows
                return tiled.network(images)  # type: ignore[no-any-return]
            tiled.wrap = self._is_whole(images)
            self._tell(tiled, images)
            logits: Tensor = tiled(images)
            return logits

        module.forward = forward  # type: ignore[method-assign]

    def _is_whole(self, images: Tensor) -> bool:
        """Whether these are panoramas, perhaps enlarged, and no windows of them."""
        if not self._is_circle or self._size is None:
            return False
        height, width = images.shape[-2:]
        return abs(width * self._size[0] / (height * self._size[1]) - 1) < _SAME_ASPECT

    def _tell(self, tiled: TiledNetwork, images: Tensor) -> None:
        size = tiled.size_for(images)
        if not self._is_told and (size.height, size.width) != tuple(images.shape[-2:]):
            self._is_told = True
            height, width = images.shape[-2:]
            log.warning(
                "%d×%d images are predicted by tiles of %d×%d pixels, for lack of memory or as "
                "told: --tile sets another size",
                *(height, width, size.height, size.width),
            )

    @override
    def look_at(self, batch: PanoramaBatch | SourceBatch) -> None:
        """Learn how large the panoramas are."""
        self._size = (batch.image.shape[-2], batch.image.shape[-1])
        self._is_circle = isinstance(batch, PanoramaBatch)


class _Forward(nn.Module):
    """``forward`` of a model as it is before it is replaced, with the weights of the model."""

    def __init__(self, module: LightningModule) -> None:
        super().__init__()
        self.module = module
        self._plain = module.forward

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self._plain(images)
        return logits


def _processes_here(trainer: Trainer) -> int:
    """How many processes share the memory of this device: those of a node share its CPU."""
    shared = trainer.strategy.root_device.type == "cpu"
    return max(1, trainer.num_devices) if shared else 1
