"""Runs: neighbouring pixels of a row that lie in the same masks and carry the same label.

All that a fusion decides is the same for the pixels of a run, so it decides for runs, of which a
panorama has some ten thousands, and gives the pixels their run's result at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from goodsam_pl.fusion.scan import gather_up, scan, spread

__all__ = ["WindowRuns"]

_HALF = (torch.float16, torch.bfloat16)
"""Types in which neither thresholds nor votes are what they are called: decided on in float32."""


@dataclass(frozen=True, eq=False)
class WindowRuns:
    """n windows of P = h·w pixels as R runs. Masks are numbered through all windows.

    Attributes:
        probabilities: S_i, ``(..., K, h, w)``.
        confidence: max S_i of every pixel, float ``(nP,)``, at least float32.
        lengths: pixels of each run, int64 ``(R,)``.
        windows: the window of each run, int64 ``(R,)``.
        labels: argmax S_i of each run, int64 ``(R,)``.
        masks: the masks of each run, int32 ``(L, R)``, 0 is none; mask m of window i has the number
            1 + m n + i, so that within a window numbers grow as masks shrink.
        topmost: the smallest of them, int64 ``(R,)``.
        masks_per_window: M ≥ 1.
    """

    probabilities: Tensor
    confidence: Tensor
    lengths: Tensor
    windows: Tensor
    labels: Tensor
    masks: Tensor
    topmost: Tensor
    masks_per_window: int

    @classmethod
    def of(cls, probabilities: Tensor, masks: Tensor) -> WindowRuns:
        """Read windows, see :class:`goodsam_pl.fusion.Fusion` for both arguments.

        Raises:
            ValueError: the shapes do not belong together.
        """
        _check(probabilities, masks)
        probabilities = probabilities.detach()
        scores = probabilities.flatten(0, -4).flatten(2)
        if scores.dtype in _HALF:
            scores = scores.float()
        found = scan(scores, masks.flatten(0, -4).flatten(2))
        windows = found.starts // found.confidence.shape[1]
        topmost = found.masks.amax(dim=0)
        most = -(-int(topmost.max()) // len(found.confidence))
        end = found.starts.new_tensor([found.confidence.numel()])
        return cls(
            probabilities=probabilities,
            confidence=found.confidence.flatten(),
            lengths=torch.diff(found.starts, append=end),
            windows=windows,
            labels=found.labels.long(),
            masks=found.masks,
            topmost=topmost.long(),
            masks_per_window=max(most, 1),
        )

    @property
    def window_count(self) -> int:
        """N."""
        return self.probabilities.shape[:-3].numel()

    @property
    def classes(self) -> int:
        """K."""
        return self.probabilities.shape[-3]

    @property
    def mask_count(self) -> int:
        """1 + n M, the numbers that masks can have, with that of none."""
        return 1 + self.window_count * self.masks_per_window

    def sums(self, values: Tensor) -> Tensor:
        """Sum integers ``(nP,)`` over the pixels of each run, exactly: int64 ``(R,)``."""
        return gather_up(values, self.lengths)

    def pixels(self, *values: Tensor) -> list[Tensor]:
        """Give the pixels what holds for their run: each ``(R,)`` to ``(..., h, w)``."""
        shape = self.probabilities.shape[:-3] + self.probabilities.shape[-2:]
        spread_out = spread(values, self.lengths, self.confidence.numel())
        return [each.view(shape) for each in spread_out]


def _check(probabilities: Tensor, masks: Tensor) -> None:
    windows, size = probabilities.shape[:-3], probabilities.shape[-2:]
    if not windows or masks.shape[:-3] != windows or masks.shape[-2:] != size:
        raise ValueError(
            f"masks {tuple(masks.shape)} do not belong to probabilities "
            f"{tuple(probabilities.shape)}: expected (..., L, h, w) beside (..., K, h, w)"
        )
    if not masks.shape[-3]:
        raise ValueError("no layer of masks: where there is no mask, a layer holds -1")
    if probabilities.shape[-3] > 255:
        raise ValueError(
            f"{probabilities.shape[-3]} classes: labels are bytes, and 255 marks ignored pixels"
        )
