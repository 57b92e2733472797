"""No fusion at all: what the teacher assistant says, trusted where it is confident."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from goodsam_pl.fusion.fused import FusedWindows, Fusion
from goodsam_pl.fusion.painting import paint
from goodsam_pl.fusion.runs import WindowRuns

__all__ = ["NoFusion", "own_predictions"]


@dataclass(frozen=True)
class NoFusion(Fusion):
    """:func:`own_predictions` with its constant.

    Attributes:
        confidence: the least softmax maximum of a trusted pixel.
    """

    confidence: float = 0.9

    def __call__(self, probabilities: Tensor, masks: Tensor) -> FusedWindows:
        """Fuse, see :class:`Fusion`."""
        return own_predictions(probabilities, masks, self.confidence)


def own_predictions(probabilities: Tensor, masks: Tensor, confidence: float = 0.9) -> FusedWindows:
    """E_i = S_i; M_i = 1 where max S_i ≥ confidence. The masks are left aside.

    Args:
        probabilities: softmax of S_i, ``(..., K, h, w)``, float.
        masks: see :class:`Fusion`.
        confidence: in [0, 1].
    """
    runs = WindowRuns.of(probabilities, masks)
    nowhere = runs.labels < 0
    return paint(runs, runs.labels, nowhere, nowhere, ~nowhere, confidence)
