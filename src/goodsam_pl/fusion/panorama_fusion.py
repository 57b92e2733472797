"""One vote a mask: fusing whole panoramas, and cutting what comes out into windows.

A window cuts what is larger than itself. Where masks are of whole panoramas, a road has one mask,
but seven elections if each window holds its own. Here E is made once, of S_TA^w and the masks of
the panorama, across the seam, and E_i and M_i are cut out of it. (Our choice: the papers fuse
window by window.)
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from goodsam_pl.fusion.fused import Fused, Fusion
from goodsam_pl.fusion.word_voter import WordVoter
from goodsam_pl.geometry import Windowed, WindowGrid, Windows, extract_families

__all__ = ["PanoramaFusion", "fuse"]


class PanoramaFusion(Fusion):
    """A fusion that is asked about whole panoramas, where their masks are of whole panoramas.

    Where a store holds masks of windows, it is called as any other fusion: each window is a picture
    of its own, without a seam.
    """

    @abstractmethod
    def around(self, probabilities: Tensor, masks: Tensor) -> Fused:
        """Fuse panoramas whose left border goes on at the right one.

        Args:
            probabilities: S_TA^w, ``(B, K, H, W)``, float. No gradient runs through.
            masks: index maps of disjoint masks in L layers, int ``(B, L, H, W)``, as of
                :class:`Fusion`.

        Returns:
            E and M of panoramas.

        Raises:
            ValueError: the shapes do not belong together.
        """


@dataclass(frozen=True, eq=False)
class _CutOut:
    """E_i and M_i of one family of windows, cut out of panoramas when they are asked for."""

    panoramas: Fused
    grid: WindowGrid

    @cached_property
    def ensemble(self) -> Tensor:
        """E_i, ``(B, N, K, h, w)``."""
        return self.grid.extract(self.panoramas.ensemble)

    @cached_property
    def label(self) -> Tensor:
        """Argmax E_i, uint8 ``(B, N, h, w)``."""
        return self.grid.extract(self.panoramas.label)

    @cached_property
    def weight(self) -> Tensor:
        """M_i, ``(B, N, h, w)``."""
        return self.grid.extract(self.panoramas.weight)


def fuse(
    fusion: Fusion,
    seen: Windowed,
    stitched: Tensor,
    masks: Windowed,
    windows: Windows,
    *,
    whole_masks: bool,
    words: Tensor | None = None,
) -> tuple[Fused, ...]:
    """Fuse a batch, once a panorama where fusion and masks are made for it, else window by window.

    What words have found is heard afterwards, by a fusion that hears it.

    Args:
        fusion: any.
        seen: S_i, ``(B, N, K, h, w)`` of each family.
        stitched: S_TA^w, ``(B, K, H, W)``.
        masks: int ``(B, N, L, h, w)``, likewise.
        windows: which windows these are.
        whole_masks: masks are of whole panoramas and have the same id in all windows.
        words: evidence of each class, uint8 ``(B, K, H, W)``, for a
            :class:`goodsam_pl.fusion.WordVoter`.

    Returns:
        E_i and M_i of each family.

    Raises:
        ValueError: the shapes do not belong together, or words without a fusion that hears them.
    """
    if isinstance(fusion, WordVoter) and words is not None:
        inner = fuse(fusion.fusion, seen, stitched, masks, windows, whole_masks=whole_masks)
        return tuple(map(fusion.hear, inner, extract_families(words, windows)))
    if words is not None:
        raise ValueError(
            f"{type(fusion).__name__} does not hear what words have found: put it into a "
            "goodsam_pl.fusion.WordVoter, or remove data.words_root"
        )
    if not (whole_masks and isinstance(fusion, PanoramaFusion)):
        return tuple(map(fusion, seen, masks))
    panoramas = fusion.around(stitched, windows.families[0].put_back(masks[0]))
    return tuple(_CutOut(panoramas, grid) for grid in windows.families)
