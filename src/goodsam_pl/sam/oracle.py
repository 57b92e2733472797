"""An oracle for studies: StreetWorld's own instances as masks, as good or bad as one likes.

It is no proposer for use: it looks up what an export wrote down when it drew a panorama. With it,
what masks are worth can be asked apart from who proposes them. It knows instances and no class:
the maps hold numbers that mean nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from goodsam_pl.masks.placed_mask import lay_placed
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import WindowMasks
from goodsam_pl.sam.exported_instances import ExportedInstances, SeenPanorama
from goodsam_pl.sam.oracle_dial import OracleDial
from goodsam_pl.sam.spoiled_masks import spoil

__all__ = ["StreetWorldOracle"]

_VERSION = 1
"""Grows whenever the same arguments give other masks."""


class StreetWorldOracle:
    """Masks of the true instances of StreetWorld's panoramas, with a dial for how good they are.

    For studies alone. It finds a panorama by its pixels in the export that it came from, and gives
    the same masks each time, in whatever windows: those of the whole panorama, cut. The entries
    that ``quality`` sets are those of :class:`goodsam_pl.sam.oracle_dial.OracleDial`; each can be
    given by itself.

    Args:
        root: folder of an export with instances:
            ``goodsam streetworld --out ROOT --instances true``.
        quality: 1 gives every instance exactly, whatever its size; 0 gives masks about as good as
            those of ``vit_nano``.
        minimum_area: masks with fewer pixels are dropped; ``None`` takes, here and below, what
            belongs to the quality.
        merged: probability that an instance is one mask with a neighbour.
        split: probability that a mask is cut in two.
        missed: probability that a mask is left out.
        doubled: probability that a mask is there twice.
        grown: standard deviation of how far the edge lies outside or inside, pixels.
        shifted: standard deviation of how far a mask is displaced along each axis, pixels.
        rough: standard deviation of what the edge strays along its way, pixels.
        score_noise: standard deviation of the error of both scores; 0 gives as the predicted IoU
            the true one, which no real proposer knows.
        seed: of all that is random.

    Attributes:
        dial: all of the above together.
        takes_panoramas: a whole panorama may be one window: nothing has to be joined.
    """

    takes_panoramas = True

    def __init__(
        self,
        root: str,
        quality: float = 1.0,
        minimum_area: int | None = None,
        merged: float | None = None,
        split: float | None = None,
        missed: float | None = None,
        doubled: float | None = None,
        grown: float | None = None,
        shifted: float | None = None,
        rough: float | None = None,
        score_noise: float = 0.1,
        seed: int = 0,
    ) -> None:
        for name, value in (("score_noise", score_noise), ("seed", seed)):
            if value < 0:
                raise ValueError(f"{name} is {value}: choose 0 or more")
        self.dial = OracleDial.of_quality(
            quality,
            minimum_area=minimum_area,
            merged=merged,
            split=split,
            missed=missed,
            doubled=doubled,
            grown=grown,
            shifted=shifted,
            rough=rough,
        )
        self.score_noise = float(score_noise)
        self.seed = seed
        self._instances = ExportedInstances(Path(root))
        self._last: tuple[Path, WindowMasks] | None = None

    def describe(self) -> Description:
        """Every entry of the dial; masks made for a quality are those of its entries."""
        return {
            "proposer": "streetworld_oracle",
            "version": _VERSION,
            **self.dial.as_dict(),
            "score_noise": self.score_noise,
            "seed": self.seed,
        }

    def to(self, device: torch.device | str) -> None:  # has no tensors
        """Stay on the CPU."""

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Look up the masks of each window.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB, of panoramas of the export in the size that they
                were drawn in; they may be whole ones.

        Returns:
            N sets of masks without logits. Of a window that shows a part of a mask, both scores are
            those of the mask.

        Raises:
            ValueError: a window is of no panorama of the export.
            FileNotFoundError: there is no export with instances.
        """
        return [self._look_up(window) for window in windows]

    def _look_up(self, window: Tensor) -> WindowMasks:
        panorama, top, left = self._instances.find(window)
        height, width = window.shape[1:]
        masks = self._masks_of(panorama)
        around = masks.layers.roll((-top, -left), (1, 2))[:, :height, :width]
        ids = around[around >= 0].unique()  # ascending: by area on the panorama
        shown = torch.zeros((len(ids), height, width), dtype=torch.bool)
        for layer in around:
            rows, columns = (layer >= 0).nonzero(as_tuple=True)
            shown[torch.searchsorted(ids, layer[rows, columns]), rows, columns] = True
        kept = shown.flatten(1).sum(dim=1) >= self.dial.minimum_area
        ids = ids[kept].long()
        return WindowMasks.pack(shown[kept], masks.predicted_iou[ids], masks.stability[ids])

    def _masks_of(self, panorama: SeenPanorama) -> WindowMasks:
        if self._last is None or self._last[0] != panorama.path:
            digest = hashlib.sha256(panorama.pixels.tobytes()).digest()
            seed = [self.seed, int.from_bytes(digest[:8], "little")]
            placed = spoil(panorama.instances, self.dial, seed, self.score_noise)
            self._last = panorama.path, lay_placed(placed, panorama.pixels.shape)
        return self._last[1]
