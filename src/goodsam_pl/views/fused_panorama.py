"""What a fusion makes of one panorama: E as probabilities, M, and E_H."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from goodsam_pl.fusion import Fused
from goodsam_pl.geometry import Windows, stitch_families

__all__ = ["FusedPanorama"]


@dataclass(frozen=True, eq=False)
class FusedPanorama:
    """E_i and M_i of all windows of one panorama, and what they come to where windows overlap.

    Attributes:
        parts: E_i and M_i of each family of windows, with a leading axis of one panorama.
        windows: which windows these are.
        ignore_index: the label of pixels that E_H leaves out.
    """

    parts: tuple[Fused, ...]
    windows: Windows
    ignore_index: int = 255

    @cached_property
    def ensemble(self) -> Tensor:
        """E, probabilities ``(K, H, W)``: the mean of E_i over the windows that hold a pixel."""
        return stitch_families(tuple(each.ensemble for each in self.parts), self.windows)[0]

    @cached_property
    def label(self) -> Tensor:
        """Argmax E, int64 ``(H, W)``."""
        return self.ensemble.argmax(dim=0)

    @cached_property
    def weight(self) -> Tensor:
        """M, the mean of M_i likewise, ``(H, W)`` in [0, 1]."""
        weights = tuple(each.weight[:, :, None].to(self.ensemble) for each in self.parts)
        return stitch_families(weights, self.windows)[0, 0]

    @property
    def confident(self) -> Tensor:
        """E_H = E ⊗ M: the labels where most windows trust them, elsewhere ``ignore_index``."""
        return self.label.where(self.weight >= 0.5, self.ignore_index)

    @property
    def trusted(self) -> float:
        """The share of the panorama that is trusted: the mean of M."""
        return self.weight.mean().item()
