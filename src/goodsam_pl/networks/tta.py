"""Test-time augmentation: what a network says of a panorama, averaged over ways to look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ViewAveraging"]


class ViewAveraging(nn.Module):
    """Average probabilities over yaw rolls, mirror images and scales of panoramas.

    A panorama has no preferred yaw, so a rolled one is as real as the one that was taken; no pixel
    of it is interpolated. With views v and their inverses v⁻¹, p = mean over v of
    v⁻¹(softmax(f(v(x)))), what is returned is log p, which serves as logits.

    Args:
        network: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``.
        rolls: number n of rolls, by 0, W/n, 2W/n, … columns; 1 is no roll.
        mirror: add the mirror image of each roll.
        scales: sizes that each view is looked at in (multi-scale testing); 1 is the size at hand.

    Raises:
        ValueError: less than one roll, no scale, or one that is not positive.

    Shape:
        - input ``(B, 3, H, W)``, full circles in width;
        - output log-probabilities float32 ``(B, K, H, W)``.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        rolls: int = 4,
        mirror: bool = True,
        scales: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        if rolls < 1:
            raise ValueError(f"rolls is {rolls}: choose 1 for none, or more")
        if not scales or min(scales) <= 0:
            raise ValueError(f"scales {list(scales)}: choose at least one, all above 0")
        self.network = network
        self.rolls = rolls
        self.mirror = mirror
        self.scales = tuple(scales)

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to log-probabilities ``(B, K, H, W)``."""
        width = images.shape[-1]
        total: Tensor | None = None
        for index in range(self.rolls):
            shift = round(index * width / self.rolls)
            for mirrored in (False, True) if self.mirror else (False,):
                view = images.roll(-shift, dims=-1)
                view = view.flip(-1) if mirrored else view
                for scale in self.scales:
                    probabilities = self._at_scale(view, scale)
                    back = probabilities.flip(-1) if mirrored else probabilities
                    back = back.roll(shift, dims=-1)
                    total = back if total is None else total + back
        assert total is not None  # noqa: S101  # at least one roll and one scale
        views = self.rolls * (2 if self.mirror else 1) * len(self.scales)
        return (total / views).clamp_min(torch.finfo(total.dtype).tiny).log()

    def _at_scale(self, images: Tensor, scale: float) -> Tensor:
        """Probabilities at the size of the images, float32."""
        size = (images.shape[-2], images.shape[-1])
        if scale != 1.0:
            other = (round(scale * size[0]), round(scale * size[1]))
            images = F.interpolate(images, size=other, mode="bilinear", antialias=scale < 1)
        logits = self.network(images).float()
        if scale != 1.0:
            logits = F.interpolate(logits, size=size, mode="bilinear")
        return logits.softmax(dim=1)
